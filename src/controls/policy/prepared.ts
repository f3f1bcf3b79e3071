/** Policies that Cedar has parsed and keeps. The one place that asks it for a decision. */
import {
  type AuthorizationAnswer,
  type CedarValueJson,
  type Entities,
  type PolicyJson,
  preparsePolicySet,
  preparseSchema,
  type Schema,
  statefulIsAuthorized,
} from '@cedar-policy/cedar-wasm/nodejs';
import type { Uid } from './types.ts';

/**
 * Cedar keeps what it parsed under global names, for ever. There are this many names (about 2 kB each): sets beyond
 * share them, and one that finds its name taken, by a newer snapshot or an older one, is parsed again (0.3 ms).
 */
export const NAMES = 8192;
const holders: number[] = [];
let made = 0;

export interface Request {
  readonly principal: Uid;
  readonly action: Uid;
  readonly resource: Uid;
  readonly context: Record<string, CedarValueJson>;
  readonly entities: Entities;
}

export interface Decision {
  readonly allow: boolean;
  /** Ids of the policies that decided. */
  readonly reasons: readonly string[];
  /** Why there was no clean decision; then `allow` is false. Holds ids only, nothing of the request. */
  readonly error?: string;
}

export class Prepared {
  readonly #policies: Record<string, string | PolicyJson>;
  readonly #schema: Schema;
  readonly #serial = made++;

  /** `policies`: id -> text or JSON; ids of a record are the only ones that Cedar reports. */
  constructor(policies: Record<string, string | PolicyJson>, schema: Schema) {
    this.#policies = policies;
    this.#schema = schema;
  }

  /** Anything but a clean allow is a denial: a skipped `forbid` shows only as an error beside `allow`. */
  ask(request: Request): Decision {
    const name = this.#hold();
    if (name === undefined) return failed('the policies could not be loaded');
    const answer = statefulIsAuthorized({
      ...request,
      preparsedPolicySetId: name,
      preparsedSchemaName: name,
      validateRequest: true,
    });
    return judge(answer);
  }

  #hold(): string | undefined {
    const slot = this.#serial % NAMES;
    const name = `doorward-${slot}`;
    if (holders[slot] === this.#serial) return name;
    holders[slot] = -1;
    const parsed = [
      preparsePolicySet(name, { staticPolicies: this.#policies }),
      preparseSchema(name, this.#schema),
    ].every((answer) => answer.type === 'success');
    if (!parsed) return undefined;
    holders[slot] = this.#serial;
    return name;
  }
}

/** Exported for tests: Cedar cannot be made to fail at will. */
export function judge(answer: AuthorizationAnswer): Decision {
  if (answer.type !== 'success') return failed('the request does not fit the policy schema');
  const { decision, diagnostics } = answer.response;
  if (diagnostics.errors.length > 0) {
    return failed(`could not be evaluated: ${diagnostics.errors.map((error) => error.policyId).join(' ')}`);
  }
  return { allow: decision === 'allow', reasons: [...diagnostics.reason].sort() };
}

export function failed(error: string): Decision {
  return { allow: false, reasons: [], error };
}
