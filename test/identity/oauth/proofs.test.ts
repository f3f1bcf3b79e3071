/** Proof of possession at a real door (RFC 9449, sections 4.3, 7 and 11): DPoP. */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { memoryState } from '../../../src/store/memory.ts';
import { modern, raw } from '../../doors/client.ts';
import { Gate, type ProofOver, Prover } from './gate.ts';
import { Idp } from './idp.ts';

let idp: Idp;
let gate: Gate;
let prover: Prover;
let token: string;
let at = 0;
const clock = () => Date.now() + at;
beforeAll(async () => {
  idp = await Idp.start();
  prover = await Prover.make();
  gate = await Gate.start(idp, { clock });
  token = await idp.token(gate.resource, {
    claims: { cnf: { jkt: prover.jkt }, exp: Math.floor(Date.now() / 1000) + 3600 },
  });
});
afterEach(() => {
  at = 0;
});
afterAll(async () => {
  await gate.close();
  idp.close();
});

const now = () => Math.floor(clock() / 1000);
const sent = (proof: string | undefined, with_ = token) => gate.call({ authorization: `DPoP ${with_}`, dpop: proof });
async function verdict(over: ProofOver = {}, by = prover): Promise<string> {
  return gate.verdict(await sent(await by.prove(gate.resource, token, over)));
}

describe('a proof', () => {
  it('lets its holder in, who is known by the key too', async () => {
    expect(await verdict()).toBe('200');
    expect(gate.house.calls.at(-1)!.caller).toMatchObject({ subject: 'alice', key: prover.jkt });
  });

  const good: [string, (url: string) => object][] = [
    ['of half a minute ago', () => ({ iat: now() - 30 })],
    ['a little ahead', () => ({ iat: now() + 30 })],
    ['with an end', () => ({ exp: now() + 30 })],
    ['whose URL has a query', (url) => ({ htu: `${url}?x=1` })],
    ['whose URL has a fragment', (url) => ({ htu: `${url}#x` })],
    ['whose URL is spelled otherwise', (url) => ({ htu: url.replace('http:', 'HTTP:').replace('/files', '/./files') })],
  ];
  it.each(good)('%s', async (_name, claims) => {
    expect(await verdict({ claims: claims(gate.resource) })).toBe('200');
  });

  it('by Ed25519', async () => {
    const other = await Prover.make('EdDSA');
    const bound = await idp.token(gate.resource, { claims: { cnf: { jkt: other.jkt } } });
    for (const alg of ['EdDSA', 'Ed25519'])
      expect(await gate.verdict(sent(await other.prove(gate.resource, bound, { header: { alg } }), bound))).toBe('200');
  });
});

