/** The protocol's own conformance suite, directly and through the gateway: nothing may be lost but what is listed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ERAS, UPSTREAMS } from './cells.ts';
import { type Matrix, runMatrix } from './matrix.ts';

/** About two minutes on an idle machine with two processors; `npm run conformance` also runs what this leaves out. */
const LIMIT = 900_000;

let matrix: Matrix;
beforeAll(async () => {
  matrix = await runMatrix([], () => {}, false);
}, LIMIT);

function matrixNames(which: (client: string, era: string) => boolean): string[] {
  return ERAS.flatMap((client) =>
    UPSTREAMS.flatMap(({ name, era }) => (which(client, era) ? [`${client}.${name}`] : [])),
  );
}

describe.each(ERAS)('the fixture itself, clients of %s', (era) => {
  it('passes all that is required', () => {
    const required = [...matrix.direct.get(era)!.values()].filter((scenario) => scenario.required);
    expect(required.length).toBeGreaterThanOrEqual(30);
    expect(required.filter(({ failed }) => failed.size > 0).map(({ name }) => name)).toEqual([]);
  });
});

describe.each(matrixNames(() => true))('%s', (name) => {
  it('loses what is listed, and nothing else', () => {
    const { unexpected, stale, through } = matrix.cells.find((cell) => cell.name === name)!;
    expect(unexpected).toEqual([]);
    expect(stale).toEqual([]);
    expect([...through.values()].filter(({ passed }) => passed > 0).length).toBeGreaterThanOrEqual(30);
  });
});

describe.each(matrixNames((client, era) => client === era))('%s, one revision on both sides', (name) => {
  it('fails nothing that is required', () => {
    const { through } = matrix.cells.find((cell) => cell.name === name)!;
    const failed = [...through.values()].filter((one) => one.required && one.failed.size > one.warned.size);
    expect(failed.map((one) => one.name)).toEqual([]);
  });
});

describe.each(ERAS)('as a client of %s', (era) => {
  it('loses what is listed, and nothing else', () => {
    const { unexpected, stale, through } = matrix.clients.find((cell) => cell.era === era)!;
    expect(unexpected).toEqual([]);
    expect(stale).toEqual([]);
    expect([...through.values()].filter(({ passed }) => passed > 0).length).toBeGreaterThanOrEqual(3);
  });

  it('fails nothing that is required of signing in', () => {
    const { through } = matrix.clients.find((cell) => cell.era === era)!;
    const signing = [...through.values()].filter((one) => one.required && one.name.startsWith('auth/'));
    expect(signing.length).toBeGreaterThanOrEqual(era === '2026-07-28' ? 25 : 0);
    expect(signing.flatMap(({ failed }) => [...failed])).toEqual([]);
  });
});

describe('the extension tasks', () => {
  it('loses nothing', () => {
    const [{ unexpected, stale, through }] = matrix.extensions as [Matrix['extensions'][number]];
    expect(unexpected).toEqual([]);
    expect(stale).toEqual([]);
    expect([...through.values()].filter(({ passed }) => passed > 0).length).toBeGreaterThanOrEqual(9);
  });
});

describe('the page that the last whole run wrote', () => {
  it('has a row for every cell', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/conformance.md'), 'utf8');
    for (const { name } of [...matrix.cells, ...matrix.clients, ...matrix.extensions])
      expect(page).toContain(`| ${name} |`);
  });
});
