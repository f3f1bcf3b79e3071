import { describe, expect, it } from 'vitest';
import type { Handler, Result } from '../../src/core/call.ts';
import { Ended } from '../../src/core/ended.ts';
import { run } from '../../src/core/pipeline.ts';
import type { Rounds } from '../../src/core/rounds.ts';
import type { Control } from '../../src/core/verdict.ts';
import { edit, PASS, stop } from '../../src/core/verdict.ts';
import { call, type FakeSnapshot, snapshot, world } from './fakes.ts';

const REPLY: Result = { kind: 'result', value: { content: [], resultType: 'complete' } };
const control = (id: Control<unknown>['id'], rest: Partial<Control<unknown>> = {}): Control<unknown> => ({
  id,
  ...rest,
});

function pass(fake: FakeSnapshot, handler: Handler = () => REPLY, w = world(), cancel = new AbortController()) {
  const sent: unknown[] = [];
  const snap = snapshot(fake);
  const ending = run(call({}, snap), snap, w, handler, (m) => void sent.push(m), cancel);
  return ending.then((end) => ({ ...end, sent, lines: w.lines, forgotten: w.forgotten }));
}

describe('run', () => {
  it('writes the intent before the handler and the outcome before the reply', async () => {
    const w = world();
    const end = await pass({}, () => (w.lines.push('handler'), REPLY), w);
    expect(end.lines).toEqual(['intent', 'handler', 'outcome reply - true']);
    expect(end.message).toBe(REPLY);
    expect(end.forgotten).toEqual(['ID1']);
  });

  it('passes all controls in order and settles in reverse', async () => {
    const seen: string[] = [];
    const one = (id: 'limits' | 'input' | 'policy') =>
      control(id, { decide: () => (seen.push(id), PASS), settle: () => void seen.push(`-${id}`) });
    await pass({ in: [one('limits'), one('input'), one('policy')] });
    expect(seen).toEqual(['limits', 'input', 'policy', '-policy', '-input', '-limits']);
  });

  it('stops at the first stop: no later control, no intent, no handler, and settles only what was entered', async () => {
    const seen: string[] = [];
    const end = await pass(
      {
        in: [
          control('limits', { decide: () => PASS, settle: () => void seen.push('limits') }),
          control('input', { decide: () => stop('input.size', 'why'), settle: () => void seen.push('input') }),
          control('policy', { decide: () => (seen.push('policy!'), PASS), settle: () => void seen.push('policy') }),
        ],
      },
      () => (seen.push('handler!'), REPLY),
    );
    expect(seen).toEqual(['input', 'limits']);
    expect(end.lines).toEqual(['outcome stop input.size false']);
    expect(end.message).toMatchObject({ kind: 'result', value: { isError: true } });
    expect(JSON.stringify(end.message)).toContain('ID1');
    expect(JSON.stringify(end.message)).not.toContain('why');
  });

  it.each([
    [
      'decide',
      {
        in: [
          control('policy', {
            decide: () => {
              throw new Error('boom /etc/passwd');
            },
          }),
        ],
      },
    ],
    [
      'async decide',
      {
        in: [
          control('policy', {
            decide: async () => {
              throw new Error('boom /etc/passwd');
            },
          }),
        ],
      },
    ],
    [
      'inspect',
      {
        out: [
          control('policy', {
            inspect: () => {
              throw new Error('boom /etc/passwd');
            },
          }),
        ],
      },
    ],
  ] as const)('fails closed when a control throws in %s', async (_where, fake) => {
    const end = await pass(fake as FakeSnapshot);
    expect(end.outcome.code).toBe('internal.policy');
    expect(JSON.stringify(end.message)).not.toContain('boom');
  });

  it('makes no call without audit', async () => {
    const called: string[] = [];
    const end = await pass(
      {},
      () => (called.push('handler'), REPLY),
      world({
        intent: async () => {
          throw new Error('ENOSPC');
        },
      }),
    );
    expect(called).toEqual([]);
    expect(end.outcome).toMatchObject({ code: 'audit.unavailable', sent: false });
  });

  it('gives no reply of a local handler whose entry cannot be written', async () => {
    const handler: Handler = Object.assign(() => REPLY, { local: true });
    const end = await pass(
      {},
      handler,
      world({
        outcome: async () => {
          throw new Error('EIO');
        },
      }),
    );
    expect(end.outcome.code).toBe('audit.unavailable');
    expect(end.message).not.toBe(REPLY);
  });

  it('asks the pinned schema again after every edit of arguments', async () => {
    const asked: unknown[] = [];
    const fake: FakeSnapshot = {
      in: [control('redact', { decide: () => edit({ args: { b: 2 } }, 'redact.secret', 'k') })],
      refit: (c) => (asked.push(c.args), 'input.misfit'),
    };
    const end = await pass(fake);
    expect(asked).toEqual([{ b: 2 }]);
    expect(end.outcome).toMatchObject({ code: 'input.misfit', sent: false });
  });

  it('hands the edited arguments to the next control and to the handler', async () => {
    const seen: unknown[] = [];
    const fake: FakeSnapshot = {
      in: [
        control('input', { decide: () => edit({ args: { b: 2 } }, 'redact.secret') }),
        control('policy', { decide: (c) => (seen.push(c.args), PASS) }),
      ],
    };
    await pass(fake, (c) => (seen.push(c.args), REPLY));
    expect(seen).toEqual([{ b: 2 }, { b: 2 }]);
  });

  it('never passes a demand for a person that nobody can answer', async () => {
    const end = await pass({ in: [control('policy', { decide: () => ({ kind: 'pass', ask: 'policy.ask' }) })] });
    expect(end.outcome).toMatchObject({ code: 'approval.unavailable', sent: false });
    expect(end.call.asked).toEqual(['policy.ask']);
  });

  it('ends the whole call when an interim message is stopped, even if the handler swallows it', async () => {
    const fake: FakeSnapshot = {
      out: [control('redact', { inspect: (_c, m) => (m.kind === 'notification' ? stop('redact.overflow') : PASS) })],
    };
    const end = await pass(fake, async (_c, io) => {
      await io.send({ kind: 'notification', method: 'notifications/progress', params: {} }).catch(() => {});
      return REPLY;
    });
    expect(end.outcome).toMatchObject({ kind: 'stop', code: 'redact.overflow', sent: true });
    expect(end.sent).toEqual([]);
    expect(end.message).not.toBe(REPLY);
  });

  it('lets nothing leave after the end', async () => {
    let late: (() => Promise<void>) | undefined;
    const end = await pass({}, async (_c, io) => {
      late = () => io.send({ kind: 'notification', method: 'notifications/progress', params: {} });
      return REPLY;
    });
    await late!();
    expect(end.sent).toEqual([]);
  });

  it('ends at once on cancel and timeout although the handler goes on', async () => {
    for (const reason of [new Ended('timeout', 'run.timeout-hard'), new Ended('cancel', 'run.cancelled')]) {
      const cancel = new AbortController();
      const ending = pass({}, () => new Promise(() => {}), world(), cancel);
      setTimeout(() => cancel.abort(reason), 5);
      expect((await ending).outcome).toMatchObject({ kind: reason.kind, code: reason.code, sent: true });
    }
  });

  it('hides what a handler throws', async () => {
    const end = await pass({}, () => {
      throw new Error('password=hunter2 at /srv/app.js:1');
    });
    expect(end.outcome).toMatchObject({ code: 'upstream.failed', sent: true });
    expect(JSON.stringify(end.message)).not.toContain('hunter2');
  });

  it('logs a throw in settle and changes nothing', async () => {
    const end = await pass({
      in: [
        control('limits', {
          decide: () => PASS,
          settle: () => {
            throw new Error('x');
          },
        }),
      ],
    });
    expect(end.message).toBe(REPLY);
    expect(end.trail.at(-1)).toMatchObject({ id: 'limits', verdict: { kind: 'stop', code: 'internal.limits' } });
  });

  it('keeps a message that is stopped for quarantine', async () => {
    const kept: unknown[] = [];
    const quarantine = {
      keep: (_c: unknown, m: unknown, code: unknown) => void kept.push(m, code),
      released: () => undefined,
    };
    const w = { ...world(), quarantine };
    const end = await pass(
      { out: [control('screen', { inspect: () => ({ kind: 'stop', code: 'screen.quarantine', keep: true }) })] },
      () => REPLY,
      w,
    );
    expect(kept).toEqual([REPLY, 'screen.quarantine']);
    expect(end.outcome.code).toBe('screen.quarantine');
  });

  it('sees errors of the far end as messages that controls may edit', async () => {
    const fake: FakeSnapshot = {
      out: [
        control('output', { inspect: (_c, m) => edit({ kind: 'error', code: 1, message: m.kind }, 'output.error') }),
      ],
    };
    const end = await pass(fake, () => ({ kind: 'error', code: -32603, message: 'SELECT * FROM users' }));
    expect(end.message).toEqual({ kind: 'error', code: 1, message: 'error' });
    expect(end.outcome).toMatchObject({ kind: 'error', sent: true, upstream: { failed: true } });
  });
});

