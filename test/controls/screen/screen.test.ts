import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mayHide, reveal } from '../../../src/controls/screen/hidden.ts';
import { screen } from '../../../src/controls/screen/index.ts';
import { compile, DECISIONS, schema } from '../../../src/controls/screen/rules.ts';
import type { Message } from '../../../src/core/call.ts';
import type { Json, JsonObject } from '../../../src/lib/json/types.ts';
import { cpuMs } from '../../fixtures/cpu.ts';
import { type Case, callOf, caseFiles, scratchOnly, view } from '../cases.ts';

function messageOf({ result, error, notification }: Case): Message {
  if (notification) return { kind: 'notification', ...notification };
  return error ? { kind: 'error', ...error } : { kind: 'result', value: result! };
}

describe.each(caseFiles(import.meta.dirname))('screen, $file', (file) => {
  it.each(file.cases)('$name', (made) => {
    const rules = compile(schema.parse({ ...file.config, ...made.config }));
    expect(screen.inspect!(callOf(file, made), messageOf(made), rules, scratchOnly())).toMatchObject(made.expect);
  });
});

const call = view({ target: { kind: 'route', name: 'files' } });
const rules = compile(schema.parse({}));

describe('screen', () => {
  it('decides for every kind and severity', () => {
    for (const row of Object.values(DECISIONS)) expect(Object.keys(row)).toEqual(['low', 'high']);
  });
  it('lets clean arguments pass: `input` refuses hidden characters', () => {
    expect(screen.decide!(call, rules, scratchOnly())).toEqual({ kind: 'pass' });
  });
  it('does not walk a result whose bytes prove it clean', () => {
    const value = new Proxy<JsonObject>({}, { ownKeys: () => expect.fail('walked') });
    const bytes = Buffer.from('{"content":[{"text":"clean"}]}');
    expect(screen.inspect!(call, { kind: 'result', value, bytes }, rules, scratchOnly())).toEqual({ kind: 'pass' });
  });
  it('mayHide: false proves that nothing is hidden', () => {
    const char = fc.constantFrom(
      'a',
      '\\',
      'u',
      '"',
      '\n',
      '\t',
      '\b',
      '\f',
      '\u007f',
      '\u0000',
      '\u001b',
      '\u200b',
      '\u00e9',
      '/',
    );
    const text = fc.array(char, { maxLength: 12 }).map((chars) => chars.join(''));
    fc.assert(
      fc.property(fc.dictionary(text, text, { noNullPrototype: true }), (value) => {
        if (!mayHide(Buffer.from(JSON.stringify(value)))) expect(reveal(value as Json, 16).severity).toBeUndefined();
      }),
    );
  });
  it('answers the same object when nothing is hidden', () => {
    const value: Json = { a: ['b', { c: '\u4e2d' }] };
    expect(reveal(value, 16).value).toBe(value);
  });
  it('is quick on 1 MB of anything', () => {
    for (const piece of [
      '\u001b[',
      '\u001b]',
      '\u009d',
      '\u001b',
      '\u200b',
      '\u0007',
      '\u0645\u200c',
      '\u001b[0m',
      '\u001b[;;;;;',
    ]) {
      const text = piece.repeat(Math.floor(1_000_000 / Buffer.byteLength(piece)));
      expect(cpuMs(() => reveal({ text }, 16))).toBeLessThan(120);
    }
  });
});
