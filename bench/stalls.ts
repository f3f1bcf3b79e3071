/**
 * `npm run bench:stalls`: how long screening and redaction hold the event loop, in one go and in slices. Eight messages
 * at once; a timer of 1 ms tells the longest time without a turn. The best of five, because other programs count.
 */
import { redact } from '../src/controls/redact/index.ts';
import * as redactRules from '../src/controls/redact/rules.ts';
import { screen } from '../src/controls/screen/index.ts';
import * as screenRules from '../src/controls/screen/rules.ts';
import type { CallView, Message } from '../src/core/call.ts';
import type { State } from '../src/core/state.ts';
import { turns } from '../src/gateway/turns.ts';

const CLIENTS = 8;
const call = { id: '1', family: 'call', method: 'tools/call', upstream: 'a', target: { kind: 'route', name: 'a' } };
const state = { scratch: () => ({}), now: () => 0 } as unknown as State;
const screenBy = screenRules.compile(screenRules.schema.parse({}));
const redactBy = redactRules.compile(redactRules.schema.parse({}), { pinned: [], fingerprint: () => '0' });

const TEXTS: Readonly<Record<string, string>> = {
  document:
    'The committee reviewed the report – see [plan](https://example.com/a) – you must read it before. token count 12\n',
  log: '2026-01-02T03:04:05.123Z INFO [worker-7] GET /v1/items/3f2a?page=2 200 12ms user=alice ip=10.0.0.7\n',
  'flood of keywords': 'password=',
  'flood of links': '![a](https://h.example/x?d={data}) ',
  'flood of look-alikes': 'p\u0430yp\u0430l ign\u043ere ',
  'flood of escapes': '%41%42%43 ',
};

async function stall(text: string, breathe: ReturnType<typeof turns> | undefined): Promise<number> {
  const value = { content: [{ type: 'text', text }] };
  const message: Message = { kind: 'result', value, bytes: Buffer.from(JSON.stringify(value)) };
  const { signal } = new AbortController();
  let longest = 0;
  let last = performance.now();
  const tick = (): void => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  };
  const probe = setInterval(tick, 1);
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      // Messages come one by one.
      await new Promise((done) => setImmediate(done));
      const turn = breathe && (() => breathe(signal));
      await screen.inspect!(call as unknown as CallView, message, screenBy, state, turn);
      await redact.inspect!(call as unknown as CallView, message, redactBy, state, turn);
    }),
  );
  tick();
  clearInterval(probe);
  return longest;
}

console.log('| text | size | longest stall in one go | in slices |');
console.log('|---|---|---|---|');
for (const [name, piece] of Object.entries(TEXTS)) {
  for (const size of [256_000, 1_000_000]) {
    const text = piece.repeat(Math.ceil(size / piece.length)).slice(0, size);
    const best = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let round = 0; round < 5; round++) {
      best[0] = Math.min(best[0]!, await stall(text, undefined));
      best[1] = Math.min(best[1]!, await stall(text, turns()));
    }
    console.log(`| ${name} | ${size / 1000} kB | ${best.map((ms) => `${ms.toFixed(1)} ms`).join(' | ')} |`);
  }
}
