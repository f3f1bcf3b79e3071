/** Tokens that are bound to a client certificate (RFC 8705), over real TLS connections. */
import { createHash, X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { credentials } from '../../../src/doors/certificate.ts';
import { modern } from '../../doors/client.ts';
import { Authority, type Pair } from '../../net/pki.ts';
import { Gate, Prover } from './gate.ts';
import { Idp } from './idp.ts';

const NAME = 'gate.example';
let ca: Authority;
let mine: Pair;
let thiefs: Pair;
let idp: Idp;
let gate: Gate;
beforeAll(async () => {
  ca = new Authority();
  mine = ca.issue('DNS:client', { client: true });
  thiefs = ca.issue('DNS:thief', { client: true });
  const server = ca.issue(`DNS:${NAME}`);
  const pem = (text: string) => Buffer.from(text);
  const current = credentials({ cert: pem(server.cert), key: pem(server.key), clients: pem(ca.root.cert) }, Date.now());
  idp = await Idp.start();
  gate = await Gate.start(idp, {
    oauth: { require: 'bound' },
    door: { tls: { current: () => current, clients: 'optional' } },
  });
});
afterAll(async () => {
  await gate.close();
  idp.close();
  ca.remove();
});

function ask(headers: Record<string, string>, pair?: Pair): Promise<{ status: number; text: string }> {
  const base = modern(1, 'echo', { a: 1 });
  const { port } = new URL(gate.door.url);
  return new Promise((resolve, reject) => {
    const req = request(
      {
        host: '127.0.0.1',
        port,
        path: '/files',
        method: 'POST',
        servername: NAME,
        ca: ca.root.cert,
        agent: false,
        ...(pair && { cert: pair.cert, key: pair.key }),
        headers: {
          ...base.headers,
          host: `${NAME}:${port}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...headers,
        },
      },
      (res) => {
        let text = '';
        res.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        res.on('end', () => resolve({ status: res.statusCode!, text }));
      },
    );
    req.on('error', reject).end(JSON.stringify(base.body));
  });
}
const print = ({ cert }: Pair) => createHash('sha256').update(new X509Certificate(cert).raw).digest('base64url');
const verdict = async (headers: Record<string, string>, pair?: Pair) => {
  const { status } = await ask(headers, pair);
  return status === 200 ? '200' : gate.house.attempts.at(-1)!.code;
};

describe('a token that is bound to a certificate', () => {
  it('is good on a connection that shows it, and on no other', async () => {
    const token = await idp.token(gate.resource, { claims: { cnf: { 'x5t#S256': print(mine) } } });
    const headers = { authorization: `Bearer ${token}` };
    expect(await verdict(headers, mine)).toBe('200');
    expect(gate.house.calls.at(-1)!.caller).toMatchObject({ subject: 'alice', key: print(mine) });
    expect(await verdict(headers, thiefs)).toBe('identity.bound');
    expect(await verdict(headers)).toBe('identity.bound');
    // Remembered or not, the connection is looked at each time.
    expect(await verdict(headers, mine)).toBe('200');
  });

  it('is not made up for by a certificate that any token might have', async () => {
    expect(await verdict({ authorization: `Bearer ${await idp.token(gate.resource)}` }, mine)).toBe('identity.bound');
  });

  it('can be bound to a key as well: then both are asked for', async () => {
    const prover = await Prover.make();
    const cnf = { 'x5t#S256': print(mine), jkt: prover.jkt };
    const token = await idp.token(gate.resource, { claims: { cnf } });
    const headers = async () => ({ authorization: `DPoP ${token}`, dpop: await prover.prove(gate.resource, token) });
    expect(await verdict(await headers(), mine)).toBe('200');
    expect(await verdict(await headers(), thiefs)).toBe('identity.bound');
    expect(await verdict({ authorization: `Bearer ${token}` }, mine)).toBe('identity.bound');
  });

  it('is what the metadata offer', () => {
    expect(gate.address.document('/.well-known/oauth-protected-resource/files')).toMatchObject({
      resource: `${gate.door.url}/files`,
      tls_client_certificate_bound_access_tokens: true,
    });
  });
});
