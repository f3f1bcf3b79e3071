/** In whose name a verb works at a server: the owner's, or that of a user whom the owner names. */
import type { Command } from 'commander';
import type { Holder } from '../secrets/credential/wallet.ts';

export function holderOptions(command: Command): Command {
  return command
    .option('--as <subject>', 'for this user; the local caller otherwise')
    .option('--tenant <name>', 'of this tenant (default: "default")')
    .option('--issuer <name>', 'who vouches for the user: an issuer of tokens, or "keys" for API keys (default)');
}

export function holderFrom({
  as,
  tenant = 'default',
  issuer = 'keys',
}: {
  as?: string;
  tenant?: string;
  issuer?: string;
}): Holder {
  return as === undefined ? { tenant: 'local', issuer: 'local', subject: 'local' } : { tenant, issuer, subject: as };
}
