/** The audit log of a state folder: whoever owns the folder opens it in the same way. */
import { type AuditLog, openAudit } from '../audit/log.ts';
import type { Clock, Random } from '../core/state.ts';
import { mayHold, redactText } from '../detect/secrets.ts';
import type { Keys } from '../secrets/keyring.ts';
import { tryOwn } from '../store/owner.ts';

/** Milliseconds between two tries to reopen a log whose disk failed. */
const REOPEN = 2_000;

/** A full or failing disk stops calls; when it is well again they go on without a hand. Until what is returned is called. */
export function mended(audit: AuditLog): () => void {
  const timer = setInterval(() => {
    if (audit.fault) audit.reopen().catch(() => {});
  }, REOPEN);
  timer.unref();
  return () => clearInterval(timer);
}

export function openSiteAudit(
  dir: string,
  { audit: keys }: Keys,
  at: { readonly clock: Clock; readonly random: Random },
): Promise<AuditLog> {
  return openAudit({ dir, own: tryOwn, keys, ...at, redact: redactText, mayHold });
}
