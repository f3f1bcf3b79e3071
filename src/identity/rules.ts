/** The `identity` block: how callers prove who they are, beside the local token. */
import { z } from 'zod';
import { chains } from './chain.ts';
import { schema as oauth } from './oauth/rules.ts';
import { proxies } from './proxies/rules.ts';
import { signatures } from './signatures/rules.ts';
import { spiffe } from './spiffe/rules.ts';

export const schema = z
  .strictObject({
    keys: z.boolean().default(false).describe('accept API keys, made by doorward key create'),
    oauth: oauth.optional().describe('accept access tokens of OAuth 2.1 issuers'),
    spiffe: spiffe.optional().describe('workloads by their SPIFFE ids: X.509-SVIDs and JWT-SVIDs'),
    chains: chains
      .optional()
      .describe('agents that act for others by tokens; without it a token of an agent is refused'),
    proxies: proxies.optional().describe('proxies and sidecars whose word about their peers is taken'),
    signatures: signatures.optional().describe('requests that are signed (RFC 9421)'),
  })
  .prefault({});

export type IdentityConfig = z.infer<typeof schema>;

/** Whether anybody but the OS user can prove who they are. */
export function identifies({ keys, ...others }: IdentityConfig): boolean {
  return (
    keys ||
    others.oauth !== undefined ||
    others.spiffe !== undefined ||
    others.signatures !== undefined ||
    others.proxies !== undefined
  );
}
