/**
 * The package as others get it: built, packed, unpacked into a project that has its declared dependencies and nothing
 * else, and used there. No network.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
const DATA = find(join(ROOT, 'src'), (file) => !file.endsWith('.ts'));
/** Lies where a careless list of files would take it along. */
const NOT_OURS = [
  'src/a.ts',
  'test/a.test.ts',
  '.doorward/token',
  '.env',
  'doorward.yaml',
  'dist.bak/a.js',
  'bench/a.ts',
];

interface Manifest {
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
}

let root: string;
/** A project with the package in its `node_modules`. */
let project: string;
let packed: string[];
let installed: string;

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'doorward-package-')));
  const source = join(root, 'source');
  project = join(root, 'project');
  installed = join(project, 'node_modules/doorward');
  mkdirSync(installed, { recursive: true });
  run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', join(ROOT, 'tsconfig.build.json'), '--outDir', join(source, 'dist')]);
  for (const file of ['package.json', 'LICENSE', 'README.md', 'SECURITY.md', 'CONTRIBUTING.md'])
    cpSync(join(ROOT, file), join(source, file));
  for (const file of NOT_OURS) {
    mkdirSync(dirname(join(source, file)), { recursive: true });
    writeFileSync(join(source, file), 'not for others');
  }
  const [made] = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', root], source)) as [
    { filename: string; files: { path: string }[] },
  ];
  packed = made.files.map(({ path }) => path).sort();
  run('tar', ['-xzf', join(root, made.filename), '--strip-components=1', '-C', installed]);
  for (const name of Object.keys(MANIFEST.dependencies)) {
    const place = join(project, 'node_modules', name);
    mkdirSync(dirname(place), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules', name), place);
  }
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('what is packed', () => {
  it('is the compiled sources, the pages that belong to a package, and nothing else', () => {
    const rest = packed.filter((file) => !/^dist\/.*\.(js|d\.ts|json)$/.test(file));
    expect(rest).toEqual(['LICENSE', 'README.md', 'SECURITY.md', 'package.json']);
    const sources = find(join(ROOT, 'src'), (file) => file.endsWith('.ts')).map(
      (file) => `dist/${file.slice(0, -3)}.js`,
    );
    expect(packed.filter((file) => file.endsWith('.js'))).toEqual(sources.sort());
  });

  it('has the data files, unchanged', () => {
    expect(DATA.length).toBeGreaterThan(2);
    for (const file of DATA)
      expect(JSON.parse(readFileSync(join(installed, 'dist', file), 'utf8')), file).toEqual(
        JSON.parse(readFileSync(join(ROOT, 'src', file), 'utf8')),
      );
  });

  it('names no path of the machine that built it', () => {
    const told = packed.filter((file) => readFileSync(join(installed, file), 'utf8').includes(ROOT));
    expect(told).toEqual([]);
  });

  it('imports nothing but Node and its declared dependencies, and all of those', () => {
    const imports =
      /^(?:import .*|export .*|\} )from '([^.'][^']*)'|^import '([^.'][^']*)'|\bimport\('([^.'][^']*)'\)/gm;
    const named = new Set(
      packed
        .filter((file) => file.endsWith('.js'))
        .flatMap((file) => [...readFileSync(join(installed, file), 'utf8').matchAll(imports)])
        .map((match) => match[1] ?? match[2] ?? match[3]!)
        .filter((name) => !name.startsWith('node:'))
        .map((name) => /^(?:@[^/]+\/)?[^/]+/.exec(name)![0]),
    );
    expect([...named].filter((name) => builtinModules.includes(name))).toEqual([]);
    expect([...named].sort()).toEqual(Object.keys(MANIFEST.dependencies).sort());
  });

  it('starts its program with the line that a shell needs', () => {
    const program = readFileSync(join(installed, MANIFEST.bin['doorward']!), 'utf8');
    expect(program.split('\n')[0]).toBe('#!/usr/bin/env node');
  });

  it('leaves no file of an older build behind', () => {
    expect(MANIFEST.scripts['build']).toMatch(/^rm -rf dist && tsc -p tsconfig\.build\.json$/);
  });
});

