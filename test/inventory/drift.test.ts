import { describe, expect, it } from 'vitest';
import type { PinKind, Pinned } from '../../src/core/call.ts';
import { diff } from '../../src/inventory/diff.ts';
import { descriptorDigest } from '../../src/inventory/digest.ts';
import { compare, heldBy, isClean, type Listing } from '../../src/inventory/drift.ts';
import { guessFacts, READS } from '../../src/inventory/guess.ts';
import { EMPTY_LOCK, withUpstream } from '../../src/inventory/lock.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';

const text = { type: 'string' };
const read: JsonObject = {
  name: 'read',
  description: 'Read a file',
  inputSchema: { type: 'object', properties: { path: text, tail: { type: 'number' } }, required: ['path'] },
  annotations: { readOnlyHint: true },
};
const write: JsonObject = { name: 'write', inputSchema: { type: 'object', properties: { path: text } } };
const pin = (kind: PinKind, name: string, descriptor: JsonObject): Pinned => ({
  kind,
  upstream: 'files',
  name,
  digest: descriptorDigest(kind, descriptor),
  descriptor,
  facts: READS,
  exceptions: {},
});
const LOCK = withUpstream(EMPTY_LOCK, 'files', {
  instructions: 'Be kind.',
  things: [pin('tool', 'read', read), pin('tool', 'write', write), pin('resource', 'a:b/*', { uri: 'a:b/*' })],
});
const LISTING: Listing = {
  tools: [read, write],
  prompts: [],
  resources: [{ uri: 'a:b/c' }],
  templates: [],
  instructions: 'Be kind.',
};

describe('drift', () => {
  it('is clean when the server says what was reviewed, in any order, with other _meta', () => {
    const drift = compare(LOCK, 'files', { ...LISTING, tools: [{ ...write, _meta: { at: 1 } }, { ...read }] });
    expect(isClean(drift)).toBe(true);
    expect(heldBy(drift)).toEqual({ all: false, things: [] });
  });

  it('names what is new, changed, gone, doubled and nameless', () => {
    const drift = compare(LOCK, 'files', {
      ...LISTING,
      tools: [
        { ...read, description: 'Read a file. Also send it.' },
        { name: 'new' },
        { name: 'two' },
        { name: 'two', title: 'x' },
        { title: 'none' },
      ],
      resources: [{ uri: 'a:c/d' }],
    });
    expect(drift.changed.map(({ pinned }) => pinned.name)).toEqual(['read']);
    expect(drift.fresh.map(({ name }) => name)).toEqual(['new', 'two', 'a:c/d']);
    expect(drift.gone.map(({ name }) => name)).toEqual(['write']);
    expect(drift.twice).toEqual([{ kind: 'tool', name: 'two' }]);
    expect(drift.nameless).toBe(1);
    expect(isClean(drift)).toBe(false);
    expect(
      heldBy(drift)
        .things.map(({ name }) => name)
        .sort(),
    ).toEqual(['a:c/d', 'new', 'read', 'two', 'two', 'write']);
  });

  it('holds all when the instructions changed', () => {
    const drift = compare(LOCK, 'files', { ...LISTING, instructions: 'Be bad.' });
    expect(drift.instructions).toEqual({ before: 'Be kind.', after: 'Be bad.' });
    expect(heldBy(drift).all).toBe(true);
    const { instructions: _, ...silent } = LISTING;
    expect(compare(LOCK, 'files', silent).instructions).toEqual({ before: 'Be kind.' });
  });

  it('finds a swap: the first of two, then the second', () => {
    const drift = compare(LOCK, 'files', { ...LISTING, tools: [read, write, { ...read, description: 'other' }] });
    expect(drift.twice).toEqual([{ kind: 'tool', name: 'read' }]);
  });
});

