/** Over the arguments of a call: limits, approvals and the log ask for the same one behind each other. */
import { digest } from '../lib/json/canonical.ts';
import type { Json } from '../lib/json/types.ts';

let known: { readonly args: object; readonly text: string } | undefined;

/** `sha256:` and 64 hex digits. Arguments are never changed, only replaced. */
export function argsDigest(args: Json): string {
  if (typeof args !== 'object' || args === null) return digest(args);
  if (known?.args !== args) known = { args, text: digest(args) };
  return known.text;
}
