/**
 * Where agents meet (guarantee AZ9): one calls another as a tool, or writes where another reads. What the one has read
 * goes along, and what is there comes back, as flows of their own beside those of `../flows.ts`: what was handed to an agent,
 * what an agent carries, and what lies in a shared upstream, each of one tenant.
 */
import type { Caller, Pinned, Target } from '../../../core/call.ts';

export interface Handoffs {
  /** Ids of agents that are tools of others. */
  readonly agents: ReadonlySet<string>;
  /** Upstreams that agents share. */
  readonly shared: ReadonlySet<string>;
}

/** Undefined where agents do not meet: then nothing is looked up. */
export function compileHandoffs(pinned: readonly Pinned[], shared: ReadonlySet<string>): Handoffs | undefined {
  const agents = new Set(pinned.flatMap(({ facts }) => (facts.agent === undefined ? [] : [facts.agent])));
  return agents.size + shared.size === 0 ? undefined : { agents, shared };
}

/** Whether a call of this thing leaves something where other agents read it. */
const leaves = ({ facts: { writes, destructive, executes } }: Pick<Pinned, 'facts'>): boolean =>
  writes || destructive || executes;

/** How agents meet at this thing, for a fault; undefined: they do not. */
export function meeting(thing: Pick<Pinned, 'upstream' | 'facts'>, shared: ReadonlySet<string>): string | undefined {
  if (thing.facts.agent !== undefined) return 'is another agent';
  return shared.has(thing.upstream) && leaves(thing) ? 'writes where other agents read' : undefined;
}

/** `to`: handed to an agent. `of`: what it carries. `in`: what lies in an upstream. */
const flow = (kind: 'to' | 'of' | 'in', tenant: string, name: string) => `${kind} ${JSON.stringify([tenant, name])}`;

/** Whichever link of a chain it is: who acts for an agent may know what it knows. */
function itself(kind: 'to' | 'of', { tenant, subject, agent }: Caller, { agents }: Handoffs): string[] {
  return [subject, ...agent].filter((id) => agents.has(id)).map((id) => flow(kind, tenant, id));
}

/** Flows whose marks count for what this caller does: what was handed to it. */
export const handedTo = (caller: Caller, handoffs: Handoffs): string[] => itself('to', caller, handoffs);
/** Flows that hear of what this caller reads: others get it from there. */
export const carriedBy = (caller: Caller, handoffs: Handoffs): string[] => itself('of', caller, handoffs);

/** Flows at the other end of a call: what it leaves its marks on, and whose marks come back. */
export function there(
  target: Target,
  tenant: string,
  { shared }: Handoffs,
): { left: string[]; back: string[] } | undefined {
  if (target.kind === 'route') return undefined;
  const { agent } = target.facts;
  const store = shared.has(target.upstream) ? [flow('in', tenant, target.upstream)] : [];
  if (agent === undefined) return store.length === 0 ? undefined : { left: leaves(target) ? store : [], back: store };
  const to = flow('to', tenant, agent);
  return { left: [to, ...(leaves(target) ? store : [])], back: [to, flow('of', tenant, agent), ...store] };
}
