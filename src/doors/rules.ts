/** The `listen` block: where the gateway can be reached, and what it demands there. */
import { isIP } from 'node:net';
import { z } from 'zod';

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

const file = z.string().min(1).max(4096);

const tls = z.strictObject({
  cert: file.describe('PEM file: the certificate, then those that lead to its root; read again when it changes'),
  key: file.describe('PEM file of its private key, unencrypted, mode 0600; read again when it changes'),
  clients: file
    .optional()
    .describe('PEM file of the authorities whose client certificates count; read again when it changes'),
  crl: file.optional().describe('file of lists of revoked client certificates, PEM or DER; read again when it changes'),
  'crl-ended': z
    .enum(['refuse', 'accept'])
    .default('refuse')
    .describe('a list that is over: refuse all certificates of its issuer, or go on by what it says'),
  required: z.boolean().default(false).describe('whether a connection without a client certificate is refused'),
});

/** Only an origin with a name: a TLS client does not ask for addresses, and paths belong to upstreams. */
function isPublicUrl(text: string): boolean {
  const url = URL.parse(text);
  const host = url?.hostname ?? '';
  const named = host !== '' && !host.startsWith('[') && isIP(host) === 0;
  return (
    url?.protocol === 'https:' && named && (text === url.origin || text === url.href) && url.href === `${url.origin}/`
  );
}

export const schema = z
  .strictObject({
    host: z
      .string()
      .refine((host) => host === 'localhost' || isIP(host) !== 0, 'write an IP address, or localhost')
      .default('127.0.0.1')
      .describe('address to listen on; off loopback only with TLS and identities'),
    port: z.int().min(0).max(65_535).default(8808).describe('TCP port; 0 takes a free one'),
    url: z
      .string()
      .refine(isPublicUrl, 'write https://name or https://name:port, in lower case and without a path')
      .optional()
      .describe('where clients reach it; the certificate must be for this name, and no other is served'),
    tls: tls.optional().describe('TLS 1.3 from files'),
    origins: z
      .array(z.url({ protocol: /^https?$/ }))
      .default([])
      .describe('browser origins that may call; none by default, never *'),
    unauthenticated: z
      .enum(['challenge', 'misdirected'])
      .default('challenge')
      .describe('answer to a request without a good credential: 401, or the empty 421 of a wrong name'),
  })
  .refine(({ url, tls: files }) => url === undefined || files !== undefined, {
    message: '`url` needs `tls`: clients elsewhere are not spoken to in the clear',
    path: ['url'],
  })
  .prefault({});

export type Listen = z.infer<typeof schema>;

/** Whether others than this machine can reach the listener, or are told how. */
export function exposed({ host, url }: { readonly host: string; readonly url?: string | undefined }): boolean {
  return !LOOPBACK.has(host) || (url !== undefined && URL.parse(url)?.hostname !== 'localhost');
}

/**
 * What a listener lacks that others can reach (guarantees TR1, TR5): TLS, and identities beside the local token, which
 * is not accepted there. Empty on loopback.
 */
export function lacks(at: {
  readonly host: string;
  readonly url?: string | undefined;
  readonly tls: boolean;
  readonly identities: boolean;
}): string[] {
  if (!exposed(at)) return [];
  return [...(at.tls ? [] : ['TLS']), ...(at.identities ? [] : ['identities beside the local token'])];
}
