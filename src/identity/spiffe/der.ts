/**
 * As much of DER (X.690) as the extensions of a certificate need, which `node:crypto` does not tell: every URI, every
 * use of the key, every extension that must not be ignored. What is not plain DER is not read.
 */

export class DerFault extends Error {}

export interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag and length too. */
  readonly whole: Uint8Array;
}

export const SEQUENCE = 0x30;
const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OID = 0x06;
/** Most elements that one is read as. */
const MOST = 1024;

/** The elements that `bytes` are made of, `most` at most, one after the other, to the last byte. Throws DerFault. */
export function elements(bytes: Uint8Array, most = MOST): Element[] {
  const all: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at]!;
    const { start, end } = extent(bytes, at + 1);
    // Numbers of tags over 30 take further bytes: nothing here has one.
    if ((tag & 0x1f) === 0x1f || all.length === most) throw new DerFault();
    all.push({ tag, content: bytes.subarray(start, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return all;
}

function extent(bytes: Uint8Array, at: number): { start: number; end: number } {
  const first = bytes[at];
  if (first === undefined) throw new DerFault();
  let start = at + 1;
  let length = first;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count < 1 || count > 3) throw new DerFault();
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + (bytes[start + i] ?? 0);
    // The shortest form is the only one.
    if (length < (count === 1 ? 0x80 : 256 ** (count - 1))) throw new DerFault();
    start += count;
  }
  if (start + length > bytes.length) throw new DerFault();
  return { start, end: start + length };
}

/** The elements of the one element of this tag that `bytes` are. */
function inside(bytes: Uint8Array, tag: number): Element[] {
  const [only, ...more] = elements(bytes);
  if (only?.tag !== tag || more.length > 0) throw new DerFault();
  return elements(only.content);
}

export interface Extensions {
  /** Object ids, in hex of their content, of all that are marked critical. */
  readonly critical: readonly string[];
  /** URIs of subjectAltName (RFC 5280 section 4.2.1.6). */
  readonly uris: readonly string[];
  /** Bits of keyUsage by their numbers; undefined without one. */
  readonly usage: ReadonlySet<number> | undefined;
  readonly ca: boolean;
  /** How many intermediate certificates may follow; undefined = any number. */
  readonly pathLength: number | undefined;
}

/** Bits of keyUsage (RFC 5280 section 4.2.1.3). */
export const DIGITAL_SIGNATURE = 0;
export const KEY_CERT_SIGN = 5;
export const CRL_SIGN = 6;

export const ALT_NAME = '551d11';
export const KEY_USAGE = '551d0f';
export const CONSTRAINTS = '551d13';
export const EXTENDED_USAGE = '551d25';

/** Of a certificate in DER. Throws DerFault. */
export function extensionsOf(certificate: Uint8Array): Extensions {
  const [tbs] = inside(certificate, SEQUENCE);
  const found = new Map<string, { critical: boolean; value: Uint8Array }>();
  if (tbs?.tag !== SEQUENCE) throw new DerFault();
  const wrapped = elements(tbs.content).filter(({ tag }) => tag === 0xa3);
  if (wrapped.length > 1) throw new DerFault();
  for (const extension of wrapped.flatMap(({ content }) => inside(content, SEQUENCE))) {
    const parts = elements(extension.content);
    const [id, flag] = parts;
    const value = parts.at(-1);
    const critical = parts.length === 3;
    if (extension.tag !== SEQUENCE || id?.tag !== OID || value?.tag !== OCTET_STRING) throw new DerFault();
    if (parts.length > 3 || (critical && (flag!.tag !== BOOLEAN || flag!.content[0] !== 0xff))) throw new DerFault();
    const name = Buffer.from(id.content).toString('hex');
    if (found.has(name)) throw new DerFault();
    found.set(name, { critical, value: value.content });
  }
  const valueOf = (name: string) => found.get(name)?.value;
  return {
    critical: [...found].filter(([, { critical }]) => critical).map(([name]) => name),
    uris: uris(valueOf(ALT_NAME)),
    usage: usage(valueOf(KEY_USAGE)),
    ...constraints(valueOf(CONSTRAINTS)),
  };
}

function uris(value: Uint8Array | undefined): string[] {
  const names = value ? inside(value, SEQUENCE) : [];
  return names.filter(({ tag }) => tag === 0x86).map(({ content }) => Buffer.from(content).toString('latin1'));
}

function usage(value: Uint8Array | undefined): ReadonlySet<number> | undefined {
  if (!value) return undefined;
  const [bits, ...more] = elements(value);
  if (bits?.tag !== BIT_STRING || more.length > 0 || bits.content.length < 1) throw new DerFault();
  const set = new Set<number>();
  bits.content.subarray(1).forEach((byte, i) => {
    for (let bit = 0; bit < 8; bit++) if (byte & (0x80 >> bit)) set.add(i * 8 + bit);
  });
  return set;
}

function constraints(value: Uint8Array | undefined): Pick<Extensions, 'ca' | 'pathLength'> {
  const parts = value ? inside(value, SEQUENCE) : [];
  const ca = parts[0]?.tag === BOOLEAN && parts[0].content[0] === 0xff;
  const length = parts.find(({ tag }) => tag === INTEGER)?.content;
  if (length && (length.length !== 1 || length[0]! > 127)) throw new DerFault();
  return { ca, pathLength: length?.[0] };
}