describe('the program', () => {
  const doorward = (...args: string[]) =>
    spawnSync(process.execPath, [join(installed, MANIFEST.bin['doorward']!), ...args], {
      cwd: project,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1', HOME: project },
    });

  it('tells its version', () => {
    expect(doorward('--version').stdout).toBe(`${MANIFEST.version}\n`);
  });

  it.each(['init', 'review', 'run', 'check', 'explain', 'audit', 'doctor'])('has %s', (verb) => {
    const { status, stdout, stderr } = doorward(verb, '--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`Usage: doorward ${verb}`);
  });

  it('reviews, checks and explains: sandbox, policies and data come along', () => {
    mkdirSync(join(project, 'tidy'));
    cpSync(join(ROOT, 'test/fixtures/servers/tidy.ts'), join(project, 'tidy/tidy.ts'));
    writeFileSync(
      join(project, 'doorward.yaml'),
      `doorward: 1
upstreams: { tidy: { run: [node, ./tidy/tidy.ts] } }
policy: [{ to: local, allow: [tidy.echo] }]
unsafe: { run-as-root: tests run as whoever runs them }
`,
    );
    expect(doorward('review', '--yes').stdout).toContain('wrote doorward.lock');
    expect(doorward('check').status).toBe(0);
    const secret = `AKIA${'Q3EGUVYXTSRNCO5P'}`;
    const { status, stdout } = doorward('explain', 'tidy.echo', JSON.stringify({ text: secret }));
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringContaining('PASS') });
  });
});

describe('the library', () => {
  it('is imported by name, and loads core, lib and its own files only: no door, driver, sandbox or console', () => {
    writeFileSync(
      join(project, 'seen.js'),
      `import { registerHooks } from 'node:module';
const seen = [];
registerHooks({ load(url, context, next) { seen.push(url); return next(url, context); } });
const { harden } = await import('doorward');
console.log(JSON.stringify({ seen, harden: typeof harden }));
`,
    );
    const { seen, harden } = JSON.parse(run(process.execPath, ['seen.js'], project)) as {
      seen: string[];
      harden: string;
    };
    expect(harden).toBe('function');
    const dist = `file://${realpathSync(installed)}/dist/`;
    expect(seen.length).toBeGreaterThan(10);
    expect(seen.filter((url) => !url.startsWith(dist))).toEqual([]);
    const rooms = new Set(seen.map((url) => url.slice(dist.length).split('/')[0]));
    expect([...rooms].sort()).toEqual(['core', 'gateway', 'lib']);
  });

  it('has types that hold under the strictest settings', () => {
    writeFileSync(
      join(project, 'user.ts'),
      `import { harden, type HardenOptions } from 'doorward';
export const gate = (options: HardenOptions): string => harden(options).id();
// @ts-expect-error an id is a text
export const wrong = (options: HardenOptions): number => harden(options).id();
`,
    );
    const settings =
      '--noEmit --strict --exactOptionalPropertyTypes --skipLibCheck false --module nodenext --target es2024';
    run(join(ROOT, 'node_modules/.bin/tsc'), [...settings.split(' '), '--types', '', 'user.ts'], project);
  });

  it('opens nothing but its entry', () => {
    const tried = spawnSync(process.execPath, ['-e', "import('doorward/dist/cli/main.js')"], {
      cwd: project,
      encoding: 'utf8',
    });
    expect(tried.stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
  });
});

function run(program: string, args: readonly string[], cwd = ROOT): string {
  const path = [dirname(process.execPath), process.env['PATH']].join(':');
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, PATH: path },
  });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}

function find(dir: string, fits: (file: string) => boolean): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .filter(fits);
}
