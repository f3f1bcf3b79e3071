import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import type { Caller } from '../../src/core/call.ts';
import { chains, withChain } from '../../src/identity/chain.ts';
import { LINKS } from '../../src/identity/links.ts';
import { Once } from '../../src/identity/once.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { type Agent, agentOf, chained, digest, type ForWhom, saying, sign } from './links.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const TO: ForWhom = {
  iss: 'https://idp.example',
  sub: 'alice',
  resource: 'https://gate.example/files',
  at: NOW / 1000,
};
const [planner, coder, tester] = [agentOf('planner'), agentOf('coder'), agentOf('tester')] as const;
const RULES = chains.parse({
  require: 'signed',
  agents: Object.fromEntries(
    [planner, coder, tester].map(({ id, thumbprint }) => [id, { clients: [`${id}-prod`], signs: [thumbprint] }]),
  ),
});

function caller(claims: object, more: Partial<Caller> = {}): Caller {
  return {
    tenant: 'acme',
    subject: TO.sub,
    agent: [],
    groups: [],
    scopes: [],
    issuer: TO.iss,
    how: 'jwt',
    strength: { amr: [] },
    credential: 'token-1',
    expires: NOW + 3_600_000,
    claims: { iss: TO.iss, sub: TO.sub, aud: TO.resource, client_id: 'tester-prod', ...claims } as JsonObject,
    ...more,
  };
}
const judge = (who: Caller, once = new Once(LINKS), clock = () => NOW, rules = RULES) =>
  withChain(
    () => who,
    () => rules,
    once,
    clock,
  )({} as never);

/** The chain tester <- coder <- planner with one thing changed in the proof at `at`; what comes outside it is signed anew. */
function changed(
  at: number,
  change: (claims: Record<string, unknown>) => object,
  header: object = {},
  by?: Agent,
): object {
  const agents = [tester, coder, planner];
  const proofs: string[] = [];
  for (const i of [2, 1, 0]) {
    const next = i === 0 ? TO.resource : agents[i - 1]!.id;
    const claims = saying(agents[i]!, next, TO, proofs[0] && digest(proofs[0]));
    const own = i === at;
    proofs.unshift(sign((own && by) || agents[i]!, own ? change(claims) : claims, own ? header : {}));
  }
  return { act: { sub: 'tester', act: { sub: 'coder', act: { sub: 'planner' } } }, act_proofs: proofs };
}
const whole = () => chained([tester, coder, planner], TO);

