/** One character of a good token or a good proof, changed, taken away or put in: it is good no more, wherever that is. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Evidence, type Identified, isCaller } from '../../../src/core/gate.ts';
import { Gate, Prover } from './gate.ts';
import { Idp } from './idp.ts';

const RUNS = Number(process.env['DOORWARD_RUNS'] ?? 300);
const SIGNS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/~ \t'];

let idp: Idp;
let gate: Gate;
beforeAll(async () => {
  idp = await Idp.start();
  gate = await Gate.start(idp);
});
afterAll(async () => {
  await gate.close();
  idp.close();
});

async function ask(headers: Record<string, string>): Promise<Identified | undefined> {
  const evidence: Evidence = {
    peer: { listener: 'http', address: '127.0.0.1' },
    header: (name) => headers[name],
    request: { method: 'POST', target: '/files', route: 'files' },
  };
  return gate.oauth.authenticate(evidence);
}
const isIn = (said: Identified | undefined) => said !== undefined && isCaller(said);

const change = fc.record({
  at: fc.nat(),
  sign: fc.constantFrom(...SIGNS),
  how: fc.constantFrom('put' as const, 'cut' as const, 'set' as const),
});
function changed(text: string, { at, sign, how }: { at: number; sign: string; how: 'put' | 'cut' | 'set' }): string {
  const place = at % (text.length + (how === 'put' ? 1 : 0));
  return text.slice(0, place) + (how === 'cut' ? '' : sign) + text.slice(how === 'put' ? place : place + 1);
}

describe('one character', () => {
  it('of a token', async () => {
    const token = await idp.token(gate.resource, { claims: { scope: 'a b', groups: ['x'] } });
    expect(isIn(await ask({ authorization: `Bearer ${token}` }))).toBe(true);
    await fc.assert(
      fc.asyncProperty(change, async (how) => {
        const other = changed(token, how);
        fc.pre(other !== token);
        expect(isIn(await ask({ authorization: `Bearer ${other}` }))).toBe(false);
      }),
      { numRuns: RUNS },
    );
  });

  it('of a proof, or of the token that it is for', async () => {
    const prover = await Prover.make();
    const token = await idp.token(gate.resource, { claims: { cnf: { jkt: prover.jkt } } });
    await fc.assert(
      fc.asyncProperty(change, fc.boolean(), async (how, ofProof) => {
        const proof = await prover.prove(gate.resource, token);
        const other = changed(ofProof ? proof : token, how);
        fc.pre(other !== proof && other !== token);
        const headers = ofProof
          ? { authorization: `DPoP ${token}`, dpop: other }
          : { authorization: `DPoP ${other}`, dpop: proof };
        expect(isIn(await ask(headers))).toBe(false);
        // Nothing was spent by that. In a long run the bucket of the key is.
        const said = await ask({ authorization: `DPoP ${token}`, dpop: proof });
        expect(isIn(said) || said === 'door.rate').toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  it('or anything else, of what is no token at all', async () => {
    const words = fc.constantFrom('Bearer ', 'DPoP ', 'bearer ', 'Basic ', '');
    await fc.assert(
      fc.asyncProperty(
        words,
        fc.string({ maxLength: 200 }),
        fc.string({ maxLength: 200 }),
        async (word, text, dpop) => {
          expect(isIn(await ask({ authorization: word + text, dpop }))).toBe(false);
        },
      ),
      { numRuns: RUNS },
    );
  });
});
