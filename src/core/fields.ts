/** Fields that travel past the client sealed (guarantee TR10): what controls need of the key that seals them. */
import type { Json } from '../lib/json/types.ts';
import type { CallView } from './call.ts';

/** Why a sealed value cannot be used. */
export type FieldCode = 'seal.unknown' | 'seal.foreign' | 'seal.expired' | 'seal.plain' | 'seal.many';

export interface FieldCipher {
  /** `until` in milliseconds since the epoch. */
  seal(
    value: Json,
    to: { readonly principal: string; readonly upstreams: readonly string[]; readonly until: number },
  ): string;
  open(
    text: string,
    by: { readonly principal: string; readonly upstream: string },
  ): { readonly value: Json } | { readonly code: FieldCode };
}

/** The arguments with their sealed fields opened. */
export type Opening = (call: CallView) => { readonly args: Json } | { readonly code: FieldCode };

/** `typ` in the header of a sealed field, the last member there. */
export const FIELD = 'doorward-field';

/** The form of a compact JWE whose key is not in it. */
const FORM = /^eyJ[A-Za-z0-9_-]*\.\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
export const looksSealed = (value: Json): value is string => typeof value === 'string' && FORM.test(value);

/** Whether it says of itself that it is one of these. Others of the form may be credentials. */
export function isField(text: string): boolean {
  if (!looksSealed(text)) return false;
  const header = Buffer.from(text.slice(0, text.indexOf('.')), 'base64url').toString();
  return header.endsWith(`"typ":"${FIELD}"}`);
}