describe('a chain that each link signs', () => {
  it('is that of its agents, until the first link ends', async () => {
    expect(await judge(caller(whole()))).toMatchObject({
      agent: ['tester', 'coder', 'planner'],
      expires: NOW + 600_000,
    });
    const who = caller(whole(), { expires: NOW + 5_000 });
    expect(await judge(who)).toMatchObject({ expires: NOW + 5_000 });
  });

  it('is signed by any library that signs JWTs', async () => {
    const { publicKey, privateKey } = await generateKeyPair('Ed25519');
    const jwk = await exportJWK(publicKey);
    const at = Math.floor(Date.now() / 1000);
    const to = { ...TO, at };
    const inner = sign(planner, saying(planner, 'coder', to));
    const proof = await new SignJWT({ sub_id: { format: 'iss_sub', iss: TO.iss, sub: TO.sub }, prev: digest(inner) })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'act-proof+jwt', jwk })
      .setIssuer('coder')
      .setAudience(TO.resource)
      .setIssuedAt()
      .setExpirationTime('10m')
      .setJti('one')
      .sign(privateKey);
    const rules = chains.parse({
      ...RULES,
      agents: { ...RULES.agents, coder: { clients: ['coder-prod'], signs: [await calculateJwkThumbprint(jwk)] } },
    });
    const act = { sub: 'coder', act: { sub: 'planner' } };
    const who = caller({ act, act_proofs: [proof, inner], client_id: 'coder-prod' }, { expires: Date.now() + 60_000 });
    expect(await judge(who, new Once(LINKS), Date.now, rules)).toMatchObject({ agent: ['coder', 'planner'] });
  });

  it('is judged once, and no longer good when a link has ended', async () => {
    let now = NOW;
    const who = caller(whole());
    const ask = withChain(
      () => who,
      () => RULES,
      new Once(LINKS),
      () => now,
    );
    const first = await ask({} as never);
    expect(await ask({} as never)).toBe(first);
    now += 600_000;
    expect(await ask({} as never)).toBe('identity.chain');
  });

  const { act, act_proofs: proofs } = whole();
  const other = agentOf('tester');
  it.each<[string, object, Partial<Caller>?]>([
    ['no proofs', { act }],
    ['proofs that are no list', { act, act_proofs: proofs[0] }],
    ['a missing proof', { act, act_proofs: proofs.slice(0, 2) }],
    ['a missing inner link', { act: { sub: 'tester', act: { sub: 'coder' } }, act_proofs: proofs.slice(0, 2) }],
    [
      'a missing outer link',
      { act: { sub: 'coder', act: { sub: 'planner' } }, act_proofs: proofs.slice(1), client_id: 'coder-prod' },
    ],
    ['a missing link between', { act: { sub: 'tester', act: { sub: 'planner' } }, act_proofs: [proofs[0], proofs[2]] }],
    ['one proof too many', { act, act_proofs: [...proofs, proofs[2]] }],
    ['a proof twice', { act, act_proofs: [proofs[0], proofs[1], proofs[1]] }],
    ['proofs in another order', { act, act_proofs: [proofs[0], proofs[2], proofs[1]] }],
    [
      'links in another order',
      {
        act: { sub: 'tester', act: { sub: 'planner', act: { sub: 'coder' } } },
        act_proofs: [proofs[0], proofs[2], proofs[1]],
      },
    ],
    ['the proofs of another chain inside', { act, act_proofs: [proofs[0], ...whole().act_proofs.slice(1)] }],
    ['another key', changed(0, (claims) => claims, {}, other)],
    ['another key further in', changed(2, (claims) => claims, {}, other)],
    ['the key of another agent', changed(1, (claims) => claims, {}, planner)],
    ['a signature by another key than it shows', changed(1, (claims) => claims, { jwk: coder.jwk }, planner)],
    ['no signature', { act, act_proofs: [proofs[0], proofs[1], proofs[2]!.replace(/[^.]+$/, '')] }],
    ['a changed signature', { act, act_proofs: [proofs[0], proofs[1], proofs[2]!.replace(/[^.]{4}$/, 'AAAA')] }],
    ['a token of another type', changed(1, (claims) => claims, { typ: 'dpop+jwt' })],
    ['an algorithm that is not taken', changed(1, (claims) => claims, { alg: 'none' })],
    ['a demand', changed(1, (claims) => claims, { crit: ['x'], x: 1 })],
    ['the name of another agent', changed(1, (claims) => ({ ...claims, iss: 'planner' }))],
    ['another that comes next', changed(2, (claims) => ({ ...claims, aud: 'tester' }))],
    ['two that come next', changed(2, (claims) => ({ ...claims, aud: ['coder', 'tester'] }))],
    ['another resource', changed(0, (claims) => ({ ...claims, aud: 'https://gate.example/mail' }))],
    [
      'another subject',
      changed(2, (claims) => ({ ...claims, sub_id: { format: 'iss_sub', iss: TO.iss, sub: 'bob' } })),
    ],
    [
      'the same subject of another issuer',
      changed(2, (claims) => ({ ...claims, sub_id: { format: 'iss_sub', iss: 'https://evil.example', sub: 'alice' } })),
    ],
    ['a subject of another format', changed(2, (claims) => ({ ...claims, sub_id: { format: 'opaque', id: 'alice' } }))],
    ['no subject', changed(1, (claims) => ({ ...claims, sub_id: undefined }))],
    ['nothing before it', changed(1, (claims) => ({ ...claims, prev: undefined }))],
    ['something before the first', changed(2, (claims) => ({ ...claims, prev: 'x' }))],
    ['no end', changed(1, (claims) => ({ ...claims, exp: undefined }))],
    ['no beginning', changed(1, (claims) => ({ ...claims, iat: undefined }))],
    ['an end that is passed', changed(2, (claims) => ({ ...claims, iat: TO.at - 100, exp: TO.at }))],
    ['a beginning that is to come', changed(1, (claims) => ({ ...claims, iat: TO.at + 6 }))],
    ['a life of over an hour', changed(1, (claims) => ({ ...claims, exp: TO.at + 3601 }))],
    ['an end that is no number', changed(1, (claims) => ({ ...claims, exp: '9999999999' }))],
    ['no id', changed(0, (claims) => ({ ...claims, jti: undefined }))],
    ['a token for several resources', { ...whole(), aud: [TO.resource, 'https://x.example'] }],
    ['another subject of the token', whole(), { subject: 'bob' }],
    ['another issuer of the token', whole(), { issuer: 'https://evil.example' }],
    ['another client', { ...whole(), client_id: 'coder-prod' }],
  ])('is none with %s', async (_what, claims, more) => {
    expect(await judge(caller(claims, more))).toBe('identity.chain');
  });

  it('is none with a life that never ends by its arithmetic', async () => {
    for (const [iat, exp] of [
      [-Infinity, Infinity],
      [Number.NaN, TO.at + 60],
      [TO.at + 1e300, TO.at],
    ])
      expect(await judge(caller(changed(1, (claims) => ({ ...claims, iat, exp }))))).toBe('identity.chain');
  });

  it('is good for one token, however often that is sent', async () => {
    const once = new Once(LINKS);
    const claims = whole();
    expect(await judge(caller(claims), once)).toMatchObject({ subject: 'alice' });
    expect(await judge(caller(claims), once)).toMatchObject({ subject: 'alice' });
    expect(await judge(caller(claims, { credential: 'token-2' }), once)).toBe('identity.chain');
    // The inner links go on, under another outermost.
    const inner = claims.act_proofs[1]!;
    const fresh = sign(tester, saying(tester, TO.resource, TO, digest(inner)));
    const again = { ...claims, act_proofs: [fresh, ...claims.act_proofs.slice(1)] };
    expect(await judge(caller(again, { credential: 'token-2' }), once)).toMatchObject({ subject: 'alice' });
  });

  it('is asked again where memory was full, or a clock was ahead', async () => {
    const once = new Once({ life: 1000, each: 1, all: 1 });
    expect(await judge(caller(whole()), once)).toMatchObject({ subject: 'alice' });
    const who = caller(whole(), { credential: 'token-2' });
    let now = NOW;
    const ask = withChain(
      () => who,
      () => RULES,
      once,
      () => now,
    );
    expect(await ask({} as never)).toBe('identity.unavailable');
    now += 2000;
    expect(await ask({} as never)).toMatchObject({ subject: 'alice' });
  });

  it('needs a key for each agent', () => {
    const rules = { require: 'signed', agents: { planner: { clients: ['p'] } } };
    expect(chains.safeParse(rules).error?.issues[0]?.path).toEqual(['agents', 'planner']);
    expect(chains.safeParse({ ...rules, require: 'stated' }).success).toBe(true);
    const keys = { ...rules, agents: { planner: { keys: [planner.thumbprint] } } };
    expect(chains.safeParse(keys).success).toBe(true);
  });
});
