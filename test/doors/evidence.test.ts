/** What a request shows to identity, and what a refusal of identity may say. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Evidence, Gate } from '../../src/core/gate.ts';
import { type HttpDoor, serveHttp } from '../../src/doors/http.ts';
import { STRANGER_RULES } from '../../src/doors/strangers.ts';
import { http, modern } from './client.ts';
import { ALICE, house } from './house.ts';

let door: HttpDoor;
afterEach(() => door.close(0));

async function start(authenticate: (inner: Gate['authenticate']) => Gate['authenticate'], max = 4096): Promise<void> {
  const { gate, ring, state } = house();
  door = await serveHttp({
    gate: { ...gate, authenticate: authenticate(gate.authenticate) },
    host: '127.0.0.1',
    port: 0,
    ring,
    state,
    body: { max, within: 2000 },
    strangers: { ...STRANGER_RULES, burst: 1e9 },
  });
}
const request = modern(1, 'echo', { a: 1 });
const signed = { ...request, headers: { ...request.headers, authorization: ALICE } };

/** Whoever signs in here has had the body read. */
const reads = (seen: Evidence[], sizes: number[]) => (inner: Gate['authenticate']) => async (evidence: Evidence) => {
  seen.push(evidence);
  sizes.push((await evidence.body!()).length, (await evidence.body!()).length);
  return inner(evidence);
};

describe('evidence', () => {
  it('names the request as it was sent', async () => {
    const seen: Evidence[] = [];
    await start((inner) => (evidence) => {
      seen.push(evidence);
      return inner(evidence);
    });
    await http(door.url, { ...signed, path: '/files?x=1' });
    await http(door.url, { ...signed, path: '/no/such?x' });
    expect(seen.map(({ request, certificate }) => [request, certificate])).toEqual([
      [{ method: 'POST', target: '/files?x=1', route: 'files' }, undefined],
      [{ method: 'POST', target: '/no/such?x', route: 'no/such' }, undefined],
    ]);
  });

  it('has the body, once, and leaves it to the call', async () => {
    const sizes: number[] = [];
    await start(reads([], sizes));
    const answer = await http(door.url, signed);
    expect(answer.json.result).toMatchObject({ content: [{ text: 'alice {"a":1}' }] });
    expect(new Set(sizes)).toEqual(new Set([Buffer.byteLength(JSON.stringify(request.body))]));
    const waiting = { ...signed, headers: { ...signed.headers, expect: '100-continue' } };
    expect((await http(door.url, waiting)).status).toBe(200);
  });

  it('has no body over the cap, and says so whoever asks', async () => {
    await start(reads([], []), 16);
    const chunked = { 'content-length': undefined, 'transfer-encoding': 'chunked' };
    for (const headers of [{}, chunked, { authorization: undefined }]) {
      expect((await http(door.url, { ...signed, headers: { ...signed.headers, ...headers } })).status).toBe(413);
    }
  });
});

describe('a refusal of identity', () => {
  it('brings its challenges and headers, each once', async () => {
    const challenge = ['DPoP algs="ES256", error="use_dpop_nonce"', 'Bearer scope="a b"'];
    await start(() => () => ({ code: 'identity.invalid', challenge, headers: ['DPoP-Nonce', 'n1'] }));
    const answer = await http(door.url, signed);
    expect(answer.status).toBe(401);
    expect(answer.headers).toMatchObject({ 'www-authenticate': challenge.join(', '), 'dpop-nonce': 'n1' });
  });
});
