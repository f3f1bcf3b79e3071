/** SPIFFE ids, to the letter of the SPIFFE-ID specification: what it forbids is no id, and nothing is made to fit. */

export interface SpiffeId {
  /** The whole, such as `spiffe://prod.example/ns/ci/agent`. */
  readonly id: string;
  readonly trustDomain: string;
  /** From the slash on; empty for the id of the trust domain itself. */
  readonly path: string;
}

/** Bytes, of the whole and of the trust domain (section 2.3). */
const MAX_ID = 2048;
const MAX_DOMAIN = 255;
const SCHEME = 'spiffe://';

/** Section 2.1: lower-case letters, digits, dot, hyphen, underscore. No port, no user, no percent. */
export function isTrustDomain(text: string): boolean {
  return text.length <= MAX_DOMAIN && /^[a-z0-9._-]+$/.test(text);
}

/** Undefined for what is no SPIFFE id. */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  if (text.length > MAX_ID || !text.startsWith(SCHEME)) return undefined;
  const slash = text.indexOf('/', SCHEME.length);
  const trustDomain = text.slice(SCHEME.length, slash < 0 ? undefined : slash);
  const path = slash < 0 ? '' : text.slice(slash);
  if (!isTrustDomain(trustDomain)) return undefined;
  return path === '' || path.slice(1).split('/').every(isSegment) ? { id: text, trustDomain, path } : undefined;
}

/** Section 2.2: a path has no empty and no relative segment, hence no slash at its end. */
function isSegment(text: string): boolean {
  return /^[A-Za-z0-9._-]+$/.test(text) && text !== '.' && text !== '..';
}
