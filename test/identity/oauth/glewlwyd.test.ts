/** An identity provider that nobody of us wrote: its discovery, its keys, its tokens, and how it binds them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, Glewlwyd, INSTALLED } from '../../fixtures/glewlwyd.ts';
import { Gate, Prover } from './gate.ts';

describe.skipIf(!INSTALLED)('Glewlwyd', () => {
  let idp: Glewlwyd;
  let gate: Gate;
  beforeAll(async () => {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    idp = await Glewlwyd.start([`${origin}/files`, `${origin}/other`]);
    gate = await Gate.start({ url: idp.issuer }, { door: { port } });
  }, 30_000);
  afterAll(async () => {
    await gate?.close();
    idp?.close();
  });

  it('says who calls, for one route', async () => {
    const { token } = await idp.token(gate.resource);
    expect(await gate.verdict(gate.bearer(token))).toBe('200');
    const { caller } = gate.house.calls.at(-1)!;
    expect(caller).toMatchObject({ issuer: idp.issuer, tenant: 'acme', agent: ['agent-7'], how: 'jwt' });
    expect(caller.scopes).toContain('books:read');
    const other = await idp.token(gate.resource.replace('files', 'other'));
    expect(await gate.verdict(gate.bearer(other.token))).toBe('identity.audience');
    const [head, body] = token.split('.');
    const [, , signature] = other.token.split('.');
    expect(await gate.verdict(gate.bearer(`${head}.${body}.${signature}`))).toBe('identity.signature');
  });

  it('binds its tokens to a key', async () => {
    const prover = await Prover.make();
    const { token, type } = await idp.token(gate.resource, (url) =>
      prover.prove(url, '', { claims: { ath: undefined } }),
    );
    expect(type).toMatch(/^dpop$/i);
    expect(await gate.verdict(gate.bearer(token))).toBe('identity.bound');
    const ask = async (by: Prover) =>
      gate.verdict(gate.call({ authorization: `DPoP ${token}`, dpop: await by.prove(gate.resource, token) }));
    expect(await ask(prover)).toBe('200');
    expect(await ask(await Prover.make())).toBe('identity.bound');
    expect(gate.house.calls.at(-1)!.caller.key).toBe(prover.jkt);
  });
});