describe('no proof', () => {
  const wrong: [string, ProofOver | ((url: string) => ProofOver)][] = [
    ['for another method', { claims: { htm: 'GET' } }],
    ['for the method in small letters', { claims: { htm: 'post' } }],
    ['without a method', { claims: { htm: undefined } }],
    ['for another path', (url) => ({ claims: { htu: `${url}/more` } })],
    ['for another host', { claims: { htu: 'https://gate.example/files' } }],
    ['for another scheme', (url) => ({ claims: { htu: url.replace('http:', 'https:') } })],
    ['for another port', (url) => ({ claims: { htu: url.replace(/:\d+\//, ':1/') } })],
    ['for somebody at this host', (url) => ({ claims: { htu: url.replace('//', '//me@') } })],
    ['for a path of its own encoding', (url) => ({ claims: { htu: url.replace('files', '%66iles') } })],
    ['for a URL with a line in it', (url) => ({ claims: { htu: url.replace('files', 'fi\nles') } })],
    ['for a URL after a space', (url) => ({ claims: { htu: ` ${url}` } })],
    ['for a URL with backslashes', (url) => ({ claims: { htu: url.replace('/files', '\\files') } })],
    ['for a URL without slashes', (url) => ({ claims: { htu: url.replace('//', '') } })],
    ['for several URLs', (url) => ({ claims: { htu: [url] } })],
    ['without a URL', { claims: { htu: undefined } }],
    ['for another token', { claims: { ath: 'A'.repeat(43) } }],
    ['for no token', { claims: { ath: undefined } }],
    ['of two minutes ago', () => ({ claims: { iat: now() - 120 } })],
    ['two minutes ahead', () => ({ claims: { iat: now() + 120 } })],
    ['of no time', { claims: { iat: undefined } }],
    ['of a time in a text', () => ({ claims: { iat: String(now()) } })],
    ['that has ended', () => ({ claims: { exp: now() - 1 } })],
    ['that has not begun', () => ({ claims: { nbf: now() + 100 } })],
    ['without an id', { claims: { jti: undefined } }],
    ['with an empty id', { claims: { jti: '' } }],
    ['with a number for an id', { claims: { jti: 7 } }],
    ['with an id of 257 characters', { claims: { jti: 'x'.repeat(257) } }],
    ['of another type', { header: { typ: 'jwt' } }],
    ['of the type of access tokens', { header: { typ: 'at+jwt' } }],
    ['of no type', { header: { typ: undefined } }],
    ['with a key id in place of the key', { header: { jwk: undefined, kid: 'x' } }],
    ['with a place for its key', { header: { jku: 'http://127.0.0.1/' } }],
    ['with a shared secret for a key', { header: { jwk: { kty: 'oct', k: 'AAAA' } } }],
    ['that says another algorithm', { header: { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) } } }],
  ];
  it.each(wrong)('%s', async (_name, over) => {
    expect(await verdict(typeof over === 'function' ? over(gate.resource) : over)).toBe('identity.proof');
  });

  it('with the private key in it', async () => {
    const proof = await prover.prove(gate.resource, token, { header: { jwk: { ...prover.jwk, d: 'A'.repeat(43) } } });
    expect(await gate.verdict(sent(proof))).toBe('identity.proof');
  });

  it('with a point that is not on its curve', async () => {
    const proof = await prover.prove(gate.resource, token, { header: { jwk: { ...prover.jwk, x: 'A'.repeat(43) } } });
    expect(await gate.verdict(sent(proof))).toBe('identity.proof');
  });

  it('changed after it was signed', async () => {
    const [head, body, signature] = (await prover.prove(gate.resource, token)).split('.') as [string, string, string];
    const bytes = Buffer.from(signature, 'base64url');
    bytes[40]! ^= 1;
    for (const text of [
      `${head}.${body}.${bytes.toString('base64url')}`,
      `${head}.${body}.${Buffer.alloc(64).toString('base64url')}`,
      `${head}.${body}.${signature}.`,
      `${head}.${body}`,
      'x',
      '',
    ])
      expect(await gate.verdict(sent(text))).toBe('identity.proof');
    expect(await gate.verdict(sent(undefined))).toBe('identity.proof');
  });

  it('two at once', async () => {
    const [one, two] = [await prover.prove(gate.resource, token), await prover.prove(gate.resource, token)];
    expect(await gate.verdict(sent(`${one}, ${two}`))).toBe('identity.proof');
    const base = modern(1, 'echo', { a: 1 });
    const body = JSON.stringify(base.body);
    const lines = Object.entries({
      ...base.headers,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    });
    const head = [
      'POST /files HTTP/1.1',
      `Host: ${new URL(gate.door.url).host}`,
      ...lines.map(([name, value]) => `${name}: ${value}`),
      `Authorization: DPoP ${token}`,
      `DPoP: ${one}`,
      `DPoP: ${two}`,
      `Content-Length: ${body.length}`,
      'Connection: close',
    ];
    expect(await raw(Number(new URL(gate.door.url).port), `${head.join('\r\n')}\r\n\r\n${body}`)).toMatch(
      /^HTTP\/1.1 401/,
    );
  });
});

describe('a token and its key', () => {
  const bearer = (text: string) => gate.verdict(gate.bearer(text));

  it('that is bound is no bearer token', async () => {
    expect(await bearer(token)).toBe('identity.bound');
    const proof = await prover.prove(gate.resource, token);
    expect(await gate.verdict(gate.call({ authorization: `Bearer ${token}`, dpop: proof }))).toBe('identity.bound');
  });

  it('that is not bound gains nothing by a proof', async () => {
    const plain = await idp.token(gate.resource);
    expect(await gate.verdict(sent(await prover.prove(gate.resource, plain), plain))).toBe('identity.bound');
    expect(await bearer(plain)).toBe('200');
  });

  it('that was stolen is of no use with another key', async () => {
    const thief = await Prover.make();
    expect(await verdict({}, thief)).toBe('identity.bound');
  });

  it('can be demanded', async () => {
    const strict = await Gate.start(idp, { oauth: { require: 'bound' } });
    const plain = await idp.token(strict.resource);
    expect(await strict.verdict(strict.bearer(plain))).toBe('identity.bound');
    const bound = await idp.token(strict.resource, { claims: { cnf: { jkt: prover.jkt } } });
    const proof = await prover.prove(strict.resource, bound);
    expect(await strict.verdict(strict.call({ authorization: `DPoP ${bound}`, dpop: proof }))).toBe('200');
    await strict.close();
  });
});

describe('once', () => {
  it('is how often a proof is good', async () => {
    const proof = await prover.prove(gate.resource, token);
    expect(await gate.verdict(sent(proof))).toBe('200');
    for (let i = 0; i < 3; i++) expect(await gate.verdict(sent(proof))).toBe('identity.replay');
  });

  it('holds when a hundred come at the same time', async () => {
    const proof = await prover.prove(gate.resource, token);
    const statuses = await Promise.all(Array.from({ length: 100 }, async () => (await sent(proof)).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  });

  it('holds as long as the proof would be good', async () => {
    // From a clock ahead: it is good for longer than one from a right clock.
    const proof = await prover.prove(gate.resource, token, { claims: { iat: now() + 55 } });
    expect(await gate.verdict(sent(proof))).toBe('200');
    for (const later of [59_000, 90_000, 110_000]) {
      at = later;
      expect(await gate.verdict(sent(proof)), String(later)).toBe('identity.replay');
    }
    at = 120_000;
    expect(await gate.verdict(sent(proof))).toBe('identity.proof');
  });

  it('is no business of another key with the same id', async () => {
    const other = await Prover.make();
    const bound = await idp.token(gate.resource, { claims: { cnf: { jkt: other.jkt } } });
    const claims = { jti: 'the-same' };
    expect(await verdict({ claims })).toBe('200');
    expect(await gate.verdict(sent(await other.prove(gate.resource, bound, { claims }), bound))).toBe('200');
    expect(await verdict({ claims })).toBe('identity.replay');
  });

  it('forgets nothing when there is no more room: then nobody gets in by a proof', async () => {
    const full = await Gate.start(idp, { state: memoryState(Date.now, 3) });
    const bound = await idp.token(full.resource, { claims: { cnf: { jkt: prover.jkt } } });
    const proofs = await Promise.all(Array.from({ length: 5 }, () => prover.prove(full.resource, bound)));
    const ask = async (dpop: string) => (await full.call({ authorization: `DPoP ${bound}`, dpop })).status;
    const statuses: number[] = [];
    for (const proof of [...proofs, ...proofs]) statuses.push(await ask(proof));
    expect(statuses).toEqual([200, 200, 200, 503, 503, 401, 401, 401, 503, 503]);
    await full.close();
  });

  it('leaves no trace of those who have no good token', async () => {
    const state = memoryState(Date.now, 3);
    const full = await Gate.start(idp, { state });
    const bound = await idp.token(full.resource, { claims: { cnf: { jkt: prover.jkt } } });
    for (let i = 0; i < 10; i++) {
      const stranger = await Prover.make();
      await full.call({ authorization: 'DPoP not.a.token', dpop: await stranger.prove(full.resource, 'not.a.token') });
      await full.call({ authorization: `DPoP ${bound}`, dpop: await stranger.prove(full.resource, bound) });
    }
    const proof = await prover.prove(full.resource, bound);
    expect((await full.call({ authorization: `DPoP ${bound}`, dpop: proof })).status).toBe(200);
    await full.close();
  });

  it('holds over a restart: what was made before it is refused', async () => {
    const since = Date.now() + 2000;
    const fresh = await Gate.start(idp, { since });
    const bound = await idp.token(fresh.resource, { claims: { cnf: { jkt: prover.jkt } } });
    const ask = async (claims: object) => {
      const proof = await prover.prove(fresh.resource, bound, { claims });
      return fresh.verdict(fresh.call({ authorization: `DPoP ${bound}`, dpop: proof }));
    };
    expect(await ask({})).toBe('identity.proof');
    expect(await ask({ iat: Math.floor(since / 1000) })).toBe('200');
    await fresh.close();
  });
});

describe('a nonce', () => {
  it('is given, demanded, and ends', async () => {
    const strict = await Gate.start(idp, { oauth: { dpop: { nonce: true } }, clock });
    const bound = await idp.token(strict.resource, { claims: { cnf: { jkt: prover.jkt }, exp: now() + 3600 } });
    const ask = async (claims: object) => {
      const proof = await prover.prove(strict.resource, bound, { claims: { iat: now(), ...claims } });
      return strict.call({ authorization: `DPoP ${bound}`, dpop: proof });
    };
    const first = await ask({});
    expect(first.status).toBe(401);
    expect(first.headers['www-authenticate']).toMatch(/^DPoP algs="[^"]+", error="use_dpop_nonce"/);
    const nonce = first.headers['dpop-nonce'] as string;
    expect((await ask({ nonce })).status).toBe(200);
    expect((await ask({ nonce })).status).toBe(200);
    for (const wrong of ['', 'x', `${nonce}A`, nonce.slice(0, -1), 7, randomBytes(32).toString('base64url')])
      expect(await strict.verdict(ask({ nonce: wrong }))).toBe('identity.nonce');
    at = 301_000;
    expect(await strict.verdict(ask({ nonce }))).toBe('identity.nonce');
    await strict.close();
  });
});
