import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/audit/entry.ts';
import { MASK } from '../../src/audit/mask.ts';
import { tail } from '../../src/audit/read.ts';
import { verifyLog } from '../../src/audit/verify.ts';
import type { Call, Target } from '../../src/core/call.ts';
import type { Trail } from '../../src/core/ports.ts';
import { digest } from '../../src/lib/json/canonical.ts';
import type { Json } from '../../src/lib/json/types.ts';
import { attempt, call, caller, folder, KEYS, openLog, REPLY, STOP, stored, TRAIL } from './fixture.ts';

/** The entries that one call leaves, without checkpoints. */
async function logged(
  of: Call,
  trail: Trail = TRAIL,
  end = STOP,
): Promise<{ entry: Entry; text: string; dir: string }> {
  const dir = folder();
  const log = await openLog(dir);
  await log.outcome(of, trail, end);
  await log.close();
  const text = stored(dir).find((line) => line.includes('"kind":"call"'))!;
  return { entry: JSON.parse(text), text, dir };
}

describe('the entries of a call', () => {
  it('say who, what, by which way and how it ended, in two parts when it was dispatched', async () => {
    const dir = folder();
    const log = await openLog(dir);
    const trail: Trail = [...TRAIL];
    await log.intent(call('c1'), trail);
    trail.push({
      id: 'redact',
      way: 'out',
      verdict: { kind: 'edit', value: null, code: 'redact.secret', what: 'aws-key' },
    });
    log.outcome(call('c1'), trail, REPLY);
    await log.close();
    const [intent, outcome] = tail(dir, 10).filter((e) => e.call === 'c1');
    expect(intent).toMatchObject({
      v: 1,
      log: log.id,
      seq: 1,
      at: '2026-11-20T12:00:00.000Z',
      kind: 'intent',
      call: 'c1',
      tenant: 'acme',
      who: {
        subject: 'ana',
        agent: [],
        groups: ['ops'],
        how: 'local',
        issuer: 'local',
        credential: '0123456789abcdef',
      },
      peer: { listener: 'http', address: '127.0.0.1' },
      lane: expect.stringMatching(/^[0-9a-f]{16}$/),
      era: '2026-07-28',
      route: 'files',
      upstream: 'files',
      method: 'tools/call',
      target: { kind: 'tool', name: 'read', digest: `sha256:${'a'.repeat(64)}` },
      args: { path: '/data/a.txt' },
      argsDigest: digest({ path: '/data/a.txt' }),
      rules: 'sha256:rules',
      trail: [{ id: 'limits', way: 'in', kind: 'pass' }],
    });
    expect(outcome).toMatchObject({
      kind: 'outcome',
      call: 'c1',
      trail: [{ id: 'redact', way: 'out', kind: 'edit', code: 'redact.secret', what: 'aws-key' }],
      outcome: { kind: 'reply', sent: true, bytes: 12, ms: 3, upstream: { ms: 2, failed: false } },
    });
  });

  it('are one when it was not dispatched', async () => {
    const { entry } = await logged(
      call('c1', { parent: 'c0', trace: { traceparent: '00-ab-cd-01' }, resume: { answers: { ok: true } } }),
    );
    expect(entry).toMatchObject({
      kind: 'call',
      call: 'c1',
      parent: 'c0',
      trace: '00-ab-cd-01',
      answers: { ok: true },
      outcome: { kind: 'stop', code: 'policy.denied', sent: false },
    });
  });

  it('tell every verdict', async () => {
    const { entry } = await logged(call('c1'), [
      { id: 'limits', way: 'in', verdict: { kind: 'pass', ask: 'policy.ask', taint: 'private-data' } },
      {
        id: 'redact',
        way: 'in',
        verdict: { kind: 'edit', value: { args: { a: 1 } }, code: 'redact.secret', taint: 'private-data' },
      },
      { id: 'policy', way: 'in', verdict: { kind: 'ask', question: { id: 'K7QD', codes: [] } } },
      { id: 'policy', way: 'in', verdict: { kind: 'stop', code: 'policy.denied', detail: 'no grant names hunter2' } },
    ]);
    expect(entry.trail).toEqual([
      { id: 'limits', way: 'in', kind: 'pass', ask: 'policy.ask', taint: 'private-data' },
      { id: 'redact', way: 'in', kind: 'edit', code: 'redact.secret', taint: 'private-data', after: digest({ a: 1 }) },
      { id: 'policy', way: 'in', kind: 'ask', code: 'approval.needed', approval: 'K7QD' },
      { id: 'policy', way: 'in', kind: 'stop', code: 'policy.denied', detail: 'no grant names [secret]' },
    ]);
  });

  it('name a route, or the resource that was read', async () => {
    expect((await logged(call('c1', { target: { kind: 'route', name: 'files' } }))).entry.target).toEqual({
      kind: 'route',
      name: 'files',
    });
    const target = {
      ...(call('c').target as Exclude<Target, { kind: 'route' }>),
      kind: 'template' as const,
      uri: 'file:///a?k=hunter2',
    };
    expect((await logged(call('c1', { target }))).entry.target).toMatchObject({
      kind: 'template',
      uri: 'file:///a?k=[secret]',
    });
  });
});

