/** The outside world as the core sees it. Everything here is injected, so that tests are exact. */
import type { Json } from '../lib/json/types.ts';
import type { Asks } from './asks.ts';
import type {
  Attempt,
  Call,
  Caller,
  CallView,
  Extension,
  Family,
  Handler,
  Message,
  Pinned,
  Taint,
  Target,
} from './call.ts';
import type { Code } from './codes/index.ts';
import type { ControlId } from './order.ts';
import type { Rounds } from './rounds.ts';
import type { Clock, Maybe, State } from './state.ts';
import type { Control, Outcome, Verdict } from './verdict.ts';

export interface Step {
  readonly id: ControlId;
  readonly way: 'in' | 'out';
  readonly verdict: Verdict<unknown>;
}
export type Trail = Step[];

/** The audit log. A rejection (or throw) means: not written; the pipeline then refuses the call. */
export interface Log {
  /** Resolves when the entry is durable. Called before the handler of a call that leaves the house. */
  intent(call: Call, trail: Trail): Maybe<void>;
  /** The end of a call. After an intent it may only be queued; without one it is the call's only entry. */
  outcome(call: Call, trail: Trail, outcome: Outcome): Maybe<void>;
  attempt(attempt: Attempt): void;
  /** Something that happened to the gateway itself: start, reload, drift, cut tail. `data` must hold no secret. */
  event(code: Code, data: Readonly<Record<string, Json>>): void;
}

/** Keeps a stopped message sealed for a person (quarantine). */
export interface Quarantine {
  keep(call: CallView, message: Json, code: Code): Maybe<void>;
  /** The id of such a message that a person released for this caller: it may pass once, and is spent by this answer. */
  released(call: CallView, message: Json): Maybe<string | undefined>;
}

export type Action = 'list' | 'call';
/** One compiled decision for listings and calls. */
export type May = (
  action: Action,
  caller: Caller,
  thing: Target,
  facts: { args?: Json; at: number; upstream: string; taint?: readonly Taint[] },
) => MayAnswer;
export interface MayAnswer {
  readonly allow: boolean;
  readonly ask: boolean;
  /** Ids of the policies that decided (`policy[1].allow`). */
  readonly reasons: readonly string[];
  /** For the log; set when evaluation failed (then `allow` is false). */
  readonly error?: string;
  /** Denied for want of a better proof of who speaks, or of a grant that has not ended, and of nothing else. `detail` holds nothing of the request. */
  readonly short?: { readonly code: 'policy.strength' | 'policy.proof' | 'policy.expired'; readonly detail: string };
  /** Of a chain of agents: the reasons for each link. */
  readonly links?: readonly (readonly string[])[];
}

export type Found =
  | { readonly kind: 'pinned'; readonly target: Pinned & { readonly uri?: string } }
  | { readonly kind: 'unknown' }
  /** Known but waiting for review: invisible, so it answers as unknown; the code goes to the log. */
  | { readonly kind: 'held' };

/** The reviewed inventory as the gateway asks it. `upstream` may name a bundle; what is found has its own upstream. */
export interface Shelf {
  find(upstream: string, family: Family, method: string, name: string): Found;
  /** Pinned and not held, in lockfile order. */
  list(upstream: string, kind: Pinned['kind']): readonly Pinned[];
  /** The reviewed instructions of the upstream's server; undefined when it has none. */
  instructions(upstream: string): string | undefined;
}

/** One immutable set of rules. A reload makes a new one; a running call keeps its own. */
export interface Snapshot {
  /** Digest over configuration, lockfile and policy. */
  readonly id: string;
  readonly shelf: Shelf;
  readonly may: May;
  /** Route name (one path segment) -> name of the upstream or bundle that the shelf knows. */
  readonly routes: ReadonlyMap<string, string>;
  /** Upstream -> the extensions that the operator lets through. */
  readonly extensions?: ReadonlyMap<string, readonly Extension[]>;
  /** `resumed`: a call that brings answers passes every control, whatever its family. */
  in(family: Family, resumed?: boolean): readonly Control<unknown>[];
  out(family: Family, message: Message): readonly Control<unknown>[];
  of(id: ControlId): unknown;
  /** Asks the pinned schema again after an edit of the arguments: a code is a misfit. */
  refit(call: CallView): Code | undefined;
  /**
   * Around the far end of a call: where it reaches another agent, or what agents share, what its caller has read goes with
   * it and what is there comes back (guarantee AZ9); sealed arguments are opened (TR10). Undefined for all other calls;
   * absent where nothing of the kind is configured. `found`: the taint of this call so
   * far, to which what comes back is added.
   */
  readonly around?: (call: Call, far: Handler, found: Taint[], state: State) => Handler | undefined;
}

export interface World {
  readonly state: State;
  readonly log: Log;
  readonly clock: Clock;
  readonly quarantine?: Quarantine;
  readonly asking?: Asks;
  /** Without it nobody can be asked anything. */
  readonly rounds?: Rounds;
  /** Turns for long work (`Breathe`, for the call of the signal). Without it all work is done in one go. */
  breathe?(signal: AbortSignal): Promise<void> | undefined;
}

export type Handlers = (call: Call) => Handler;
