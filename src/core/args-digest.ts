/** Over the arguments of a call: limits and the log ask for the same one behind each other. */
import { digest } from '../lib/json/canonical.ts';
import type { Call } from './call.ts';

let known: { readonly id: string; readonly args: unknown; readonly text: string } | undefined;

/** `sha256:` and 64 hex digits. Within one call arguments are never changed, only replaced. */
export function argsDigest({ id, args }: Pick<Call, 'id' | 'args'>): string {
  if (known?.id !== id || known.args !== args) known = { id, args, text: digest(args) };
  return known.text;
}