describe('secrets', () => {
  const hidden: [string, Json, Json][] = [
    ['by form', { note: 'use hunter2 now' }, { note: 'use [secret] now' }],
    ['by form, nested', { a: [{ b: ['hunter2'] }] }, { a: [{ b: ['[secret]'] }] }],
    ['by form, in a name', { 'x hunter2': 1 }, { 'x [secret]': 1 }],
    [
      'by name, in any case',
      { apiKey: 'a', TOKEN: 'b', my_Secret_x: 'c', PassWord: 'd' },
      { apiKey: MASK, TOKEN: MASK, my_Secret_x: MASK, PassWord: MASK },
    ],
    ['by name, nested and whole', { a: [{ keys: { x: [1, 2] } }], token: null }, { a: [{ keys: MASK }], token: MASK }],
    ['nowhere', { a: 1, b: [true, null, 'x'] }, { a: 1, b: [true, null, 'x'] }],
    ['in a bare text', 'hunter2', '[secret]'],
  ];
  it.each(hidden)('are hidden %s', async (_, args, shown) => {
    const before = structuredClone(args);
    const { entry, text } = await logged(call('c1', { args }));
    expect(entry.args).toEqual(shown);
    expect(text).not.toContain('hunter2');
    expect(entry.argsDigest).toBe(digest(args));
    expect(args).toEqual(before);
  });

  it('that are numbers are shown to the detector too', async () => {
    const dir = folder();
    const log = await openLog(dir, { redact: (t) => ({ text: t.replaceAll('4111111111111111', '[card]') }) });
    const big = (JSON as unknown as { rawJSON(text: string): Json }).rawJSON('41111111111111110000.5');
    await log.outcome(call('c1', { args: { a: 4111111111111111, b: 42, c: big } }), TRAIL, STOP);
    await log.close();
    expect(tail(dir, 9).find((e) => e.call)?.args).toEqual({ a: '[card]', b: 42, c: '[card]0000.5' });
  });

  it('are hidden in events, attempts and details', async () => {
    const dir = folder();
    const log = await openLog(dir);
    log.event('event.stderr', { line: 'pw hunter2', api_key: 'x' });
    log.attempt(attempt('a1', { caller, name: 'hunter2', route: 'hunter2' }));
    await log.outcome(call('c1'), TRAIL, { ...STOP, detail: 'hunter2 broke' });
    await log.close();
    expect(stored(dir).join()).not.toContain('hunter2');
    expect(tail(dir, 9).find((e) => e.kind === 'event')).toMatchObject({
      code: 'event.stderr',
      data: { line: 'pw [secret]', api_key: MASK },
    });
  });
});

