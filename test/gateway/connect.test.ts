/** Whose credential is taken that was pasted into a page: one that is good wherever its bearer is. */
import { expect, it } from 'vitest';
import type { Evidence } from '../../src/core/gate.ts';
import { type ConnectParts, openConnect } from '../../src/gateway/connect.ts';
import { apiKeys } from '../../src/identity/keys.ts';
import { sha256Hex } from '../../src/lib/bytes.ts';

const KEY = `dw_0123456789ab_${'k'.repeat(43)}`;
const keys = (addresses?: string[]) =>
  apiKeys(
    [
      {
        id: '0123456789ab',
        digest: sha256Hex(KEY),
        tenant: 'acme',
        subject: 'ana',
        agent: [],
        groups: [],
        scopes: [],
        created: 0,
        expires: 2,
        ...(addresses && { addresses }),
      },
    ],
    () => 1,
  );

async function proves(url: string | undefined, addresses?: string[]): Promise<boolean> {
  let parts: ConnectParts | undefined;
  await openConnect({
    site: { config: { bundles: {}, secrets: { connect: { port: 0, url } } } } as never,
    open: async (given) => {
      parts = given;
      return { url: 'http://127.0.0.1:1', close: async () => {} };
    },
    credentials: { consented: {}, issuers: {} } as never,
    clock: () => 1,
    random: (n) => new Uint8Array(n),
    authenticate: ({ header, peer }: Evidence) =>
      keys(addresses).authenticate(header('authorization')!.slice('Bearer '.length), peer.address),
  });
  return (await parts!.prove(KEY, 'tickets')) !== undefined;
}

it.each<[string, string | undefined, string[] | undefined, boolean]>([
  ['for everywhere, on this machine', undefined, undefined, true],
  ['for everywhere, through a proxy', 'https://gw.example.com', undefined, true],
  ['for this machine, on this machine', undefined, ['127.0.0.1/32'], true],
  ['for this machine, through a proxy', 'https://gw.example.com', ['127.0.0.1/32'], false],
  ['for a network, through a proxy', 'https://gw.example.com', ['10.0.0.0/8'], false],
  ['for a network, on this machine', undefined, ['10.0.0.0/8'], false],
])('a key %s', async (_what, url, addresses, good) => expect(await proves(url, addresses)).toBe(good));
