import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutTo, sizeOf } from '../../../src/controls/output/cut.ts';
import { output } from '../../../src/controls/output/index.ts';
import { findInternals } from '../../../src/controls/output/internals.ts';
import { compile, schema } from '../../../src/controls/output/rules.ts';
import type { Message, Pinned, Result } from '../../../src/core/call.ts';
import { RulesFault } from '../../../src/core/rules.ts';
import type { Verdict } from '../../../src/core/verdict.ts';
import type { Json, JsonObject } from '../../../src/lib/json/types.ts';
import { memoryState } from '../../../src/store/memory.ts';
import { cpuMs } from '../../fixtures/cpu.ts';
import { type Case, callOf, caseFiles, view } from '../cases.ts';

function messageOf({ result, error, notification }: Case): Message {
  if (notification) return { kind: 'notification', ...notification };
  return error ? { kind: 'error', ...error } : { kind: 'result', value: result! };
}

describe.each(caseFiles(import.meta.dirname))('output, $file', (file) => {
  it.each(file.cases)('$name', (made) => {
    const rules = compile(schema.parse({ ...file.config, ...made.config }), file);
    const { value, ...rest } = made.expect;
    const said = output.inspect!(callOf(file, made), messageOf(made), rules, memoryState(Date.now)) as Verdict<Message>;
    expect(said).toMatchObject(rest);
    if (value === undefined) return;
    const wanted = value as JsonObject;
    const got = (said as { value: Message }).value as unknown as JsonObject;
    for (const member of Object.keys(wanted)) {
      // What was left out must be gone, not only what was kept be there.
      if (member === 'value' && wanted.kind !== undefined) expect(got[member]).toEqual(wanted[member]);
      else expect(got[member]).toMatchObject(wanted[member] as object);
    }
  });
});

const facts = { reads: true, writes: false, destructive: false, executes: false, sendsOut: false };
const pin: Pinned = {
  kind: 'tool',
  upstream: 'files',
  name: 't',
  digest: '',
  descriptor: { name: 't' },
  facts,
  exceptions: {},
};
const call = view({ target: pin });
const rules = compile(schema.parse({ cap: 2000 }), { pinned: [pin] });
const inspect = (value: JsonObject, bytes?: Uint8Array) =>
  output.inspect!(
    call,
    { kind: 'result', value, ...(bytes && { bytes }) },
    rules,
    memoryState(Date.now),
  ) as Verdict<Result>;

describe("the upstream's own bytes", () => {
  it('stay when nothing was edited: the verdict is a pass', () => {
    const value = { content: [{ type: 'text', text: 'a' }] };
    expect(inspect(value, Buffer.from(JSON.stringify(value))).kind).toBe('pass');
  });

  it('go with every edit', () => {
    for (const value of [
      { content: [{ type: 'text', text: 'a', x: 1 }] },
      { content: [{ type: 'text', text: 'a'.repeat(3000) }] },
      { content: [{ type: 'text', text: 'Traceback (most recent call last):' }], isError: true },
    ]) {
      const said = inspect(value, Buffer.from(JSON.stringify(value)));
      expect(said.kind).toBe('edit');
      expect((said as unknown as { value: Result }).value.bytes).toBeUndefined();
    }
  });

  it('count as they are: escapes make them more than the value', () => {
    const value = { content: [{ type: 'text', text: 'a'.repeat(500) }] };
    expect(inspect(value, new Uint8Array(3000)).kind).toBe('pass'); // measured again: the value itself fits
  });
});

describe('interim messages', () => {
  it('are counted over the call, and no further', () => {
    const few = compile(schema.parse({ interim: 3 }), { pinned: [] });
    const state = memoryState(Date.now);
    const note: Message = { kind: 'notification', method: 'notifications/progress', params: { progress: 1 } };
    const send = () => (output.inspect!(call, note, few, state) as Verdict<Message>).kind;
    expect([send(), send(), send(), send()]).toEqual(['pass', 'pass', 'pass', 'stop']);
    expect((output.inspect!(view({ target: pin, id: 'other' }), note, few, state) as Verdict<Message>).kind).toBe(
      'pass',
    );
  });
});

