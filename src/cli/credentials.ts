/** Credentials at servers as a verb uses them: for the operator, or in the name of a user. */
import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { type CredentialOptions, type SiteCredentials, siteCredentials } from '../gateway/credentials.ts';
import type { Site } from '../gateway/site.ts';
import { localIdentity } from '../identity/local.ts';
import type { Vault } from '../secrets/vault/vault.ts';
import { callerToken, openStateFolder } from '../store/folder.ts';
import type { UpstreamRules } from '../upstreams/rules.ts';
import { FILES } from './vault.ts';

const random = (n: number): Uint8Array => randomBytes(n);

export function credentialsOf(
  site: Site,
  vault: Vault,
  upstreams: ReadonlyMap<string, UpstreamRules>,
  more: Partial<CredentialOptions> = {},
): SiteCredentials {
  const token = callerToken(openStateFolder(site.stateDir), random);
  return siteCredentials({
    vault,
    files: FILES,
    env: process.env,
    clock: Date.now,
    random,
    upstreams: () => upstreams,
    local: localIdentity(token, userInfo().username).caller,
    onEvent() {},
    ...more,
  });
}
