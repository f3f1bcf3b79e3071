import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jsonSchema } from '../../src/config/schema.ts';
import { CODES } from '../../src/core/codes/index.ts';
import { ORDER_IN, ORDER_OUT } from '../../src/core/order.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const MAX_LINES = 400;

/** Files of the repository: tracked ones, or all but the ignored where git is missing (a source archive). */
function files(): string[] {
  try {
    return execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .split('\0')
      .filter((file) => file !== '' && existsSync(join(ROOT, file)));
  } catch {
    return readdirSync(ROOT, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1))
      .filter((file) => !/(^|\/)(node_modules|dist|coverage|\.git|\.doorward)\//.test(file));
  }
}

const FILES = files();
/** Without texts that were made up to be judged: the machines in them do not exist. */
const OURS = FILES.filter((file) => !/^(bench\/blind|scripts\/screen\/voices)\//.test(file));
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const isText = (file: string) => !readFileSync(join(ROOT, file)).subarray(0, 8000).includes(0);
/** Each match of a pattern over the given files, as `file:line`. */
const places = (among: readonly string[], pattern: RegExp): string[] =>
  among.filter(isText).flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, i) => (pattern.test(line) ? [`${file}:${i + 1}`] : [])),
  );

describe('the repository', () => {
  it('has been seen', () => expect(FILES.filter((file) => file.startsWith('src/')).length).toBeGreaterThan(30));

  it(`has no source file over ${MAX_LINES} lines, data apart`, () => {
    const long = FILES.filter((file) => /^src\/.*\.ts$/.test(file) && !file.includes('/data/')).filter(
      (file) => read(file).split('\n').length - 1 > MAX_LINES,
    );
    expect(long).toEqual([]);
  });

  it('has no room for things without a name', () => {
    expect(FILES.filter((file) => /(^|\/)(utils?|helpers?|common|misc|shared)(\.ts|\/)/.test(file))).toEqual([]);
  });

  it('names no path of a machine', () => {
    // The words are put together here, so that this file does not find itself.
    const homes = ['home', 'Users', 'work', 'root'].map((dir) => `/${dir}/`).join('|');
    const pattern = new RegExp(`(^|[\\s"'\`=(:])(${homes})[A-Za-z0-9._-]`);
    // Examples and tests speak of paths inside a sandbox or of made-up users; sources and settings name none.
    const among = OURS.filter((file) => !/^(test|docs|examples)\//.test(file) && !file.endsWith('.md'));
    expect(places(among, pattern)).toEqual([]);
    expect(places(FILES, new RegExp(`(^|[\\s"'\`=(:])/${'work'}/[A-Za-z0-9._-]`))).toEqual([]);
  });

  it('names no package registry but the public one', () => {
    const host =
      /https?:\/\/(?!registry\.npmjs\.org\b|www\.npmjs\.com\b)[^/\s]*(registry|npm|artifactory|nexus|verdaccio)/;
    expect(places(OURS, host)).toEqual([]);
    expect(places(['package-lock.json'], /"resolved": "(?!https:\/\/registry\.npmjs\.org\/)/)).toEqual([]);
    expect(
      places(
        FILES.filter((file) => file.endsWith('.npmrc')),
        /registry\s*=/,
      ),
    ).toEqual([]);
  });

  it('has a page, a test folder and two files for every control', () => {
    const controls = [...new Set([...ORDER_IN, ...ORDER_OUT].map((row) => row.id))].sort();
    const folders = readdirSync(join(ROOT, 'src/controls'), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    expect(folders.map((entry) => entry.name).sort()).toEqual(controls);
    const parts = controls.flatMap((id) => [
      `src/controls/${id}/index.ts`,
      `src/controls/${id}/rules.ts`,
      `docs/controls/${id}.md`,
      `test/controls/${id}`,
    ]);
    expect(parts.filter((part) => !existsSync(join(ROOT, part)))).toEqual([]);
  });

  it('has no page for a control or room that does not exist', () => {
    const pages = FILES.filter((file) => /^docs\/controls\/.*\.md$/.test(file)).map((file) => file.slice(14, -3));
    const folders = new Set(
      FILES.filter((file) => file.startsWith('src/')).flatMap((file) => file.split('/').slice(1, -1)),
    );
    expect(pages.filter((id) => !folders.has(id))).toEqual([]);
  });

  it('names only commands that npm can run', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const known = new Set([...Object.keys(scripts), 'ci', 'run', 'install', 'i', 'pack', 'sbom', 'audit']);
    const pages = FILES.filter((file) => /^(README|SECURITY|CONTRIBUTING|docs\/.*)\.md$/.test(file));
    const named = pages.flatMap((file) =>
      [...code(read(file)).matchAll(/(?:^|\$ |&& )npm (?:run +)?([a-z][a-z:-]*)/gm)].map((match) => ({
        file,
        command: match[1]!,
      })),
    );
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter(({ command }) => !known.has(command))).toEqual([]);
  });

  it('names only codes that exist', () => {
    // `redact.arguments` is a key of the configuration, `upstream.tool` the form of a name in it.
    const blocks = (jsonSchema() as { properties: Record<string, { properties?: object }> }).properties;
    const keys = Object.entries(blocks).flatMap(([block, { properties = {} }]) =>
      Object.keys(properties).map((key) => `${block}.${key}`),
    );
    const other = new Set([
      ...keys,
      ...['tool', 'prompt', 'resource', 'template', 'name'].map((of) => `upstream.${of}`),
    ]);
    const words = new Set(Object.keys(CODES).map((name) => name.split('.')[0]!));
    const pages = FILES.filter((file) => file.endsWith('.md'));
    const named = pages.flatMap((file) =>
      [...code(read(file)).matchAll(/(?<![\w./-])([a-z]+)\.([a-z]+(?:-[a-z]+)*)(?![\w./<-])/g)]
        .filter(([, word, rest]) => words.has(word!) && !/^(ts|md|yaml|db|sock|json)$/.test(rest!))
        .map((match) => ({ file, name: match[0] })),
    );
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter(({ name }) => !Object.hasOwn(CODES, name) && !other.has(name))).toEqual([]);
  });

  it('has no dead link in its pages', () => {
    const pages = FILES.filter((file) => file.endsWith('.md'));
    const dead = pages.flatMap((file) =>
      [...read(file).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)]
        .map((match) => resolve(ROOT, file, '..', match[1]!))
        .filter((target) => !existsSync(target))
        .map((target) => `${file} -> ${target.slice(ROOT.length + 1)}`),
    );
    expect(dead).toEqual([]);
  });

  it('numbers its decisions without a gap', () => {
    const numbers = FILES.filter((file) => /^docs\/decisions\/\d{4}-.*\.md$/.test(file)).map(
      (file) => +file.slice(15, 19),
    );
    expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, i) => i + 1));
  });

  it('cites only guarantees that are listed', () => {
    const listed = new Set([...read('docs/data/guarantees.yaml').matchAll(/- id: (\w+)/g)].map((match) => match[1]!));
    const cited = FILES.filter((file) => /^(src|docs)\/.*\.(ts|md)$/.test(file)).flatMap((file) =>
      [...read(file).matchAll(/guarantees? ((?:[A-Z]{2}\d+(?:, | and | to )?)+)/g)].flatMap((match) =>
        [...match[1]!.matchAll(/[A-Z]{2}\d+/g)].map(([id]) => ({ file, id })),
      ),
    );
    expect(cited.length).toBeGreaterThan(5);
    expect(cited.filter(({ id }) => !listed.has(id))).toEqual([]);
  });
});

/** What a page shows as code: the spans of its prose and its fenced blocks. */
function code(page: string): string {
  const spans = (prose: string) => [...prose.matchAll(/`([^`\n]+)`/g)].map((span) => span[1]).join('\n');
  // Fences alternate: every second part lies inside one.
  return page
    .split(/^```.*$/m)
    .map((part, i) => (i % 2 === 0 ? spans(part) : part))
    .join('\n');
}
