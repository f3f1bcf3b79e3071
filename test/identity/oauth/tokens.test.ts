/** Access tokens at a real door: which are taken, and which check refuses the others (RFC 9068, RFC 8725). */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { base64url } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Gate, type Setup } from './gate.ts';
import { Idp, type Made, pair } from './idp.ts';

let idp: Idp;
let gate: Gate;
beforeAll(async () => {
  idp = await Idp.start();
  gate = await Gate.start(idp, { issuer: { claims: { groups: ['realm', 'roles'] } } });
});
afterAll(async () => {
  await gate.close();
  idp.close();
});

const now = () => Math.floor(Date.now() / 1000);
const verdict = async (made: Made) => gate.verdict(await gate.bearer(await idp.token(gate.resource, made)));

describe('a good token', () => {
  it('is its caller, with all that it says as facts of their own', async () => {
    const claims = {
      scope: 'files:read files:write',
      realm: { roles: ['data', 'ops'] },
      acr: 'urn:mfa',
      amr: ['pwd', 'hwk'],
      auth_time: now() - 60,
    };
    const answer = await gate.bearer(await idp.token(gate.resource, { claims }));
    expect(answer.json.result).toMatchObject({ content: [{ text: 'alice {"a":1}' }] });
    const { caller } = gate.house.calls.at(-1)!;
    expect(caller).toMatchObject({
      tenant: 'acme',
      subject: 'alice',
      agent: ['agent-1'],
      groups: ['data', 'ops'],
      scopes: ['files:read', 'files:write'],
      issuer: idp.url,
      how: 'jwt',
      strength: { acr: 'urn:mfa', amr: ['pwd', 'hwk'] },
    });
    expect(caller.expires! - Date.now()).toBeGreaterThan(290_000);
    expect(caller.credential).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(caller).not.toHaveProperty('key');
  });

  const good: [string, Made][] = [
    ['of the long type name', { header: { typ: 'application/at+jwt' } }],
    ['of a type in capitals', { header: { typ: 'AT+JWT' } }],
    ['with its audience in an array of one', { claims: { aud: undefined } }],
    ['without a key id, while one key fits', { header: { kid: undefined } }],
    ['without scopes', { claims: { scope: '' } }],
    ['with an authorised party in place of a client id', { claims: { client_id: undefined, azp: 'agent-2' } }],
    ['from an issuer a little ahead', { claims: { iat: now() + 5, nbf: now() + 5 } }],
    ['with claims that nothing reads', { claims: { x: { y: [1, 'z'] } } }],
  ];
  it.each(good)('%s', async (_name, made) => {
    const claims = { ...made.claims };
    if ('aud' in claims) Object.assign(claims, { aud: [gate.resource] });
    expect(await verdict({ ...made, claims })).toBe('200');
  });
});

describe('an issuer', () => {
  const over = async (setup: Setup, asks: (other: Gate) => Promise<void>) => {
    const other = await Gate.start(idp, setup);
    await asks(other);
    await other.close();
  };
  const ask = async (other: Gate, made: Made = {}) =>
    other.verdict(await other.bearer(await idp.token(other.resource, made)));

  it('may name the tenants that it was given, and no other', () =>
    over({ issuer: { tenant: { claim: ['org', 'id'], of: ['acme', 'beta'] } } }, async (other) => {
      for (const id of ['acme', 'beta']) {
        expect(await ask(other, { claims: { org: { id } } })).toBe('200');
        expect(other.house.calls.at(-1)!.caller.tenant).toBe(id);
      }
      for (const org of [{ id: 'gamma' }, { id: 'local' }, { id: ['acme'] }, { id: 'acme ' }, {}, 'acme', undefined])
        expect(await ask(other, { claims: { org } })).toBe('identity.token');
    }));

  it('may never name that of the OS user', () =>
    over({ issuer: { tenant: { claim: 'tid' } } }, async (other) => {
      expect(await ask(other, { claims: { tid: 'any' } })).toBe('200');
      for (const tid of ['local', '*', '', 7, null, 'a\u202eb'])
        expect(await ask(other, { claims: { tid } })).toBe('identity.token');
    }));

  it('without types is believed only where that was chosen, and never an ID token', () =>
    over({ issuer: { type: 'JWT' } }, async (other) => {
      for (const typ of ['JWT', 'at+jwt', undefined]) expect(await ask(other, { header: { typ } })).toBe('200');
      for (const typ of ['dpop+jwt', 'logout+jwt'])
        expect(await ask(other, { header: { typ } })).toBe('identity.token');
      for (const claims of [{ nonce: 'n' }, { at_hash: 'h' }, { c_hash: 'h' }, { events: {} }])
        expect(await ask(other, { header: { typ: 'JWT' }, claims })).toBe('identity.token');
    }));

  it('speaks for itself: keys of one sign nothing for another', async () => {
    const second = await Idp.start();
    const others = [{ issuer: second.url, tenant: 'beta', private: ['127.0.0.0/8'] }];
    await over({ others }, async (other) => {
      expect(await ask(other)).toBe('200');
      expect(await other.verdict(await other.bearer(await second.token(other.resource)))).toBe('200');
      expect(other.house.calls.map(({ tenant }) => tenant)).toEqual(['acme', 'beta']);
      expect(await ask(other, { claims: { iss: second.url } })).toBe('identity.signature');
      const borrowed = { privateKey: second.signing.privateKey, alg: 'ES256', kid: idp.signing.kid };
      expect(await ask(other, { key: borrowed })).toBe('identity.signature');
    });
    second.close();
  });

  it('can want an id in each token', () =>
    over({ issuer: { jti: true } }, async (other) => {
      expect(await ask(other)).toBe('200');
      expect(await ask(other, { claims: { jti: undefined } })).toBe('identity.token');
    }));
});

