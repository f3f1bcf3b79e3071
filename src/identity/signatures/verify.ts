/**
 * Requests that are signed (guarantee ID8; RFC 9421, RFC 9530): by a key that is known, over all that the request
 * does, fresh, and taken once. Everything but the body's digest is checked before the body is read.
 */
import type { KeyObject } from 'node:crypto';
import type { Caller } from '../../core/call.ts';
import type { Code } from '../../core/codes/index.ts';
import { isInnerList, type Params, parseDictionary } from '../../wire/structured.ts';
import type { Once, OnceLimits } from '../once.ts';
import { type Algorithm, isSignature } from './algorithms.ts';
import { COVERED, component, digestFits, type Message, signatureBase } from './base.ts';

export interface SignatureKey {
  readonly id: string;
  readonly algorithm: Algorithm;
  readonly key: KeyObject;
  /** Whom it speaks for. */
  readonly caller: Caller;
}

export interface SignatureRules {
  /** A signature for another application is not looked at. */
  readonly tag: string;
  readonly keys: ReadonlyMap<string, SignatureKey>;
  /** Further headers that a signature covers wherever they are sent, in lower case. */
  readonly covered?: readonly string[];
}

export interface SignedRequest extends Message {
  body(): Promise<Uint8Array>;
}

/** Milliseconds for which a request is good, from its `created` on, and that a signer's clock may be ahead. */
const WINDOW = 60_000;
const SKEW = 5_000;
/** A thousand requests a second of one key, and four of those. */
export const NONCES: OnceLimits = { life: WINDOW + SKEW, each: 65_536, all: 262_144 };
const LONGEST = 8_192;
const NONCE = /^[\x21-\x7e]{16,128}$/;
/** The key that signed the request; undefined when nobody did, for this application; or the code of the refusal. */
export async function signer(
  request: SignedRequest,
  { tag, keys, covered = [] }: SignatureRules,
  once: Once,
  now: number,
): Promise<SignatureKey | Code | undefined> {
  const [inputs, signatures] = [request.header('signature-input'), request.header('signature')];
  if (inputs === undefined && signatures === undefined) return undefined;
  const invalid = 'identity.signed' as const;
  if (inputs === undefined || signatures === undefined) return invalid;
  if (inputs.length + signatures.length > LONGEST) return invalid;
  const [asked, made] = [parseDictionary(inputs), parseDictionary(signatures)];
  if (!asked || !made) return invalid;

  const ours = [...asked].filter(([, input]) => input.params.get('tag') === tag);
  if (ours.length === 0) return undefined;
  const [label, input] = ours[0]!;
  const bytes = made.get(label);
  if (ours.length > 1 || !isInnerList(input) || !bytes || isInnerList(bytes)) return invalid;
  if (!(bytes.value instanceof Uint8Array)) return invalid;

  const { params } = input;
  const key = keys.get(String(params.get('keyid')));
  const nonce = params.get('nonce');
  if (!key || typeof params.get('keyid') !== 'string') return invalid;
  if (params.has('alg') && params.get('alg') !== key.algorithm) return invalid;
  if (typeof nonce !== 'string' || !NONCE.test(nonce) || !fresh(params, now, once.since)) return invalid;
  if (!covers(new Set(input.items.map(({ value }) => value)), request, covered)) return invalid;
  const base = signatureBase(input, (name) => component(name, request));
  if (base === undefined || !isSignature(key.algorithm, key.key, base, bytes.value)) return invalid;

  // Only who holds the key comes so far: nobody else can use up a nonce, or fill the memory of them.
  const use = once.use(key.id, nonce, now);
  if (use !== 'first') return use === 'full' ? 'identity.unavailable' : invalid;
  if (request.method !== 'POST') return key;
  return digestFits(request.header('content-digest')!, await request.body()) ? key : invalid;
}

/** Seconds since the epoch in the parameters. `expires` may end the window early and never lengthens it. */
function fresh(params: Params, now: number, since: number): boolean {
  const [created, expires] = [params.get('created'), params.get('expires')];
  if (typeof created !== 'number' || typeof expires !== 'number') return false;
  const age = now - created * 1000;
  if (created < Math.floor(since / 1000)) return false;
  return age >= -SKEW && age < WINDOW && expires > created && now < expires * 1000;
}

/** Bodies of other methods than POST are never read, so that nothing needs to vouch for them. */
function covers(covered: ReadonlySet<unknown>, request: Message, more: readonly string[]): boolean {
  const where =
    covered.has('@target-uri') || ['@authority', '@path', '@query'].every((component) => covered.has(component));
  const body = request.method !== 'POST' || covered.has('content-digest');
  const sent = [...COVERED, ...more].every((name) => request.header(name) === undefined || covered.has(name));
  return covered.has('@method') && where && body && sent;
}
