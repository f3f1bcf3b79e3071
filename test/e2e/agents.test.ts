/** Chains of agents whose links sign, through the running program: what each link is granted, and what must not pass. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { jwt } from '../identity/jwt.ts';
import { agentOf, chained } from '../identity/links.ts';
import { SecureSite } from './secure.ts';

const ISS = 'https://idp.example';
const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const [planner, coder, rogue] = [agentOf('planner'), agentOf('coder'), agentOf('rogue')];
const row = ({ id, thumbprint }: typeof planner) => `${id}: { clients: [${id}-prod], signs: ["${thumbprint}"] }`;
const identity = (chains: string) =>
  `{ oauth: { issuers: [{ issuer: "${ISS}", tenant: acme, keys: { file: ./idp.json } }] }, chains: { ${chains} } }`;
const AGENTS = `agents: { ${[planner, coder, rogue].map(row).join(', ')} }`;
const POLICY =
  '[{ to: { subject: alice, agent: coder }, allow: [tidy.echo] }, { to: { subject: alice, agent: planner }, allow: [tidy.echo] }]';

let site: SecureSite;
beforeAll(() => {
  site = new SecureSite();
  site.put('idp.json', JSON.stringify({ keys: [{ ...issuer.publicKey.export({ format: 'jwk' }), kid: 'k' }] }));
});
afterEach(() => site.stop());
afterAll(() => site.close());

const now = () => Math.floor(Date.now() / 1000);
const to = (sub = 'alice') => ({ iss: ISS, sub, resource: site.url(), at: now() });
let count = 0;
/** What the issuer says, which here signs whatever it is told. */
const token = (claims: object) =>
  jwt(
    {
      iss: ISS,
      sub: 'alice',
      aud: site.url(),
      iat: now(),
      exp: now() + 60,
      client_id: 'coder-prod',
      n: count++,
      ...claims,
    },
    { typ: 'at+jwt', kid: 'k' },
    issuer.privateKey,
  );
const call = (text: string) => site.call({ headers: { authorization: `Bearer ${text}` } });

it('may do what all of them may do, and the issuer is not believed for any of them', async () => {
  site.configure(identity(`require: signed, ${AGENTS}`), POLICY);
  await site.start();
  const good = chained([coder, planner], to());
  const first = token(good);
  for (const text of [first, first]) {
    const { status, text: said } = await call(text);
    expect([status, said.includes('unknown name')]).toEqual([200, false]);
  }
  expect(site.audit()).toMatch(/"agent":\["coder","planner"\]/);
  // Signed by all, and one of them is granted nothing.
  const short = await call(token(chained([coder, rogue], to())));
  expect([short.status, short.text.includes('unknown name')]).toEqual([200, true]);

  const { act, act_proofs: proofs } = chained([coder, planner], to());
  const attacks: object[] = [
    { act },
    // What a chain that was signed for another shows is not for this one.
    good,
    { act, act_proofs: [proofs[0], good.act_proofs[1]] },
    {
      act: { sub: 'coder', act: { sub: 'rogue', act: { sub: 'planner' } } },
      act_proofs: [proofs[0], chained([rogue], to()).act_proofs[0], proofs[1]],
    },
    { act: { sub: 'coder' }, act_proofs: [proofs[0]] },
    { act: { sub: 'planner' }, act_proofs: [proofs[1]], client_id: 'planner-prod' },
    chained([coder, planner], to('bob')),
    { sub: 'bob', ...chained([coder, planner], to()) },
    chained([coder, planner], { ...to(), resource: site.url('other') }),
    chained([coder, planner], { ...to(), at: now() - 700 }),
    chained([coder, { ...planner, key: rogue.key, jwk: rogue.jwk }], to()),
  ];
  const statuses: number[] = [];
  for (const attack of attacks) statuses.push((await call(token(attack))).status);
  expect(statuses).toEqual(attacks.map(() => 401));
  await site.stop();
  expect(site.audit()).toContain('identity.chain');
});

it('is the issuer’s word where nothing else is configured', async () => {
  site.configure(identity(AGENTS), POLICY);
  await site.start();
  expect((await call(token({ act: { sub: 'coder', act: { sub: 'planner' } } }))).status).toBe(200);
});

it('does not start without a key for each agent', () => {
  site.configure(identity('require: signed, agents: { planner: { clients: [p] } }'), POLICY);
  const { status, stderr } = site.site.run('run');
  expect([status, stderr]).toEqual([2, expect.stringContaining('name in `signs` the key that signs its links')]);
});