describe('a token that is not good', () => {
  const no = (code: string, cases: Record<string, Made>) =>
    Object.entries(cases).map(([name, made]): [string, string, Made] => [name, code, made]);
  const claims = (over: object): Made => ({ claims: over });
  const cases = [
    ...no('identity.token', {
      'an ID token': { header: { typ: 'JWT' } },
      'of no type': { header: { typ: undefined } },
      'a logout token': { header: { typ: 'logout+jwt' } },
      'a DPoP proof': { header: { typ: 'dpop+jwt' } },
      'of a type that is no text': { header: { typ: 1 } },
      'with a type in its `cty` only': { header: { typ: undefined, cty: 'at+jwt' } },
      'with a critical extension': { header: { crit: ['exp'], exp: now() + 60 } },
      'with `crit` of nothing': { header: { crit: [] } },
      'with an unencoded payload': { header: { b64: false, crit: ['b64'] } },
      'with `b64` alone': { header: { b64: true } },
      compressed: { header: { zip: 'DEF' } },
      'with a key of its own': { header: { jwk: { kty: 'oct', k: 'AAAA' } } },
      'with a place for keys': { header: { jku: 'http://127.0.0.1/keys' } },
      'with a place for certificates': { header: { x5u: 'http://127.0.0.1/certs' } },
      'with certificates': { header: { x5c: ['AAAA'] } },
      'without a subject': claims({ sub: undefined }),
      'with an empty subject': claims({ sub: '' }),
      'with an object for a subject': claims({ sub: { id: 'alice' } }),
      'with an array for a subject': claims({ sub: ['alice'] }),
      'with a number for a subject': claims({ sub: 7 }),
      'with a subject of two lines': claims({ sub: 'alice\nadmin' }),
      'with a subject and a NUL': claims({ sub: 'alice\u0000' }),
      'with a subject that hides a joiner': claims({ sub: 'ali\u200bce' }),
      'with a subject that turns around': claims({ sub: 'al\u202eice' }),
      'with a subject with space at its end': claims({ sub: 'alice ' }),
      'with a subject of half a character': { payload: `{"iss":"x","sub":"\\ud800"}` },
      'with a subject of 256 characters': claims({ sub: 'a'.repeat(256) }),
      'without a client': claims({ client_id: undefined }),
      'without an end': claims({ exp: undefined }),
      'with an end in words': claims({ exp: '2099-01-01' }),
      'with digits in quotes for an end': claims({ exp: String(now() + 300) }),
      'with an end beyond all time': claims({ exp: 1e300 }),
      'with an end in milliseconds': claims({ exp: Date.now() + 300_000 }),
      'with a negative end': claims({ exp: -1 }),
      'without a time of its making': claims({ iat: undefined }),
      'with null for a begin': claims({ nbf: null }),
      'without an audience': claims({ aud: undefined }),
      'with no audience in its array': claims({ aud: [] }),
      'for two resources': claims({ aud: ['ours', 'another'] }),
      'with an object for an audience': claims({ aud: { 0: 'x' } }),
      'with the scope *': claims({ scope: '*' }),
      'with * among its scopes': claims({ scope: 'a *' }),
      'with two spaces between scopes': claims({ scope: 'a  b' }),
      'with a scope of two lines': claims({ scope: 'a\nb' }),
      'with a quote in a scope': claims({ scope: 'a"b' }),
      'with an object for scopes': claims({ scope: { a: true } }),
      'with groups in one text': claims({ realm: { roles: 'data ops' } }),
      'with a group that hides': claims({ realm: { roles: ['da\u200bta'] } }),
      'with a number for a strength': claims({ acr: 3 }),
      'with one method in a text': claims({ amr: 'pwd' }),
      'bound to what nobody knows': claims({ cnf: { kid: 'x' } }),
      'bound to nothing': claims({ cnf: {} }),
      'bound to a key and to more': claims({ cnf: { jkt: 'A'.repeat(43), jwe: 'x' } }),
      'bound to a short thumbprint': claims({ cnf: { jkt: 'abc' } }),
      'bound by a text': claims({ cnf: 'jkt' }),
      'with a number for an id': claims({ jti: 7 }),
      'with a key id that is no text': { header: { kid: 7 } },
    }),
    ...no('identity.issuer', {
      'of another issuer': claims({ iss: 'https://idp.example' }),
      'of the issuer with a slash more': claims({ iss: 'slash' }),
      'of no issuer': claims({ iss: undefined }),
      'of two issuers': claims({ iss: ['a', 'b'] }),
      'with nothing in it': { payload: '{}' },
    }),
    ...no('identity.audience', {
      'for another route': claims({ aud: 'http://127.0.0.1/other' }),
      'for the origin': claims({ aud: 'origin' }),
      'for the route with a slash more': claims({ aud: 'slash' }),
      'for the route in capitals': claims({ aud: 'capitals' }),
    }),
    ...no('identity.expired', {
      'that ended a second ago': claims({ exp: now() - 1 }),
      'that ends now': claims({ exp: now() }),
      'that begins in a minute': claims({ nbf: now() + 60 }),
      'made in the future': claims({ iat: now() + 60 }),
    }),
    ...no('identity.signature', {
      'with a key id that nobody has': { header: { kid: 'unknown' } },
    }),
  ];
  it.each(cases)('%s: %s', async (_name, code, made) => {
    const over: Record<string, unknown> = { ...made.claims };
    if (over['iss'] === 'slash') over['iss'] = `${idp.url}/`;
    if (over['aud'] === 'origin') over['aud'] = gate.door.url;
    if (over['aud'] === 'slash') over['aud'] = `${gate.resource}/`;
    if (over['aud'] === 'capitals') over['aud'] = gate.resource.replace('files', 'FILES');
    const payload = made.payload?.replace('"iss":"x"', `"iss":"${idp.url}"`);
    expect(await verdict({ ...made, claims: over, ...(payload !== undefined && { payload }) })).toBe(code);
  });

  it('signed by another key under the same id', async () => {
    const other = await pair('ES256', idp.signing.kid);
    expect(await verdict({ key: other })).toBe('identity.signature');
  });

  it('signed with an algorithm that is not listed', async () => {
    const other = await pair('ES384', idp.signing.kid);
    expect(await verdict({ key: other })).toBe('identity.token');
  });

  it('changed after it was signed', async () => {
    const token = await idp.token(gate.resource);
    const [head, , signature] = token.split('.');
    const changed = base64url.encode(
      JSON.stringify({ iss: idp.url, aud: gate.resource, sub: 'admin', client_id: 'c', iat: now(), exp: now() + 99 }),
    );
    expect(await gate.verdict(gate.bearer(`${head}.${changed}.${signature}`))).toBe('identity.signature');
  });

  /** What no library signs: made by hand. */
  const byHand = (header: object | string, over: object | string = {}, signature = 'AAAA') => {
    const said = { iss: idp.url, aud: gate.resource, sub: 'alice', client_id: 'c', iat: now(), exp: now() + 99 };
    const part = (value: object | string) =>
      base64url.encode(typeof value === 'string' ? value : JSON.stringify(value));
    return `${part(header)}.${part(typeof over === 'string' ? over : { ...said, ...over })}.${signature}`;
  };

  it.each(['none', 'None', 'NONE', 'nOnE', '', 'HS256', 'HS512', 'ES256K', 'RS1'])(
    'with the algorithm %j',
    async (alg) => {
      for (const signature of ['', 'AAAA'])
        expect(await gate.verdict(gate.bearer(byHand({ alg, typ: 'at+jwt' }, {}, signature)))).toMatch(
          /^identity\.(token|invalid)$/,
        );
    },
  );

  it('signed with the public key as a shared secret', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = publicKey.export({ format: 'jwk' });
    idp.published.push({ ...jwk, kid: 'rsa', use: 'sig' });
    const unsigned = byHand({ alg: 'HS256', typ: 'at+jwt', kid: 'rsa' }, {}, '').slice(0, -1);
    for (const secret of [
      publicKey.export({ format: 'pem', type: 'spki' }),
      JSON.stringify(jwk),
      Buffer.from(jwk.n!, 'base64url'),
    ]) {
      const mac = createHmac('sha256', secret).update(unsigned).digest('base64url');
      expect(await gate.verdict(gate.bearer(`${unsigned}.${mac}`))).toBe('identity.token');
    }
    idp.published.pop();
  });

  it('with a member twice, in its header or in its claims', async () => {
    const { alg, kid } = idp.signing;
    const twice = `{"alg":"${alg}","typ":"JWT","typ":"at+jwt","kid":"${kid}"}`;
    expect(await gate.verdict(gate.bearer(byHand(twice)))).toBe('identity.token');
    const payload = JSON.stringify({ iss: idp.url, aud: gate.resource, client_id: 'c', iat: now(), exp: now() + 99 });
    const both = payload.replace('{', '{"sub":"alice","sub":"admin",');
    expect(await verdict({ payload: both })).toBe('identity.token');
    const escaped = payload.replace('{', '{"sub":"alice","s\\u0075b":"admin",');
    expect(await verdict({ payload: escaped })).toBe('identity.token');
    expect(await verdict({ payload: payload.replace('{', '{"sub":"alice",') })).toBe('200');
  });

  it('that is no compact form of ours', async () => {
    const token = await idp.token(gate.resource);
    const [head, body, signature] = token.split('.') as [string, string, string];
    const last = signature.at(-1)!;
    // Another last character, whose stray bits a lenient reader drops.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const stray = signature.slice(0, -1) + alphabet[alphabet.indexOf(last) ^ 1];
    const cases = [
      `${token}.`,
      `.${token}`,
      `${token}.x`,
      `${head}.${body}`,
      `${head}.${body}.`,
      `${head}..${signature}`,
      `${head}.${body}.${stray}`,
      `${head}.${body}.${signature}=`,
      `${head}=.${body}.${signature}`,
      `${head}.${body}.${signature.replace(/[-_]/g, '+')}+`,
      `${head}.${body}A.${signature}`,
      `${'A'.repeat(9000)}.${body}.${signature}`,
    ];
    for (const text of cases) expect(await gate.verdict(gate.bearer(text)), text.slice(-20)).toMatch(/^identity\./);
    for (const sent of [
      `Bearer  ${token}`,
      `Bearer\t${token}`,
      `Bearer ${token} x`,
      `Bearer ${token},x`,
      token,
      `Token ${token}`,
    ])
      expect(await gate.verdict(gate.call({ authorization: sent })), sent.slice(0, 12)).toBe('identity.invalid');
    expect(await gate.verdict(gate.bearer(token))).toBe('200');
  });

  it('in the URL, in the body or in a cookie', async () => {
    const token = await idp.token(gate.resource);
    for (const path of [`/files?access_token=${token}`, `/files?token=${token}`])
      expect(await gate.verdict(gate.call({}, { path }))).toBe('identity.missing');
    expect(await gate.verdict(gate.call({ cookie: `access_token=${token}` }))).toBe('identity.missing');
  });
});