describe('cutting', () => {
  const block = fc.oneof(
    fc.record({
      type: fc.constant('text'),
      text: fc.string({ unit: 'grapheme', minLength: 100, maxLength: 600, size: 'max' }),
    }),
    fc.record({
      type: fc.constant('resource'),
      resource: fc.record({ uri: fc.constant('a:b'), text: fc.string({ minLength: 50, maxLength: 300, size: 'max' }) }),
    }),
    fc.record({ type: fc.constant('image'), data: fc.constant('QUJD'), mimeType: fc.constant('image/png') }),
  );

  it('ends under the cap, at a character, with a notice', () => {
    let cuts = 0;
    fc.assert(
      fc.property(fc.array(block, { maxLength: 6 }), fc.integer({ min: 150, max: 2000 }), (content, cap) => {
        const value = { content } as unknown as JsonObject;
        const size = sizeOf(value);
        if (size <= cap) return;
        const cut = cutTo(cap, value, size, '01TEST');
        if (cut === undefined) return;
        cuts++;
        expect(sizeOf(cut)).toBeLessThanOrEqual(cap);
        expect(JSON.stringify(cut)).toContain('Doorward cut this result');
        expect(JSON.stringify(cut).isWellFormed()).toBe(true);
        expect((cut.content as Json[]).length).toBe(content.length);
      }),
      { numRuns: 500 },
    );
    expect(cuts).toBeGreaterThan(50);
  });

  it('measures like JSON, without escapes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        if (!text.includes('\\')) expect(sizeOf(value as Json)).toBe(Buffer.byteLength(text));
        else expect(sizeOf(value as Json)).toBeLessThanOrEqual(Buffer.byteLength(text));
      }),
    );
  });
});

describe('internals', () => {
  it.each([
    'Error: boom\n    at Object.<anonymous> (/opt/server/index.js:10:15)',
    'Traceback (most recent call last):\n  File "/app/main.py", line 3, in <module>',
    'java.lang.NullPointerException\n\tat com.example.App.main(App.java:14)',
    'panic: runtime error\n\ngoroutine 1 [running]:',
    "thread 'main' panicked at src/main.rs:4:5",
    '   at App.Program.Main(String[] args) in C:\\src\\Program.cs:line 12',
    'PHP Fatal error:  Uncaught Exception',
    "app.rb:12:in `run'",
    'SQLSTATE[42S02]: Base table or view not found',
    'ERROR:  syntax error at or near "FROM"',
    'sqlite3.OperationalError: no such table: users',
    'near "SELEC": syntax error',
    'duplicate key value violates unique constraint "users_pkey"',
    'HTTP/1.1 500 Internal Server Error',
    'Request failed with status code 403',
    'upstream said: 502 Bad Gateway',
    '<!DOCTYPE html><html><body>nginx</body></html>',
    'connect ECONNREFUSED 127.0.0.1:5432',
    'getaddrinfo ENOTFOUND db.internal',
    'could not reach 10.1.2.3',
    "Cannot find module 'x'",
    'open /etc/app/secret.yaml: permission denied',
    'C:\\Users\\svc\\app\\x.txt',
  ])('%j', (text) => expect(findInternals(text, {})).toBeDefined());

  it.each([
    'No issue has the number 12.',
    'The file is too large (500 MB).',
    'Permission denied',
    'Expected a date like 2026-01-31, got "tomorrow".',
    'Parent directory does not exist: /data/x',
    'Error: 3 of 500 rows failed',
    'Access denied - path outside allowed directories: /data/../x',
    'look at the docs: https://example.com/etc/hosts',
    'a status of 4 means done',
  ])('ordinary: %j', (text) => expect(findInternals(text, {})).toBeUndefined());

  it('knows the paths that the caller sent', () => {
    expect(findInternals('no such file: /home/me/a/b', { path: '/home/me/a/b' })).toBeUndefined();
    expect(findInternals('no such file: /home/me/a/b.', { list: ['/home/me/a'] })).toBeUndefined();
    expect(findInternals('no such file: /home/me/a', { path: '/' })).toBe('path');
  });

  it('is linear on floods', () => {
    for (const unit of [
      'at ',
      'at a(',
      'File "',
      'status ',
      'sqlite.a',
      '/home/',
      '0x00000000 ',
      '#1 (',
      'table "',
      '127.1',
      '   ',
      'x-a',
      '\n',
      '\nat a.b(c',
    ]) {
      const text = unit.repeat(65_536 / unit.length);
      expect([unit, cpuMs(() => findInternals(text, {}), 60) < 60]).toEqual([unit, true]);
    }
  });
});

describe('rules of output', () => {
  it('has the defaults of the guarantee', () =>
    expect(schema.parse(undefined)).toEqual({
      cap: 262_144,
      session: 67_108_864,
      interim: 1000,
      active: 'label',
      provenance: false,
    }));
  it('stops the start for a schema that cannot be served', () => {
    const bad = { ...pin, descriptor: { name: 't', outputSchema: { $ref: 'https://example.com' } } };
    expect(() => compile(schema.parse(undefined), { pinned: [bad] })).toThrow(RulesFault);
  });
});
