import type { Json, JsonObject } from '../lib/json/types.ts';
import type { Attempt, CallView, Granted, Message, Taint } from './call.ts';
import type { Code } from './codes/index.ts';
import type { ControlId } from './order.ts';
import type { Breathe } from './slices.ts';
import type { State } from './state.ts';

/** What a control on the way in may change. */
export interface Inputs {
  readonly args: Json;
  readonly answers?: Readonly<JsonObject>;
}

/** A question for a person; only `approval` asks it. */
export interface Question {
  /** Short id of the pending approval: the caller is told it, a person decides by it. */
  readonly id: string;
  /** What demanded a person. */
  readonly codes: readonly Code[];
  /** Whether an answer of the asking client counts, as a claim. */
  readonly client?: boolean;
}

export type Verdict<T> =
  /** `ask`: a person is needed, `approval` answers. `released`: a person let this kept message pass, once. */
  | {
      readonly kind: 'pass';
      readonly taint?: Taint;
      readonly ask?: Code;
      readonly granted?: Granted;
      readonly released?: string;
    }
  | {
      readonly kind: 'edit';
      readonly value: T;
      readonly code: Code;
      readonly what?: string;
      readonly taint?: Taint;
      readonly ask?: Code;
    }
  | { readonly kind: 'ask'; readonly question: Question }
  | {
      readonly kind: 'stop';
      readonly code: Code;
      readonly detail?: string;
      readonly keep?: true;
      /** `data` of the error: of our own words only. */
      readonly data?: JsonObject;
    };

export const PASS: Verdict<never> = Object.freeze({ kind: 'pass' });

export function stop(code: Code, detail?: string): Verdict<never> {
  return detail === undefined ? { kind: 'stop', code } : { kind: 'stop', code, detail };
}

export function edit<T>(value: T, code: Code, what?: string): Verdict<T> {
  return what === undefined ? { kind: 'edit', value, code } : { kind: 'edit', value, code, what };
}

/** How a call ended. Times in milliseconds, sizes in bytes of the final message. */
export interface Outcome {
  readonly kind: 'reply' | 'error' | 'stop' | 'ask' | 'cancel' | 'timeout';
  readonly code?: Code;
  /** Whether the handler was called; true also when its answer never came. */
  readonly sent: boolean;
  readonly upstream?: { readonly ms: number; readonly failed: boolean; readonly status?: number };
  readonly bytes: number;
  readonly ms: number;
  readonly taint: readonly Taint[];
  /** Operator's detail: goes to the log, never to the caller. */
  readonly detail?: string;
}

/**
 * One control. Deterministic over its inputs: its only outside world is `state` and the ports in its rules.
 * It returns a verdict and never calls the next control, so it cannot skip one, call twice or avoid the log.
 * It never imports another control. Synchronous where it can be: only promises are awaited.
 */
export interface Control<Rules> {
  readonly id: ControlId;
  attempt?(attempt: Attempt, rules: Rules, state: State): Code | undefined;
  decide?(call: CallView, rules: Rules, state: State): Verdict<Inputs> | Promise<Verdict<Inputs>>;
  /** With `breathe`, a large message is looked at in slices; the verdict is the same. */
  inspect?(
    call: CallView,
    message: Message,
    rules: Rules,
    state: State,
    breathe?: Breathe,
  ): Verdict<Message> | Promise<Verdict<Message>>;
  /** Once per control that was entered, in reverse order, whatever happened. A throw is logged and changes nothing. */
  settle?(call: CallView, outcome: Outcome, rules: Rules, state: State): void | Promise<void>;
}