const corpus = join(
  process.env['DOORWARD_CORPORA'] ?? join(import.meta.dirname, '../../../../shared/corpora'),
  'jwt.jsonl',
);

describe.skipIf(!existsSync(corpus))('published tokens', () => {
  it('let nobody in', async () => {
    const rows = readFileSync(corpus, 'utf8').trim().split('\n');
    let sent = 0;
    for (const line of rows) {
      const { text } = JSON.parse(line) as { text?: string };
      // What cannot stand in a header never comes.
      if (text === undefined || !/^[\x21-\x7e]+$/.test(text)) continue;
      sent++;
      expect((await gate.bearer(text)).status, text.slice(0, 40)).toBe(401);
    }
    expect(sent).toBeGreaterThan(150);
  });

  it('let nobody in as JSON (RFC 7515, section 7.2), nor as proofs: a JWT is compact (RFC 7519, section 3)', async () => {
    const rows = readFileSync(corpus, 'utf8').trim().split('\n');
    const all = rows.map((line) => JSON.parse(line) as { json?: object }).filter(({ json }) => json !== undefined);
    expect(all).toHaveLength(4);
    const token = await idp.token(gate.resource);
    for (const { json } of all) {
      const text = JSON.stringify(json);
      expect(await gate.verdict(gate.bearer(text))).toBe('identity.invalid');
      expect(await gate.verdict(gate.bearer(Buffer.from(text).toString('base64url')))).toMatch(/^identity\./);
      expect(await gate.verdict(gate.call({ authorization: `DPoP ${token}`, dpop: text }))).toBe('identity.proof');
    }
  });
});