describe('what is too long', () => {
  const long: [string, Json][] = [
    ['text', { text: 'x'.repeat(70_000) }],
    ['list', Array.from({ length: 30_000 }, () => 1)],
    ['object', Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`n${i}`, null]))],
    ['text that grows when it is escaped', '\u0001'.repeat(20_000)],
  ];
  it.each(long)('(%s) leaves its digest', async (_, args) => {
    const { entry, text } = await logged(call('c1', { args, resume: { answers: { args } } }));
    expect(entry).toMatchObject({ argsCut: true, answersCut: true, argsDigest: digest(args) });
    expect([entry.args, entry.answers, text.length < 2000]).toEqual([undefined, undefined, true]);
  });

  it('is not shown to the detector', async () => {
    const dir = folder();
    const lengths: number[] = [];
    const log = await openLog(dir, { redact: (text) => (lengths.push(text.length), { text }) });
    await log.outcome(call('c1', { args: ['x'.repeat(4_000_000)] }), TRAIL, STOP);
    log.event('event.stderr', { line: 'x'.repeat(4_000_000) });
    await log.close();
    expect(Math.max(0, ...lengths)).toBeLessThan(1000);
  });
});

describe('log injection', () => {
  const evil = [
    'a\nb',
    'a\r\n{"v":1,"log":"x","seq":9}',
    '\u001b[2J\u001b]0;title\u0007',
    '\u009b31m\u0085\u2028\u2029',
    '"},"kind":"intent',
    '\\u000a\\',
    '\u202eevil\u2066\u200b\ufeff\u{e0041}',
    '\ud800 alone \udfff',
    '\u0000\u007f',
  ];
  const clean = /^[^\p{Cc}\p{Zl}\p{Zp}\p{Cf}\p{Cs}]*$/u;

  it('is impossible, wherever the text comes in', async () => {
    for (const text of evil) {
      const dir = folder();
      const log = await openLog(dir);
      const over = {
        args: { [text]: text },
        caller: { ...caller, subject: text, groups: [text] },
        upstream: text,
        route: text,
        method: text,
        peer: { listener: 'http' as const, address: text },
        trace: { traceparent: text },
        target: { ...call('c').target, name: text, uri: text } as Target,
      };
      await log.intent(call(text, over), [
        { id: 'policy', way: 'in', verdict: { kind: 'stop', code: 'policy.denied', detail: text } },
      ]);
      log.outcome(call(text, over), [], { ...REPLY, detail: text });
      log.attempt(attempt(text, { caller: over.caller, name: text, route: text }));
      log.event('event.stderr', { [text]: text });
      await log.close();
      const lines = stored(dir);
      expect(lines).toHaveLength(6);
      for (const line of lines) expect(line).toMatch(clean);
      expect(verifyLog(dir, [KEYS.publicKey])).toMatchObject({ ok: true, entries: 6, open: [] });
      // Nothing is lost: a reader gets back what was said.
      expect(tail(dir, 6)[1]).toMatchObject({ call: text, args: { [text]: text }, who: { subject: text } });
    }
  });

  it('is impossible for any text', async () => {
    const dir = folder();
    const log = await openLog(dir);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.jsonValue(), async (text, args) => {
        await log.outcome(call(text, { args: args as Json, upstream: text }), TRAIL, STOP);
      }),
      { numRuns: 300 },
    );
    await log.close();
    for (const line of stored(dir)) expect(line).toMatch(clean);
    expect(verifyLog(dir, [KEYS.publicKey])).toMatchObject({ ok: true, entries: 302 });
  });
});

it('a call with more sealed arguments than any may bring makes a short entry', async () => {
  const target = { ...call('c1').target, seal: { arguments: ['/*'] } } as Target;
  const args = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`a${i}`, `eyJh..${i}.b.c`]));
  const { entry } = await logged({ ...call('c1'), target, args });
  expect([entry.sealed?.length, entry.argsCut]).toEqual([256, true]);
});