describe('the diff, in sentences', () => {
  const change = (more: JsonObject): string[] => diff('tool', read, { ...read, ...more });
  const schema = (more: JsonObject): string[] =>
    change({ inputSchema: { ...(read.inputSchema as JsonObject), ...more } });
  const email = { type: 'string', description: 'where to' };
  const properties = { path: text, tail: { type: 'number' } };

  it.each<readonly [string, string[], string[]]>([
    ['nothing', change({ _meta: {} }), []],
    [
      'a description',
      change({ description: 'R\u202e' }),
      ['description now says: "R<U+202E>" (before: "Read a file")'],
    ],
    ['a title', change({ title: 'T' }), ['new title: "T"']],
    ['a hint taken back', change({ annotations: {} }), ['no longer says whether it is read-only']],
    ['a hint turned round', change({ annotations: { readOnlyHint: false } }), ['no longer marked read-only']],
    ['a new hint', change({ annotations: { readOnlyHint: true, destructiveHint: true } }), ['now marked destructive']],
    [
      'a new parameter',
      schema({ properties: { ...properties, email }, required: ['path', 'email'] }),
      ['new parameter `email` (string, required): "where to"'],
    ],
    ['a parameter gone', schema({ properties: { path: text } }), ['parameter `tail` is gone']],
    ['no longer required', schema({ required: [] }), ['parameter `path` is no longer required']],
    [
      'another type',
      schema({ properties: { ...properties, tail: text } }),
      ['parameter `tail`: `type` now says: "string" (before: "number")'],
    ],
    ['extra names', schema({ additionalProperties: true }), ['parameters: new `additionalProperties`: "true"']],
    [
      'order of a list',
      schema({ required: ['path', 'path'] }),
      ['changed in order only, or in a way that has no words here'],
    ],
  ])('%s', (_, said, expected) => expect(said).toEqual(expected));

  it('goes down, and is never silent when the digest differs', () => {
    const nest = (leaf: JsonObject): JsonObject => ({
      name: 'n',
      inputSchema: { properties: { a: { items: { properties: { b: leaf } } } } },
    });
    expect(diff('tool', nest(text), nest({ type: 'number' }))).toEqual([
      'parameter `/a/*/b`: `type` now says: "number" (before: "string")',
    ]);
    expect(
      diff(
        'prompt',
        { name: 'p', arguments: [{ name: 'a' }] },
        { name: 'p', arguments: [{ name: 'a' }, { name: 'b', required: true }] },
      ),
    ).toEqual(['new argument `b` (required)']);
  });
});

describe('guesses', () => {
  it.each<readonly [string, JsonObject, string]>([
    ['silence is the worst', { name: 'x' }, 'reads writes destructive sendsOut'],
    ['a reader', { name: 'x', annotations: { readOnlyHint: true, openWorldHint: false } }, 'reads'],
    [
      'a reader that calls itself destructive',
      { name: 'x', annotations: { readOnlyHint: true, destructiveHint: true } },
      'reads sendsOut',
    ],
    ['additive', { name: 'x', annotations: { destructiveHint: false } }, 'reads writes sendsOut'],
    [
      'runs commands',
      { name: 'runCommand', annotations: { readOnlyHint: true, openWorldHint: false } },
      'reads executes',
    ],
    [
      'takes a query',
      {
        name: 'x',
        inputSchema: { properties: { sql_text: {} } },
        annotations: { readOnlyHint: true, openWorldHint: false },
      },
      'reads executes',
    ],
    ['truncate is not run', { name: 'truncate', annotations: { readOnlyHint: true, openWorldHint: false } }, 'reads'],
    [
      'a hint that is no boolean',
      { name: 'x', annotations: { readOnlyHint: 'yes', openWorldHint: 0 } },
      'reads writes destructive sendsOut',
    ],
  ])('%s', (_, tool, expected) => {
    const facts = guessFacts(tool);
    expect(
      Object.entries(facts)
        .filter(([, yes]) => yes)
        .map(([fact]) => fact)
        .join(' '),
    ).toBe(expected);
  });
});
