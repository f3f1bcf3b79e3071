/** Where people decide about calls that wait. Terminal and console share it, so that each decision is judged and told alike. */
import { type Approval, type Approver, all, type Decided, decide } from '../controls/approval/book.ts';
import type { Log, Snapshot } from '../core/ports.ts';
import type { Clock, Random, State } from '../core/state.ts';
import type { Json } from '../lib/json/types.ts';

export interface Desk {
  /** What waits, and what was decided and not used yet; the oldest first. */
  list(): Promise<readonly Approval[]>;
  find(id: string): Promise<Approval | undefined>;
  /** The rules in force: an approval asked under others is void. */
  rules(): string;
  /** `key` = the binding that was looked at. */
  decide(id: string, decision: Decision, who: Approver, key?: string): Promise<Decided>;
}
export type Decision = 'granted' | 'denied';

/** Somebody whom the owner lets approve in the console. */
export interface Person {
  readonly subject: string;
  readonly groups: readonly string[];
}

/** The console as the gateway needs it; `console/` is one. */
export interface Console {
  /** `http://127.0.0.1:8809` with the real port. */
  readonly url: string;
  /** A fresh one-time code that signs this person in; `until` in milliseconds since the epoch. */
  issue(person: Person): { readonly code: string; readonly until: number };
  close(): Promise<void>;
}
export interface ConsoleParts {
  readonly port: number;
  readonly desk: Desk;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
}
export type OpenConsole = (parts: ConsoleParts) => Promise<Console>;

/** Where the page of an approval lies below the console's URL. */
export function pageOf(url: string, id: string): string {
  return `${url}/approvals/${id}`;
}

export function openDesk(state: State, log: Log, snapshot: () => Snapshot): Desk {
  return {
    list: () => all(state),
    find: async (id) => (await all(state)).find((one) => one.id === id),
    rules: () => snapshot().id,
    async decide(id, decision, who, key) {
      const said = await decide(state, id, decision, who, snapshot().id, key);
      if (typeof said !== 'string') log.event('event.approval', told(said, decision, who));
      return said;
    },
  };
}

function told(made: Approval, decision: Decision, { by, via, subject: approver, groups }: Approver) {
  const { id, state, tenant, subject, agent, upstream, method, name, argsDigest, rulesId, call, agreed, count } = made;
  return {
    decision,
    approval: id,
    by,
    approver,
    groups: [...groups],
    via,
    ...(count > 1 && { agreed: agreed.map((vote) => ({ by: vote.by, via: vote.via })), count, now: state }),
    caller: { tenant, subject, agent: [...agent] },
    upstream,
    method,
    name,
    argsDigest,
    rules: rulesId,
    call,
  } satisfies Readonly<Record<string, Json>>;
}
