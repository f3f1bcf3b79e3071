import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

type Versions = Readonly<Record<string, string>>;
const manifest = JSON.parse(read('package.json')) as {
  dependencies: Versions;
  devDependencies: Versions;
  optionalDependencies: Versions;
  peerDependencies?: Versions;
};
const lock = JSON.parse(read('package-lock.json')) as {
  packages: Readonly<Record<string, { version?: string; integrity?: string; resolved?: string; link?: true }>>;
};
const named = Object.entries({
  ...manifest.dependencies,
  ...manifest.devDependencies,
  ...manifest.optionalDependencies,
  ...manifest.peerDependencies,
});

/** Rows of the page: | `package` | version | why | may | instead | */
const rows = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \| (\d[^ |]*) \| (.+) \|$/gm)].map((row) => ({
  name: row[1]!,
  version: row[2]!,
  cells: row[3]!.split(' | '),
}));

describe('dependencies', () => {
  it.each(named)('%s is named by an exact version', (_, version) => {
    expect(version).toMatch(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/);
  });

  it('has one line for each, with the version in force', () => {
    const line = ([name, version]: readonly [string, string]) => `${name} ${version}`;
    expect(rows.map((row) => line([row.name, row.version])).sort()).toEqual(named.map(line).sort());
  });

  it.each(rows)('says why $name is there, what it may do, what replaces it', ({ cells }) => {
    expect(cells.length).toBe(3);
    expect(cells.every((cell) => cell.trim().length > 3)).toBe(true);
  });

  it('locks what the manifest names', () => {
    for (const [name, version] of named) expect(lock.packages[`node_modules/${name}`]?.version, name).toBe(version);
  });

  it('locks every package by integrity, from the public registry or from no named place', () => {
    const packages = Object.entries(lock.packages).filter(([path, entry]) => path !== '' && !entry.link);
    expect(packages.length).toBeGreaterThan(named.length);
    const without = packages.filter(([, entry]) => !/^sha512-[A-Za-z0-9+/]+=*$/.test(entry.integrity ?? ''));
    expect(without.map(([path]) => path)).toEqual([]);
    const elsewhere = packages.filter(
      ([, { resolved }]) => resolved && !resolved.startsWith('https://registry.npmjs.org/'),
    );
    expect(elsewhere.map(([path]) => path)).toEqual([]);
  });

  it('runs no install script', () => {
    expect(read('.npmrc').split('\n')).toEqual(
      expect.arrayContaining(['ignore-scripts=true', 'strict-allow-scripts=true', 'save-exact=true']),
    );
  });

  it('imports nothing in src that is not a dependency at run time', () => {
    const imported = [...importsOf(join(ROOT, 'src'))];
    expect(imported).toContain('zod');
    expect(imported.filter((name) => !(name in manifest.dependencies))).toEqual([]);
  });
});

/** Names of the packages that the sources import, also types and at run time. */
function importsOf(dir: string): Set<string> {
  const names = new Set<string>();
  for (const file of sources(dir)) {
    const text = readFileSync(file, 'utf8');
    for (const [, from] of text.matchAll(/^(?:.*\bfrom |import |.*\bimport\()'([^'\n]+)'\)?.*$/gm)) {
      if (from!.startsWith('.') || from!.startsWith('node:')) continue;
      names.add(
        from!
          .split('/')
          .slice(0, from!.startsWith('@') ? 2 : 1)
          .join('/'),
      );
    }
  }
  return names;
}

function sources(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(dir, name));
}
