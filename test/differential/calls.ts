/** Things to ask at random: good and bad, granted and not. */
import fc from 'fast-check';
import type { Asked } from './ways.ts';

const SHOWS =
  'secret card hidden tags injected audio image link embedded structured failed stack odd big meta digits rpc';
const shows = fc.constantFrom(...SHOWS.split(' '));
const words = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('a\u200bb', 'AKIAQWERTYUIOPASDFGH', '../../etc/passwd', '4111 1111 1111 1111', '\u202eabc', ''),
);
const number = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(-0));
/** What no schema asked for, now and then. */
const odd = fc.oneof(
  { weight: 8, arbitrary: fc.constant({}) },
  { weight: 1, arbitrary: fc.dictionary(words, fc.jsonValue(), { maxKeys: 2 }) },
);
const record = (shape: Record<string, fc.Arbitrary<unknown>>) =>
  fc.tuple(fc.record(shape, { requiredKeys: [] }), odd).map(([own, more]) => ({ ...more, ...own }));

const tool = (name: string, args: fc.Arbitrary<unknown>) =>
  args.map((value) => ({ method: 'tools/call', params: { name, arguments: value } }));

const asked = fc.oneof(
  { weight: 6, arbitrary: tool('echo', record({ text: words, n: number, list: fc.array(number, { maxLength: 4 }) })) },
  { weight: 4, arbitrary: tool('strict', record({ text: words, n: number })) },
  { weight: 6, arbitrary: tool('show', record({ what: shows })) },
  { weight: 3, arbitrary: tool('typed', record({ n: number })) },
  { weight: 3, arbitrary: tool('region', record({ region: words, zone: fc.integer() })) },
  { weight: 3, arbitrary: tool('bounded', fc.record({ n: fc.integer({ min: -3, max: 12 }) })) },
  { weight: 1, arbitrary: tool('asked', fc.record({ n: fc.constantFrom(1, 2, 3) })) },
  {
    weight: 1,
    arbitrary: words.map((who) => ({ method: 'prompts/get', params: { name: 'greet', arguments: { who } } })),
  },
  { weight: 1, arbitrary: fc.constant({ method: 'resources/read', params: { uri: 'rec://a' } }) },
  {
    weight: 1,
    arbitrary: words.map((value) => ({
      method: 'completion/complete',
      params: { ref: { type: 'ref/prompt', name: 'greet' }, argument: { name: 'who', value } },
    })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('tools/list', 'prompts/list', 'resources/list')
      .map((method) => ({ method, params: {} })),
  },
);
/** What never becomes a call: the log adds these up once there are many, so there are few. */
const strange = fc.constantFrom(
  ...['hidden', 'none', '__proto__', 'a\u200b'].map((name) => ({
    method: 'tools/call',
    params: { name, arguments: {} },
  })),
  { method: 'resources/read', params: { uri: 'rec://none' } },
  { method: 'resources/read', params: { uri: 'rec://b' } },
);
const STRANGE = 7;

/** Of one server after the other. */
export function calls(count: number, seed: number, upstreams: readonly string[]): Asked[] {
  const few = Math.min(STRANGE, Math.ceil(count / 8));
  const good = fc.sample(asked, { numRuns: count - few, seed });
  const bad = fc.sample(strange, { numRuns: few, seed });
  return [...bad, ...good].map((what, i) => ({ upstream: upstreams[i % upstreams.length]!, ...what }));
}
