/**
 * What a request proves beside the credential that says who speaks: a signature over all of it (guarantee ID8), and the
 * client certificate of its connection (TR2). Around the chooser, since either can come with any credential.
 */
import type { Caller } from '../core/call.ts';
import { type Evidence, type Identified, isCaller } from '../core/gate.ts';
import type { Clock } from '../core/state.ts';
import type { Ask } from './chooser.ts';
import type { Once } from './once.ts';
import type { Place, Where } from './origin.ts';
import { type SignatureRules, type SignedRequest, signer } from './signatures/verify.ts';

export interface Signing extends SignatureRules {
  readonly required: boolean;
}

/** `signing` answers what is configured now. */
export function withSignature(
  ask: Ask,
  signing: () => Signing | undefined,
  where: Where,
  once: Once,
  clock: Clock,
): Ask {
  return (evidence) => {
    const rules = signing();
    if (!rules) return ask(evidence);
    const sent = evidence.header('signature-input') !== undefined || evidence.header('signature') !== undefined;
    if (!sent) return rules.required ? 'identity.signed' : ask(evidence);
    return signed(evidence, rules);
  };

  async function signed(evidence: Evidence, rules: Signing): Promise<Identified> {
    const place = where();
    if (!place) return 'identity.unavailable';
    const key = await signer(requestOf(evidence, place), rules, once, clock());
    if (typeof key === 'string') return key;
    if (key === undefined) return rules.required ? 'identity.signed' : ask(evidence);
    const said = await ask(evidence);
    if (isCaller(said)) {
      // Whoever has another's token can sign with a key of their own.
      const same = said.subject === key.caller.subject && said.tenant === key.caller.tenant;
      return same ? { ...said, proofs: { ...said.proofs, signature: key.id } } : 'identity.signed';
    }
    const code = typeof said === 'string' ? said : said.code;
    // No other credential: the signature is one.
    return code === 'identity.missing' ? { ...key.caller, proofs: { signature: key.id } } : said;
  }
}

/** The client certificate is a fact of every caller on its connection. */
export function withCertificate(ask: Ask): Ask {
  // The same object for the same caller on the same certificate: others remember things of it.
  const made = new WeakMap<Caller, Caller>();
  const add = (said: Identified, certificate: string): Identified => {
    if (!isCaller(said)) return said;
    const before = made.get(said);
    if (before?.proofs?.certificate === certificate) return before;
    const caller = Object.freeze({ ...said, proofs: Object.freeze({ ...said.proofs, certificate }) });
    made.set(said, caller);
    return caller;
  };
  return (evidence) => {
    const said = ask(evidence);
    const print = evidence.peer.tls?.fingerprint;
    if (print === undefined) return said;
    return said instanceof Promise ? said.then((one) => add(one, print)) : add(said, print);
  };
}

function requestOf(evidence: Evidence, { scheme, authority }: Place): SignedRequest {
  const { request, header, body } = evidence;
  return {
    scheme,
    authority,
    method: request?.method ?? '',
    target: request?.target ?? '',
    header,
    body: async () => (body ? body.call(evidence) : new Uint8Array()),
  };
}
