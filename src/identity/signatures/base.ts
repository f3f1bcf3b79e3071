/**
 * What an HTTP message signature is made over (RFC 9421 section 2): the components that the signer chose, one a line,
 * and the parameters of the signature last. Signer and verifier share this file.
 */
import { createHash } from 'node:crypto';
import { type InnerList, type Item, parseDictionary, writeInnerList, writeItem } from '../../wire/structured.ts';

/** A request as both ends see it. */
export interface Message {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** Host in lower case, with the port unless it is that of the scheme. */
  readonly authority: string;
  /** Path and query as they are sent. */
  readonly target: string;
  /** The one value of a header, undefined when there is none or more than one; names in lower case. */
  header(name: string): string | undefined;
}

/**
 * Headers that a signature covers wherever they are sent: what they say would otherwise be the word of whoever relays
 * the request. So are those that bring a caller's own key for a server, as they are configured. Those that mirror arguments (`Mcp-Param-`) are compared with the body, which has its digest.
 */
export const COVERED = [
  'authorization',
  'content-digest',
  'content-type',
  'dpop',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
] as const;

const FIELD = /^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/;

/** Sections 2.1 and 2.2; undefined for what the message does not have. */
export function component(name: string, message: Message): string | undefined {
  const { method, scheme, authority, target } = message;
  const query = target.indexOf('?');
  switch (name) {
    case '@method':
      return method;
    case '@target-uri':
      return `${scheme}://${authority}${target}`;
    case '@authority':
      return authority;
    case '@scheme':
      return scheme;
    case '@request-target':
      return target;
    case '@path':
      return query < 0 ? target : target.slice(0, query);
    case '@query':
      return query < 0 ? '?' : target.slice(query);
    default:
      return FIELD.test(name) ? message.header(name)?.trim() : undefined;
  }
}

/**
 * Section 2.5; undefined when a component is named twice, has a parameter (none is understood here), or has no value.
 * `valueOf` answers for names in lower case.
 */
export function signatureBase(input: InnerList, valueOf: (name: string) => string | undefined): string | undefined {
  const named = new Set<string>();
  const lines: string[] = [];
  for (const item of input.items) {
    const name = item.value;
    if (typeof name !== 'string' || item.params.size > 0 || named.has(name)) return undefined;
    const value = valueOf(name);
    if (value === undefined || value.includes('\n')) return undefined;
    named.add(name);
    lines.push(`${writeItem(item)}: ${value}`);
  }
  return [...lines, `"@signature-params": ${writeInnerList(input)}`].join('\n');
}

const DIGESTS: ReadonlyMap<string, string> = new Map([
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
]);

/** RFC 9530 section 2: every digest that can be checked fits these very bytes, and there is one. */
export function digestFits(header: string, body: Uint8Array): boolean {
  const listed = parseDictionary(header);
  if (!listed) return false;
  let fits = 0;
  for (const [name, member] of listed) {
    const hash = DIGESTS.get(name);
    if (hash === undefined) continue;
    const value = (member as Item).value;
    if (!(value instanceof Uint8Array) || !createHash(hash).update(body).digest().equals(value)) return false;
    fits++;
  }
  return fits > 0;
}
