/** Tokens that are no JWT: the issuer is asked (RFC 7662). */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Issuers } from '../../../src/identity/oauth/issuers.ts';
import { compile, schema } from '../../../src/identity/oauth/rules.ts';
import { Gate, LOCAL, Prover, type Setup } from './gate.ts';
import { Idp } from './idp.ts';

let idp: Idp;
let gate: Gate;
let at = 0;
const clock = () => Date.now() + at;
const now = () => Math.floor(clock() / 1000);
async function start(over: object = {}, setup: Setup = {}): Promise<void> {
  const introspection = { endpoint: `${idp.url}/introspect`, client: 'door:ward', secret: 'env:SECRET', ...over };
  gate = await Gate.start(idp, { clock, issuer: { introspection }, secret: () => 'sec ret', ...setup });
}
beforeEach(async () => {
  at = 0;
  idp = await Idp.start();
  await start();
});
afterEach(async () => {
  await gate.close();
  idp.close();
});
const active = (over: object = {}) => ({
  active: true,
  aud: gate.resource,
  sub: 'alice',
  client_id: 'agent-1',
  exp: now() + 300,
  scope: 'files:read',
  ...over,
});
const ask = (token = 'opaque') => gate.verdict(gate.bearer(token));
const questions = () => idp.asked.filter((path) => path === '/introspect').length;

describe('introspection', () => {
  it('says who a token is, each time', async () => {
    idp.opaque.set('opaque', active());
    expect([await ask(), await ask(), questions()]).toEqual(['200', '200', 2]);
    expect(gate.house.calls.at(-1)!.caller).toMatchObject({
      subject: 'alice',
      how: 'introspection',
      scopes: ['files:read'],
    });
    // RFC 6749 2.3.1: name and secret are encoded before they are put together.
    expect(Buffer.from(idp.authorization!.slice(6), 'base64').toString()).toBe('door%3Award:sec%20ret');
    idp.opaque.delete('opaque');
    expect(await ask()).toBe('identity.inactive');
  });

  it('is relied on for as long as is configured, never longer than the token', async () => {
    await gate.close();
    await start({ cache: '30s' });
    idp.opaque.set('opaque', active({ exp: now() + 10 }));
    expect([await ask(), await ask(), questions()]).toEqual(['200', '200', 1]);
    at = 11_000;
    expect([await ask(), questions()]).toEqual(['identity.expired', 2]);
    idp.opaque.set('opaque', active({ exp: now() + 300 }));
    expect(await ask()).toBe('200');
    idp.opaque.delete('opaque');
    expect(await ask()).toBe('200');
    at += 31_000;
    expect(await ask()).toBe('identity.inactive');
  });

  const wrong: [string, string, object][] = [
    ['for another resource', 'identity.audience', { aud: 'https://other.example' }],
    ['for no resource', 'identity.token', { aud: undefined }],
    ['without an end', 'identity.token', { exp: undefined }],
    ['that has ended', 'identity.expired', { exp: 1 }],
    ['of nobody', 'identity.token', { sub: undefined }],
    ['of another issuer', 'identity.issuer', { iss: 'https://idp.example' }],
    ['that is a DPoP token without a key', 'identity.token', { token_type: 'DPoP' }],
    ['that is for other uses', 'identity.token', { token_type: 'refresh_token' }],
    ['of a kind that is no text', 'identity.token', { token_type: 1 }],
    ['that is bound', 'identity.bound', { cnf: { jkt: 'A'.repeat(43) } }],
    ['that is not active', 'identity.inactive', { active: false }],
  ];
  it.each(wrong)('refuses a token %s', async (_name, code, over) => {
    idp.opaque.set('opaque', active(over));
    expect(await ask()).toBe(code);
  });

  it.each([
    ['no JSON', { body: '<html>' }],
    ['trouble', { status: 500, body: '{"active":true}' }],
    ['no client of theirs', { status: 401, body: '{"active":true}' }],
    ['`active` in a text', { body: '{"active":"true"}' }],
    ['`active` twice', { body: '{"active":false,"active":true}' }],
    ['a place to go on to', { status: 307, body: '' }],
  ])('lets nobody in when the answer is %s', async (_name, answer) => {
    idp.answers.set('/introspect', answer);
    expect(await ask()).toBe('identity.unavailable');
    expect(gate.faults).toHaveLength(1);
  });

  it('lets nobody in without its own secret', async () => {
    await gate.close();
    await start(
      {},
      {
        secret: () => {
          throw new Error('env:SECRET does not exist');
        },
      },
    );
    expect([await ask(), questions()]).toEqual(['identity.unavailable', 0]);
  });

  it('asks once for all who wait', async () => {
    idp.answers.set('/introspect', { body: JSON.stringify(active()), delay: 50 });
    expect(await Promise.all(Array.from({ length: 10 }, () => ask()))).toEqual(Array(10).fill('200'));
    expect(questions()).toBe(1);
  });

  it('keeps places for tokens that were active, however many strangers ask', async () => {
    // An issuer that answers when it is told to: what counts is how many wait, not for how long.
    let answer = () => {};
    let told: Promise<void> = Promise.resolve();
    const introspect = () => told.then(() => active());
    const introspection = { endpoint: `${idp.url}/introspect`, client: 'c', secret: 'env:SECRET' };
    const one = { issuer: idp.url, tenant: 'acme', private: ['127.0.0.0/8'], introspection };
    const issuers = new Issuers({
      rules: compile(schema.parse({ issuers: [one] }), '/'),
      remote: () => ({ introspect, keys: () => Promise.reject(new Error('none')), close: () => Promise.resolve() }),
      clock,
      secret: () => 'secret',
    });
    const read = async (token: string) => {
      const said = await issuers.read(token, token, clock());
      return typeof said === 'string' ? said : said.token.caller.subject;
    };
    expect(await read('opaque')).toBe('alice');
    told = new Promise<void>((resolve) => (answer = resolve));
    const strangers = Array.from({ length: 70 }, (_, n) => read(`stranger-${n}`));
    const known = read('opaque');
    expect(await Promise.all(strangers.slice(64))).toEqual(Array(6).fill('identity.unavailable'));
    answer();
    expect(await Promise.all([...strangers.slice(0, 64), known])).toEqual(Array(65).fill('alice'));
    await issuers.close();
  });

  it('never shows the issuer the token of this machine, nor an API key', async () => {
    expect(await gate.verdict(gate.call({ authorization: `Bearer ${LOCAL}` }))).toBe('200');
    expect(await ask(`dw_${'0'.repeat(12)}_${'A'.repeat(43)}`)).toBe('identity.invalid');
    expect(questions()).toBe(0);
  });

  it('takes a bound token with its proof', async () => {
    const prover = await Prover.make();
    idp.opaque.set('opaque', active({ token_type: 'DPoP', cnf: { jkt: prover.jkt } }));
    const dpop = await prover.prove(gate.resource, 'opaque');
    expect(await gate.verdict(gate.call({ authorization: 'DPoP opaque', dpop }))).toBe('200');
  });

  it('is asked about a JWT only of an issuer without keys', async () => {
    const token = await idp.token(gate.resource);
    expect([await ask(token), questions()]).toEqual(['200', 0]);
    await gate.close();
    const introspection = { endpoint: `${idp.url}/introspect`, client: 'c', secret: 'env:SECRET' };
    gate = await Gate.start(idp, { clock, issuer: { introspection, keys: 'none' } });
    const again = await idp.token(gate.resource);
    expect([await ask(again), questions()]).toEqual(['identity.inactive', 1]);
    idp.opaque.set(again, active());
    expect(await ask(again)).toBe('200');
  });
});
