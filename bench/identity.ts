/**
 * `npm run bench:identity`: what it costs to know who speaks, by kind of credential; and whether the time of a refusal
 * tells what a stranger should not know. CPU is user and system time of this process per request, without HTTP.
 *
 *   npm run bench:identity -- [--quick]
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Evidence } from '../src/core/gate.ts';
import { chooser } from '../src/identity/chooser.ts';
import { issueKey } from '../src/identity/issue.ts';
import { apiKeys } from '../src/identity/keys.ts';
import { localIdentity } from '../src/identity/local.ts';
import { Gate, LOCAL, Prover } from '../test/identity/oauth/gate.ts';
import { Idp, type Pair, pair } from '../test/identity/oauth/idp.ts';
import { around, kinds, SUBJECTS as WORKLOADS } from './workloads.ts';

const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 3 : 7;
const COUNT = quick ? 300 : 900;

/** Smallest difference between medians that is worth a word, in microseconds over loopback: stated before measuring. */
const EFFECT = 100;

const idp = await Idp.start();
const gate = await Gate.start(idp);
const made = issueKey([], { subject: 'ci' }, 3_600_000, { at: Date.now(), random: randomBytes });
const known = apiKeys(made.keys, Date.now);
const certificate = randomBytes(900);
const x5t = createHash('sha256').update(certificate).digest('base64url');
const prover = await Prover.make();
const exp = Math.floor(Date.now() / 1000) + 3600;

const choose = chooser({
  local: localIdentity(LOCAL, 'me'),
  keys: () => known,
  kinds: [...kinds, gate.oauth],
  around,
  exposed: false,
});
const evidence = (headers: Record<string, string>): Evidence => ({
  peer: { listener: 'http', address: '127.0.0.1' },
  header: (name) => headers[name],
  request: { method: 'POST', target: '/files', route: 'files' },
  certificate,
});
const bearer = (token: string) => evidence({ authorization: `Bearer ${token}` });

/** Requests of one kind, made before the clock runs. */
async function many(make: (n: number) => Promise<Evidence> | Evidence): Promise<Evidence[]> {
  const all: Evidence[] = [];
  for (let n = 0; n < COUNT; n++) all.push(await make(n));
  return all;
}
const [edwards, rsa] = [await pair('EdDSA'), await pair('RS256')];
idp.published.push(edwards.jwk, rsa.jwk);
const fresh = (key: Pair) =>
  many(async () =>
    bearer(await idp.token(gate.resource, { key, claims: { exp, jti: randomBytes(12).toString('hex') } })),
  );
const bound = async (claims: object) => idp.token(gate.resource, { claims: { exp, cnf: claims } });
const plain = await idp.token(gate.resource, { claims: { exp } });
const byCertificate = await bound({ 'x5t#S256': x5t });
const byKey = await bound({ jkt: prover.jkt });

async function proofs(token: string): Promise<Evidence[]> {
  return many(async () => evidence({ authorization: `DPoP ${token}`, dpop: await prover.prove(gate.resource, token) }));
}

const SUBJECTS: readonly (readonly [name: string, make: () => Promise<Evidence[]>])[] = [
  ['local token', () => many(() => bearer(LOCAL))],
  ['API key', () => many(() => bearer(made.key))],
  ['access token, known', () => many(() => bearer(plain))],
  ['access token bound to a certificate, known', () => many(() => bearer(byCertificate))],
  ['access token bound to a key, known, with its proof', () => proofs(byKey)],
  ['access token, first seen, ES256', () => fresh(idp.signing)],
  ['access token, first seen, EdDSA', () => fresh(edwards)],
  ['access token, first seen, RS256', () => fresh(rsa)],
  ...WORKLOADS.map(([name, make]) => [name, () => many(make)] as const),
];

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

console.log('| credential | CPU us/request |\n| --- | --- |');
for (const [name, make] of SUBJECTS) {
  const costs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const requests = await make();
    const warm = choose(requests[0]!);
    if (warm instanceof Promise) await warm;
    const before = process.cpuUsage();
    let refused = 0;
    for (let n = 1; n < requests.length; n++) {
      const said = choose(requests[n]!);
      const who = said instanceof Promise ? await said : said;
      if (typeof who === 'string' || !('subject' in who)) refused++;
    }
    const { user, system } = process.cpuUsage(before);
    costs.push((user + system) / (requests.length - 1));
    if (refused > 0) throw new Error(`${name}: ${refused} refused`);
    // The proofs of one key flow at 200 a second; the next round begins with a full bucket.
    if (name.endsWith('proof')) await new Promise((resolve) => setTimeout(resolve, 5_000));
  }
  console.log(`| ${name} | ${median(costs).toFixed(1)} |`);
}

const elsewhere = await idp.token(`${gate.door.url}/other`, { claims: { exp } });
const changed = `${plain.slice(0, -8)}AAAAAAAA`;
const REFUSALS: readonly (readonly [name: string, path: string, token: string])[] = [
  ['no such route, token of another resource', '/nothing', elsewhere],
  ['a route, token of another resource', '/files', elsewhere],
  ['no such route, changed token', '/nothing', changed],
  ['a route, changed token', '/files', changed],
];
const times = new Map<string, number[]>(REFUSALS.map(([name]) => [name, []]));
for (let n = 0; n < (quick ? 100 : 1000); n++) {
  for (const [name, path, token] of REFUSALS) {
    const began = performance.now();
    await gate.call({ authorization: `Bearer ${token}` }, { path });
    times.get(name)!.push((performance.now() - began) * 1000);
  }
}
console.log(`\n| refusal | median us over loopback |\n| --- | --- |`);
for (const [name] of REFUSALS) console.log(`| ${name} | ${median(times.get(name)!).toFixed(0)} |`);
for (const [one, other] of [
  [0, 1],
  [2, 3],
] as const) {
  const [a, b] = [REFUSALS[one]![0], REFUSALS[other]![0]];
  const difference = Math.abs(median(times.get(a)!) - median(times.get(b)!));
  const verdict = difference < EFFECT ? 'below' : 'ABOVE';
  console.log(
    `\n${a} / ${b}: ${difference.toFixed(0)} us apart, ${verdict} the ${EFFECT} us that were stated beforehand.`,
  );
}
await gate.close();
idp.close();
