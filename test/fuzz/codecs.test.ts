import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Said } from '../../src/core/admit.ts';
import type { Call } from '../../src/core/call.ts';
import { CODES } from '../../src/core/codes/index.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { classify } from '../../src/wire/eras/classify.ts';
import * as legacy from '../../src/wire/eras/legacy.ts';
import * as modern from '../../src/wire/eras/modern.ts';
import { type Fault, frame, type RequestFrame } from '../../src/wire/frame.ts';
import { type Headers, matchesBody, protocolHeaders } from '../../src/wire/headers.ts';
import { corpus, fuzz, JSON_TOKENS, near, TIMEOUT } from './fuzz.ts';

const ENVELOPE =
  '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}';
const PARAMS = [
  ['tools/call', '"name":"t","arguments":{"a":1}'],
  ['prompts/get', '"name":"p","arguments":{"a":"x"}'],
  ['resources/read', '"uri":"file:///a"'],
  ['tools/list', '"cursor":"c"'],
  [
    'completion/complete',
    '"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"v"},"context":{"arguments":{}}',
  ],
  ['server/discover', ''],
  ['initialize', '"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}'],
] as const;
const SEEDS = PARAMS.flatMap(([method, params]) =>
  ['', ENVELOPE].map((meta) => {
    const members = [params, meta].filter(Boolean).join(',');
    return `{"jsonrpc":"2.0","id":1,"method":"${method}","params":{${members}}}`;
  }),
);
const TOKENS = [
  ...JSON_TOKENS,
  '"_meta":{}',
  '"uri":',
  '"name":',
  'ref/resource',
  '"requestState":"s"',
  '2025-11-25',
  'tools/',
];
const SESSION: legacy.LegacySession = { digest: 'd', era: '2025-11-25', claimed: { capabilities: {} } };

const heard = (said: Said | Fault): said is Said => !('fault' in said);

/** A call as the house would make it of what was said. */
function callOf(said: Said): Call {
  const kind = said.method === 'completion/complete' ? 'prompt' : 'tool';
  return { ...said, target: { kind: said.name === '' ? 'route' : kind, name: said.name } } as unknown as Call;
}

function check(bytes: Buffer): void {
  const request = frame(bytes);
  if ('fault' in request || request.kind !== 'request') return;
  const era = classify(request);
  if (typeof era !== 'string') return expect(CODES[era.fault].http).toBe(400);
  const said = era === 'modern' ? modern.hear(request) : legacy.hear(request, SESSION);
  if (!heard(said)) {
    expect([400, 404]).toContain(CODES[said.fault].http);
    expect(said.id).toBe(request.id);
    return;
  }
  // Inside, an empty name means the route itself: nothing that names a thing may come out so.
  expect(said.name === '').toBe(said.family === 'list');
  expect(said.era).toBe(era === 'modern' ? '2026-07-28' : '2025-11-25');
  if (request.method === 'initialize' || request.method === 'server/discover') return;

  // What an upstream of either era is asked is heard there as the same thing.
  for (const asked of [modern.ask(callOf(said), {}), legacy.ask(callOf(said))]) {
    const there: RequestFrame = { ...request, ...asked };
    const again = asked.params['_meta'] ? modern.hear(there) : legacy.hear(there, SESSION);
    expect(again).toMatchObject({ method: said.method, family: said.family, args: said.args });
    expect(heard(again) && again.name).toBe(said.name);
  }
}

const result = fc.dictionary(
  fc.constantFrom(
    'content',
    'structuredContent',
    'isError',
    'resultType',
    'ttlMs',
    'cacheScope',
    'tools',
    '_meta',
    'x',
  ),
  fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('complete', 'input_required', 'public')),
);
const METHODS = PARAMS.map(([method]) => method);
const ERA = ['resultType', 'ttlMs', 'cacheScope'];

describe('fuzzing the codecs', () => {
  it('keeps what was found', () => corpus('codecs').forEach(check));
  it('hears a call or says why not', { timeout: TIMEOUT }, () => fuzz(near(SEEDS, TOKENS), check));

  it('passes on the same result as value and as bytes', { timeout: TIMEOUT }, () =>
    fuzz(fc.tuple(fc.constantFrom(...METHODS), result), ([method, members]) => {
      const value = JSON.parse(JSON.stringify(members)) as JsonObject;
      const inner = legacy.heard(method, value, Buffer.from(JSON.stringify(value)));
      expect(inner.value['resultType']).toBe('complete');
      const old = (legacy.tell(method, inner) as { result: JsonObject }).result;
      for (const name of ERA) expect(old).not.toHaveProperty(name);
      const told = (modern.tell(method, inner) as { result: JsonObject }).result;
      expect(told).toMatchObject({ resultType: 'complete' });
      expect(told['cacheScope']).not.toBe('public');
      for (const [codec, whole] of [
        [modern, told],
        [legacy, old],
      ] as const) {
        const parts = codec.pass(method, inner);
        const text = parts?.map((part) => (typeof part === 'string' ? part : Buffer.from(part).toString())).join('');
        if (
          text !== undefined &&
          !('structuredContent' in value) &&
          method !== 'tools/list' &&
          method !== 'initialize'
        ) {
          expect(JSON.parse(text)).toEqual(whole);
        }
      }
    }),
  );

  it('reads headers or refuses them', { timeout: TIMEOUT }, () => {
    const name = fc.constantFrom('Mcp-Method', 'Mcp-Name', 'MCP-Protocol-Version', 'Mcp-Param-A', 'Host', 'X');
    const value = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.base64String().map((coded) => `=?base64?${coded}?=`),
    );
    const request = frame(Buffer.from(SEEDS[1]!)) as RequestFrame;
    fuzz(fc.array(fc.tuple(name, value), { maxLength: 6 }), (pairs) => {
      const headers = protocolHeaders(pairs.flat());
      if (typeof headers === 'string') return expect(CODES[headers].http).toBe(400);
      const names = pairs.map(([header]) => header).filter((header) => header !== 'X');
      expect(new Set(names).size).toBe(names.length);
      const fits = matchesBody(headers as Headers, request) === undefined;
      expect(fits).toBe(headers.version === '2026-07-28' && headers.method === 'tools/call' && headers.name === 't');
    });
  });
});
