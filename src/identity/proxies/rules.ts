/** The `identity.proxies` block: proxies and sidecars whose word about their peers is taken, each by its address. */
import { z } from 'zod';
import { parseCidr } from '../../lib/address.ts';
import { tenant } from '../keyfile.ts';

const header = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/, 'the name of a header, in lower case')
  .refine((name) => !['authorization', 'host', 'cookie'].includes(name), 'this header has a meaning of its own');
const claim = z.string().min(1).max(128);

const assertion = z.strictObject({
  header: header.describe('header that holds the signed assertion (a JWT)'),
  issuer: z.string().min(1).max(2048).describe('its `iss`, to the letter'),
  audience: z.string().min(1).max(2048).describe('its one `aud`'),
  keys: z.string().min(1).max(4096).describe('file with the JWK set that signs it; read again when it changes'),
  subject: claim.default('sub').describe('claim that names the caller'),
  groups: claim.optional().describe('claim that lists groups'),
});
const domain = z.string().regex(/^[a-z0-9._-]{1,255}$/, 'a trust domain, in lower case');

const row = z
  .strictObject({
    addresses: z
      .array(z.string().refine((text) => parseCidr(text) !== undefined, 'not a range; write 10.20.0.5/32'))
      .min(1)
      .max(64)
      .describe('CIDR ranges that its connections come from'),
    tenant: tenant.default('default').describe('tenant of its callers'),
    assertion: assertion.optional().describe('a proxy that signs what it says'),
    mesh: z
      .enum(['linkerd', 'istio'])
      .optional()
      .describe('a sidecar: takes l5d-client-id of linkerd, x-forwarded-client-cert of istio'),
    domains: z.array(domain).min(1).optional().describe('trust domains of the peers of a sidecar'),
  })
  .refine(({ assertion: signed, mesh, domains }) => (signed ? !mesh && !domains : mesh && domains), {
    message: 'write assertion, or mesh with domains',
  });

export const proxies = z.array(row).min(1).max(16);
export type ProxiesConfig = z.infer<typeof proxies>;
export type ProxyConfig = ProxiesConfig[number];
export type Assertion = z.infer<typeof assertion>;