describe('a question of the server', () => {
  const value = { resultType: 'input_required', inputRequests: { q: { method: 'roots/list' } } };
  const question: Result = { kind: 'result', value: { ...value, requestState: 'own' } };
  const opened = { asked: {}, round: 1, ticket: 't' };
  const rounds = (seen: unknown[] = [], spent = true): Rounds => ({
    open: (one) => ({ ...one, parent: 'ID0', resume: { ...one.resume!, state: 'own', opened } }),
    spend: ({ ticket }) => (seen.push(ticket), spent),
    seal: (_call, asked, state) => (seen.push(asked, state), { ...asked, requestState: 'sealed' }),
  });

  it('passes the way out without its state, and leaves with ours', async () => {
    const [seen, shown]: unknown[][] = [[], []];
    const look = control('redact', { inspect: (_c, message) => (shown!.push(message), PASS) });
    const end = await pass({ out: [look] }, () => question, { ...world(), rounds: rounds(seen) });
    expect(shown).toEqual([{ kind: 'result', value }]);
    expect(seen).toEqual([value, 'own']);
    expect(end.message).toEqual({ kind: 'result', value: { ...value, requestState: 'sealed' } });
  });

  it.each<[string, FakeSnapshot, Result, boolean]>([
    ['a control stops', { out: [control('asks', { inspect: () => stop('asks.denied') })] }, question, true],
    ['has no way back', {}, question, false],
    ['has a state that is no text', {}, { kind: 'result', value: { ...value, requestState: 1 } }, true],
  ])('that %s is told to the server: nobody will answer', async (_, fake, asked, carried) => {
    const cancel = new AbortController();
    const w = carried ? { ...world(), rounds: rounds() } : world();
    const end = await pass(fake, () => asked, w, cancel);
    expect(end.outcome).toMatchObject({ kind: 'stop', sent: true });
    expect(cancel.signal.aborted).toBe(true);
  });

  it('that is answered aborts nothing', async () => {
    const cancel = new AbortController();
    await pass({}, () => question, { ...world(), rounds: rounds() }, cancel);
    expect(cancel.signal.aborted).toBe(false);
  });

  it('has an answer that is spent after the intent and before the server hears of it, or not sent at all', async () => {
    for (const spent of [true, false]) {
      const seen: unknown[] = [];
      const w = { ...world(), rounds: rounds(seen, spent) };
      const snap = snapshot({});
      const resumed = { ...call({}, snap), resume: { state: 'sealed', answers: { q: {} } } };
      let got: unknown;
      const handler: Handler = (one) => ((got = one.resume), seen.push('handler'), REPLY);
      const end = await run(resumed, snap, w, handler, () => {}, new AbortController());
      expect(seen).toEqual(spent ? ['t', 'handler'] : ['t']);
      expect(got).toEqual(spent ? { state: 'own', answers: { q: {} } } : undefined);
      expect([end.call.parent, end.outcome.code, w.lines[0]]).toEqual([
        'ID0',
        spent ? undefined : 'asks.state',
        'intent',
      ]);
    }
  });
});
