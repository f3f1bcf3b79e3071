/**
 * What `doorward inspect` says of material that no rule was written for and no model was trained with. The bounds are
 * floors under what is reached, not goals; docs/figures/content.md has the figures on the corpora.
 */
import { describe, expect, it } from 'vitest';
import { inspectRow } from '../../src/cli/inspect/inspect.ts';
import { BENIGN } from './unseen/benign.ts';
import * as descriptors from './unseen/descriptors.ts';
import { FORMS } from './unseen/forms.ts';
import * as results from './unseen/results.ts';
import * as secrets from './unseen/secrets.ts';
import { core, VENDORS } from './unseen/vendors.ts';

const descriptorOf = ([name, description, parameters = { input: 'the input' }]: descriptors.Tool) => {
  const properties = Object.fromEntries(
    Object.entries(parameters).map(([key, about]) => [key, { type: 'string', description: about }]),
  );
  return { name, description, inputSchema: { type: 'object', properties } };
};
const held = (tool: descriptors.Tool, beside: readonly string[]) =>
  inspectRow({ kind: 'tool_descriptor', json: descriptorOf(tool), context: [...beside] }).verdict === 'hold';
const verdictOf = (text: string) => inspectRow({ kind: 'tool_result', text }).verdict;
const share = <T>(items: readonly T[], test: (item: T) => boolean) => items.filter(test).length / items.length;

describe('unseen descriptors', () => {
  const { ATTACKS, BENIGN, BESIDE } = descriptors;
  it.each([
    ['poisoned', 0.8],
    ['shadowing', 0.75],
    ['preference', 0.8],
    ['hidden', 1],
    ['encoded', 0.9],
    ['parameters', 0.6],
  ])('%s: %d of them are held', (kind, least) => {
    expect(share(ATTACKS[kind]!, (tool) => held(tool, BESIDE))).toBeGreaterThanOrEqual(least);
  });
  it('holds one clean tool in twenty at most', () => {
    expect(share(BENIGN, (tool) => held(tool, []))).toBeLessThanOrEqual(0.05);
  });
});

describe('unseen results', () => {
  it.each([
    ['email', 0.8],
    ['issue', 0.8],
    ['page', 0.9],
    ['invite', 0.8],
    ['code', 0.8],
    ['reviews', 0.8],
    ['encoded', 0.9],
    ['fake', 0.6],
    ['exfiltration', 0.4],
  ])('%s: %d of them are marked or held', (kind, least) => {
    expect(share(results.ATTACKS[kind]!, (text) => verdictOf(text) !== 'pass')).toBeGreaterThanOrEqual(least);
  });
  it('marks one clean answer in ten at most, though a quarter of them speak of models, and holds one in thirty', () => {
    expect(share(results.BENIGN, (text) => verdictOf(text) !== 'pass')).toBeLessThanOrEqual(0.1);
    expect(share(results.BENIGN, (text) => verdictOf(text) === 'hold')).toBeLessThanOrEqual(1 / 30);
  });
});

describe('unseen secrets', () => {
  it('takes out those of fifty vendors wherever they stand', () => {
    const kept = secrets.PROVIDERS.flatMap(([vendor, make]) =>
      secrets.AROUND.flatMap((around) => {
        const secret = make();
        const core = vendor === 'db-url' ? secret.slice(15, 35) : (secret.split('\n')[1] ?? secret.slice(-12));
        const { text } = inspectRow({ kind: 'secret', text: around(secret) });
        return text !== undefined && !text.includes(core) ? [] : [vendor];
      }),
    );
    expect(kept.length).toBeLessThanOrEqual((secrets.PROVIDERS.length * secrets.AROUND.length * 3) / 100);
  });
  it('takes out those of eighty further products', () => {
    const made = VENDORS.flatMap(([vendor, make, name]) =>
      secrets.AROUND.map((around) => {
        const secret = make();
        const { text } = inspectRow({
          kind: 'secret',
          text: around(name === undefined ? secret : `${name}=${secret}`),
        });
        return text !== undefined && !text.includes(core(secret)) ? undefined : vendor;
      }),
    );
    expect(made.filter((vendor) => vendor !== undefined)).toEqual([]);
  });
  it.each([
    ['shell, machine', 0.95],
    ['shell, person', 0.95],
    ['file, machine', 0.93],
    ['file, person', 0.86],
    ['language, machine', 0.97],
    ['language, person', 0.85],
  ])('finds passwords and tokens where they stand, %s: %d', (name, least) => {
    const gone = ([text, secret]: readonly [string, string]) => {
      const clean = inspectRow({ kind: 'secret', text }).text;
      return clean !== undefined && !clean.includes(secret);
    };
    expect(share(FORMS[name]!, gone)).toBeGreaterThanOrEqual(least);
  });
  it.each([...Object.entries(secrets.NEAR), ...Object.entries(BENIGN)])('leaves alone: %s', (_, texts) => {
    expect(texts.filter((text) => inspectRow({ kind: 'secret', text }).verdict !== 'pass')).toEqual([]);
  });
});
