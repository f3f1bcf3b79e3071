/** Results that say where they come from, through the running program. */
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { digest } from '../../src/lib/json/canonical.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { http, modern } from '../doors/client.ts';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

let site: Site;
let served: Served;
beforeAll(async () => {
  site = new Site({ servers: { tidy: ['tidy.ts'] }, more: `${OPEN_LIMITS}output: { provenance: true }\n` });
  site.review();
  served = await site.serve();
});
afterAll(async () => {
  await served?.stop();
  site?.close();
});

async function call(args: object): Promise<JsonObject> {
  const { headers, body } = modern(1, 'echo', args);
  const auth = { authorization: `Bearer ${site.token()}` };
  const { json } = await http(served.url, { path: '/tidy', headers: { ...headers, ...auth }, body });
  return (json as { result: JsonObject }).result;
}

/** The key as `audit verify` names it. */
function auditKey() {
  const said = site.run('audit', 'verify', '--json').stdout;
  const x = /ed25519:([\w-]{43})/.exec(said)![1]!;
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

it('says who answered which call with what, and any other byte is found', async () => {
  const result = await call({ text: 'hello' });
  const { said, signature } = (result['_meta'] as JsonObject)['dev.doorward/provenance'] as Record<string, string>;
  const good = (text: string) =>
    verify(null, Buffer.from(`doorward.provenance/1\n${text}`), auditKey(), Buffer.from(signature!, 'base64url'));
  expect(good(said!)).toBe(true);
  expect(good(said!.replace('"edited":false', '"edited":true'))).toBe(false);
  const lock = readFileSync(join(site.dir, 'doorward.lock'), 'utf8');
  const told = JSON.parse(said!) as JsonObject;
  expect(told).toMatchObject({ v: 1, upstream: 'tidy', kind: 'tool', name: 'echo', edited: false });
  expect(lock).toContain(told['pin']);
  expect(told['content']).toBe(digest({ content: result['content']! }));
  expect(site.run('audit', 'show', told['call'] as string).status).toBe(0);
});

it('says that a result was edited', async () => {
  const result = await call({ text: `the key is ${['AKIAQ3EGUVYX', 'TSRNCO5P'].join('')}` });
  expect(JSON.stringify(result)).toContain('redacted');
  const { said } = (result['_meta'] as JsonObject)['dev.doorward/provenance'] as Record<string, string>;
  expect(JSON.parse(said!)).toMatchObject({ edited: true });
});
