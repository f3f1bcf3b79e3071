import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Trust } from '../../../src/identity/spiffe/trust.ts';
import { followAgent } from '../../../src/identity/spiffe/workload-api.ts';
import { openStream } from '../../../src/net/grpc.ts';
import { Authority } from '../../net/pki.ts';
import { Agent, type Bundles, framed } from './agent.ts';

let [a, b]: [Authority, Authority] = [undefined as never, undefined as never];
beforeAll(() => {
  [a, b] = [new Authority(), new Authority()];
});
afterAll(() => {
  a.remove();
  b.remove();
});
const der = ({ root }: Authority) => new X509Certificate(root.cert).raw;
const pem = ({ root }: Authority) => new X509Certificate(root.cert).toString();
const jwks = (...ids: string[]) =>
  Buffer.from(
    JSON.stringify({
      keys: ids.map((kid) => ({
        ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
        kid,
      })),
    }),
  );
const of = (authority: Authority, ...ids: string[]): Bundles => ({
  x509: { 'spiffe://prod.example': der(authority), 'spiffe://spare.example': Buffer.from('nonsense') },
  jwt: { 'spiffe://prod.example': jwks(...ids) },
});

let agent: Agent;
let trust: Trust;
let now = 0;
let heard: (string | undefined)[];
let pauses: number[];
let follower: { close(): void };
beforeEach(() => {
  agent = new Agent();
  now = 1000;
  heard = [];
  pauses = [];
  trust = new Trust(['prod.example'], () => now, 60_000);
});
afterEach(async () => {
  follower.close();
  await agent.close();
});
function follow(within?: number): void {
  follower = followAgent({
    socket: agent.socket,
    domains: ['prod.example'],
    trust,
    open: (options) => openStream(within === undefined ? options : { ...options, within }),
    after(ms, run) {
      pauses.push(ms);
      const timer = setTimeout(run, 5);
      return () => clearTimeout(timer);
    },
    said: (why) => heard.push(why),
  });
}
const bundle = () => trust.of('prod.example');
const until = (check: () => void) => vi.waitFor(check, { timeout: 5000, interval: 5 });

describe('the Workload API', () => {
  it('gives the bundles of the domains that are asked for, and their successors', async () => {
    await agent.listen(of(a, 'k1'));
    follow();
    await until(() => expect(bundle()?.x509.map(String)).toEqual([pem(a)]));
    expect([...bundle()!.jwt.keys()]).toEqual(['k1']);
    const { version } = trust;
    agent.put(of(b, 'k1', 'k2'));
    await until(() => expect([...(bundle()?.jwt.keys() ?? [])]).toEqual(['k1', 'k2']));
    expect(bundle()!.x509.map(String)).toEqual([pem(b)]);
    expect(trust.authorities()).toEqual([pem(b)]);
    expect(trust.version).toBeGreaterThan(version);
    expect(heard.filter((why) => why !== undefined)).toEqual([]);
  });

  it('takes what the agent no longer names out of trust', async () => {
    await agent.listen(of(a, 'k1'));
    follow();
    await until(() => expect(bundle()?.x509).toHaveLength(1));
    agent.put({ x509: {}, jwt: {} });
    await until(() => expect([bundle()?.x509.length, bundle()?.jwt.size]).toEqual([0, 0]));
  });

  it('is enough without JWT bundles', async () => {
    agent.old = true;
    await agent.listen(of(a));
    follow();
    await until(() => expect(bundle()?.x509).toHaveLength(1));
    expect(bundle()!.jwt.size).toBe(0);
  });

  it('is called again when it goes, and its last word holds for a while', async () => {
    await agent.listen(of(a, 'k1'));
    follow();
    await until(() => expect(bundle()).toBeDefined());
    agent.instead = framed(Buffer.from('x'), 1);
    agent.drop();
    await until(() => expect(pauses.length).toBeGreaterThan(6));
    expect(pauses.slice(0, 4)).toEqual([500, 1000, 2000, 4000]);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(30_000);
    now += 59_999;
    expect(bundle()!.x509.map(String)).toEqual([pem(a)]);
    now += 1;
    expect(bundle()).toBeUndefined();
    expect(trust.authorities()).toEqual([]);

    agent.instead = undefined;
    await until(() => expect(bundle()).toBeDefined());
  });

  it.each<[string, Buffer, string]>([
    ['a compressed message', framed(Buffer.from('x'), 1), 'compressed'],
    ['a message over the cap', Buffer.from([0, 0x7f, 0, 0, 0, 0, 0]), 'too large a message'],
    ['no protocol buffer', framed(Buffer.from([0x12, 0x7f, 1])), 'says nonsense'],
    [
      'a bundle of nonsense',
      framed(Buffer.from('122013' + '0a15' + Buffer.from('spiffe://prod.example').toString('hex') + '120130', 'hex')),
      'says nonsense',
    ],
  ])('is not believed with %s', async (_what, bytes, why) => {
    await agent.listen(of(a));
    agent.instead = bytes;
    follow();
    await until(() => expect(heard.length).toBeGreaterThan(1));
    expect(new Set(heard)).toEqual(new Set([why]));
    expect(bundle()).toBeUndefined();
  });

  it('that says nothing is left, and one that is not there is waited for', async () => {
    follow(50);
    await until(() => expect(heard).toContain('ENOENT'));
    agent.instead = Buffer.from([0]);
    await agent.listen(of(a));
    await until(() => expect(heard).toContain('no answer in time'));
    agent.instead = undefined;
    await until(() => expect(bundle()).toBeDefined());
  });
});
