/** What the log says: the shape of its entries, and how calls, attempts and events become members of one. */
import { argsDigest } from '../core/args-digest.ts';
import type { Attempt, Call, Caller, Peer, Target } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import { looksSealed } from '../core/fields.ts';
import type { Step, Trail } from '../core/ports.ts';
import type { Inputs, Outcome } from '../core/verdict.ts';
import { sha256Hex } from '../lib/bytes.ts';
import { Generations } from '../lib/generations.ts';
import { digest } from '../lib/json/canonical.ts';
import { quote } from '../lib/json/quote.ts';
import { replaced } from '../lib/json/replace.ts';
import type { Json } from '../lib/json/types.ts';
import { segments } from '../lib/schema/index.ts';
import { cutUtf8 } from '../lib/text.ts';
import type { Front } from './chain.ts';
import { left, MASK, mask, type Redact, TELLING } from './mask.ts';

/** An entry as a reader finds it. What is present depends on the kind. */
export interface Entry extends Front {
  /** Reference of the call or attempt; an intent and its outcome share it. */
  readonly call?: string;
  readonly parent?: string;
  readonly trace?: string;
  readonly tenant?: string;
  readonly who?: {
    readonly subject: string;
    readonly agent: readonly string[];
    readonly groups: readonly string[];
    readonly how: Caller['how'];
    readonly issuer: string;
    readonly credential: string;
  };
  readonly peer?: { readonly listener: Peer['listener']; readonly address: string; readonly cert?: string };
  /** Sixteen hex digits that tell lanes (and with them sessions) apart. */
  readonly lane?: string;
  readonly era?: string;
  readonly route?: string;
  readonly upstream?: string;
  readonly method?: string;
  readonly target?: {
    readonly kind: Target['kind'];
    readonly name: string;
    readonly digest?: string;
    readonly uri?: string;
  };
  /** A call that reaches another agent: who hands to whom. */
  readonly handoff?: { readonly from: string; readonly to: string };
  /** SHA-256 of each argument that came sealed, in hex; no screen or redaction saw what is inside. */
  readonly sealed?: readonly string[];
  /** Redacted; when it was over the cap, `argsCut` stands in its place. */
  readonly args?: Json;
  readonly argsCut?: true;
  /** Over the exact arguments that go to the upstream, before redaction for the log. */
  readonly argsDigest?: string;
  /** Redacted answers of a person that this call brings. */
  readonly answers?: Json;
  readonly answersCut?: true;
  readonly rules?: string;
  readonly trail?: readonly TrailStep[];
  readonly outcome?: Omit<Outcome, 'code'> & { readonly code?: Code };
  readonly stage?: Attempt['stage'];
  readonly code?: Code;
  readonly name?: string;
  readonly data?: Json;
  readonly dataCut?: true;
  readonly note?: string;
  /** Strangers: address prefix or subject, minute they came in, and how many. */
  readonly prefix?: string;
  readonly subject?: string;
  readonly minute?: string;
  readonly count?: number;
}

export interface TrailStep {
  readonly id: Step['id'];
  readonly way: Step['way'];
  readonly kind: Step['verdict']['kind'];
  readonly code?: Code;
  readonly what?: string;
  readonly detail?: string;
  readonly ask?: Code;
  readonly taint?: string;
  /** The approval that was asked for, or spent. */
  readonly approval?: string;
  /** How the approval that was spent was decided; `client-asserted` is a claim of the client. */
  readonly via?: string;
  /** The kept message that a person let pass. */
  readonly released?: string;
  /** Digest of the arguments after this edit. */
  readonly after?: string;
}

export interface EntryRules {
  readonly redact: Redact;
  /** False proves that `redact` would change no text of this JSON. Default: nothing is proven. */
  readonly mayHold?: (json: Uint8Array) => boolean;
  /** Arguments, answers and data longer than this many UTF-16 units of JSON are left out. */
  readonly showCap: number;
}

/** Operator's details are ours, but may quote an upstream or the file system. */
const DETAIL_BYTES = 1024;
const LANES = 2000;

/** The members of an entry beside its front, as JSON text. */
export function entries({ redact, showCap, mayHold = () => true }: EntryRules) {
  // Callers, peers and pinned targets are frozen and live across calls.
  const whos = new WeakMap<Caller, string>();
  const targets = new WeakMap<Target, string>();
  const lanes = new Generations<string>(LANES);

  const text = (value: string): string => quote(redact(cutUtf8(value, DETAIL_BYTES)).text);
  const optional = (name: string, value: string | undefined): string =>
    value === undefined ? '' : `,"${name}":${text(value)}`;

  function who(caller: Caller): string {
    let said = whos.get(caller);
    if (said === undefined) {
      const { subject, agent, groups, how, issuer, credential, proofs } = caller;
      said = `"tenant":${quote(caller.tenant)},"who":${JSON.stringify({ subject, agent, groups, how, issuer, credential, signed: proofs?.signature })}`;
      whos.set(caller, said);
    }
    return said;
  }

  function peer({ listener, address, tls }: Peer): string {
    const cert = tls?.fingerprint === undefined ? '' : `,"cert":${quote(tls.fingerprint)}`;
    return `"peer":{"listener":"${listener}","address":${quote(address)}${cert}}`;
  }

  function target(of: Target): string {
    if (of.kind === 'route') return `{"kind":"route","name":${quote(of.name)}}`;
    if (of.uri !== undefined) return `{${pinned(of)},"uri":${text(of.uri)}}`;
    let said = targets.get(of);
    if (said === undefined) targets.set(of, (said = `{${pinned(of)}}`));
    return said;
  }

  function lane(of: string): string {
    let said = lanes.get(of);
    if (said === undefined) lanes.set(of, (said = sha256Hex(of).slice(0, 16)));
    return said;
  }

  /** A member that came from outside. What is too long is not even looked at: refused arguments may be megabytes. */
  function shown(name: 'args' | 'answers' | 'data', value: Json): string {
    if (left(value, showCap) < 0) return `"${name}Cut":true`;
    let json = JSON.stringify(value);
    // Mostly there is nothing to hide, and one look at the whole proves it.
    if (TELLING.test(json) || mayHold(Buffer.from(json))) json = JSON.stringify(mask(value, redact));
    return json.length > showCap ? `"${name}Cut":true` : `"${name}":${json}`;
  }

  function args({ args, target }: Call): string {
    const places = target.kind === 'route' ? undefined : target.seal?.arguments;
    if (places === undefined) return shown('args', args);
    const digests: string[] = [];
    const told = shown('args', masked(args, places, digests));
    return `"sealed":${JSON.stringify(digests)},${told}`;
  }

  function trail(steps: Trail, from: number): string {
    let out = '"trail":[';
    for (let i = from; i < steps.length; i++) out += i > from ? `,${step(steps[i]!)}` : step(steps[i]!);
    return `${out}]`;
  }

  function step({ id, way, verdict }: Step): string {
    const front = `{"id":"${id}","way":"${way}","kind":"${verdict.kind}"`;
    switch (verdict.kind) {
      case 'pass': {
        const ask = verdict.ask === undefined ? '' : `,"ask":"${verdict.ask}"`;
        const granted = verdict.granted
          ? `${optional('approval', verdict.granted.id)},"via":${quote(verdict.granted.via)}`
          : optional('released', verdict.released);
        return verdict.taint === undefined
          ? `${front}${ask}${granted}}`
          : `${front}${ask},"taint":"${verdict.taint}"${granted}}`;
      }
      case 'edit': {
        const inputs = way === 'in' ? (verdict.value as Inputs) : undefined;
        const taint = verdict.taint === undefined ? '' : `,"taint":"${verdict.taint}"`;
        const now = inputs ? `,"after":"${digest(inputs.args)}"` : '';
        return `${front},"code":"${verdict.code}"${optional('what', verdict.what)}${taint}${now}}`;
      }
      case 'stop':
        return `${front},"code":"${verdict.code}"${optional('detail', verdict.detail)}}`;
      case 'ask':
        return `${front},"code":"approval.needed"${optional('approval', verdict.question.id)}}`;
    }
  }

  function outcome(end: Outcome): string {
    const { kind, code, sent, bytes, ms, upstream, taint, detail } = end;
    const ended = code === undefined ? '' : `,"code":"${code}"`;
    const there = upstream === undefined ? '' : `,"upstream":${JSON.stringify(upstream)}`;
    const tainted = taint.length > 0 ? `,"taint":${JSON.stringify(taint)}` : '';
    const rest = `${there}${tainted}${optional('detail', detail)}`;
    return `"outcome":{"kind":"${kind}"${ended},"sent":${sent},"bytes":${bytes},"ms":${ms}${rest}}`;
  }

  function subject(call: Call): string {
    const parent = call.parent === undefined ? '' : `,"parent":${quote(call.parent)}`;
    const trace = call.trace.traceparent === undefined ? '' : `,"trace":${text(call.trace.traceparent)}`;
    const answers = call.resume ? `,${shown('answers', call.resume.answers)}` : '';
    return (
      `"call":${quote(call.id)}${parent}${trace},${who(call.caller)},${peer(call.peer)},"lane":"${lane(call.lane)}",` +
      `"era":"${call.era}","route":${quote(call.route)},"upstream":${quote(call.upstream)},"method":${quote(call.method)},` +
      `"target":${target(call.target)},${handoff(call)}${args(call)},"argsDigest":"${argsDigest(call)}"${answers},"rules":${quote(call.rulesId)}`
    );
  }

  return {
    intent: (call: Call, steps: Trail): string => `${subject(call)},${trail(steps, 0)}`,
    /** `from` = how many steps the intent told already. */
    outcome: (call: Call, steps: Trail, from: number, end: Outcome): string =>
      `"call":${quote(call.id)},${trail(steps, from)},${outcome(end)}`,
    call: (call: Call, steps: Trail, end: Outcome): string => `${subject(call)},${trail(steps, 0)},${outcome(end)}`,
    attempt(a: Attempt): string {
      const caller = a.caller ? `,${who(a.caller)}` : '';
      const rest = `${optional('route', a.route)}${optional('name', a.name)}`;
      return `"call":${quote(a.id)}${caller},${peer(a.peer)},"stage":"${a.stage}","code":"${a.code}"${rest}`;
    },
    event: (code: Code, data: Readonly<Record<string, Json>>): string => `"code":"${code}",${shown('data', data)}`,
  };
}

export type Entries = ReturnType<typeof entries>;

/** As many as a call may bring; one that brings more is refused, and the log does not tell each of them. */
const SEALED = 256;

/** Arguments without what is sealed, nor what could stand there in plain; the digest of each sealed value goes to `digests`. */
function masked(args: Json, pointers: readonly string[], digests: string[]): Json {
  const places = pointers.map((place) => segments(place)!);
  return replaced(args, places, (value) => {
    if (digests.length < SEALED && looksSealed(value)) digests.push(sha256Hex(value));
    return MASK;
  });
}

function handoff({ caller: { subject, agent }, target }: Call): string {
  const to = target.kind === 'route' ? undefined : target.facts.agent;
  return to === undefined ? '' : `"handoff":${JSON.stringify({ from: agent[0] ?? subject, to })},`;
}

function pinned(of: Exclude<Target, { kind: 'route' }>): string {
  return `"kind":"${of.kind}","name":${quote(of.name)},"digest":${quote(of.digest)}`;
}
