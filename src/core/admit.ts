/**
 * The only place where a Call is made. It needs three things: who speaks (identity), what was said (frame), and
 * which reviewed thing it names (inventory). What lacks one of them is an Attempt (house rule 2).
 */
import type { Json, JsonObject } from '../lib/json/types.ts';
import { escapeText } from '../lib/text.ts';
import type {
  Attempt,
  Brought,
  Call,
  Caller,
  Claimed,
  Era,
  Extension,
  Family,
  Peer,
  Resume,
  Stage,
  Target,
  TaskRef,
  Trace,
} from './call.ts';
import type { Code } from './codes/index.ts';
import { declares, isApp } from './extensions.ts';
import type { Found, Snapshot } from './ports.ts';

/** One request as a codec understood it, already in the inner dialect. */
export interface Said {
  readonly era: Era;
  readonly method: string;
  readonly family: Family;
  /** Tool or prompt name, resource URI; empty for listings. */
  readonly name: string;
  readonly args: Json;
  readonly claimed: Claimed;
  readonly trace: Trace;
  readonly resume?: Resume;
  readonly approval?: Brought;
  /** Of a call about a task: what its handle said; absent when that says nothing to this caller. */
  readonly task?: TaskRef & { readonly upstream: string; readonly tool: string };
  /** The client was sent to a page of ours before. */
  readonly sent?: true;
  /** Lowest level of log messages that the client wants; absent = none. */
  readonly logLevel?: string;
  /** Legacy session (digest of its id) or '-': part of the lane. */
  readonly session: string;
  /** Handle of the task that it belongs to, as the client sent it; behind the gate the id inside. */
  readonly flow?: string;
}

export interface Entry {
  readonly id: string;
  readonly at: number;
  readonly peer: Peer;
  readonly caller: Caller;
  /** First path segment, or the name given to `run --stdio`. */
  readonly route: string;
  readonly said: Said;
}

/** Longest name that an Attempt keeps, in bytes. */
const NAME_BYTES = 128;

export function attempt(
  entry: { id: string; at: number; peer: Peer; caller?: Caller; route?: string },
  stage: Stage,
  code: Code,
  name?: string,
): Attempt {
  return Object.freeze({
    id: entry.id,
    at: entry.at,
    peer: entry.peer,
    stage,
    code,
    ...(entry.caller && { caller: entry.caller }),
    ...(entry.route !== undefined && { route: escapeText(entry.route, NAME_BYTES) }),
    ...(name !== undefined && { name: escapeText(name, NAME_BYTES) }),
  });
}

/** A Call, or the Attempt that it stays. Needs nothing but the snapshot: `explain` and replay use the same function. */
export function admit(entry: Entry, snap: Snapshot): Call | Attempt {
  const { said, caller } = entry;
  let upstream = snap.routes.get(entry.route);
  if (upstream === undefined) return attempt(entry, 'inventory', 'door.route');
  let target: Target = { kind: 'route', name: entry.route };
  if (said.name !== '') {
    const found =
      said.family === 'task'
        ? begun(said, upstream, snap)
        : snap.shelf.find(upstream, said.family, said.method, said.name);
    if (found.kind !== 'pinned') {
      return attempt(entry, 'inventory', found.kind === 'held' ? 'inventory.held' : 'inventory.unknown', said.name);
    }
    // Denied by `list` is byte-identical to unknown: the decision lies here, before a Call exists.
    const seen = snap.may('list', caller, found.target, { at: entry.at, upstream });
    if (!seen.allow) return attempt(entry, 'inventory', 'inventory.hidden', said.name);
    target = said.task ? { ...found.target, task: said.task } : found.target;
    // Behind the path of a bundle lie several.
    upstream = found.target.upstream;
  }
  const extensions = usable(said, upstream, target, snap);
  if (isApp(target) && !extensions?.includes('apps'))
    return attempt(entry, 'inventory', 'inventory.unknown', said.name);
  return Object.freeze({
    id: entry.id,
    at: entry.at,
    trace: said.trace,
    tenant: caller.tenant,
    peer: entry.peer,
    caller,
    claimed: said.claimed,
    era: said.era,
    route: entry.route,
    upstream,
    method: said.method,
    family: said.family,
    target,
    args: said.args,
    ...(said.resume && { resume: said.resume }),
    ...(said.approval && { approval: said.approval }),
    ...(said.sent && { sent: said.sent }),
    ...(said.logLevel !== undefined && { logLevel: said.logLevel }),
    ...(extensions && { extensions }),
    asked: NOTHING,
    ...(said.flow !== undefined && { flow: said.flow }),
    lane: lane(upstream, caller, said.session, target, entry.id),
    taint: NOTHING,
    rulesId: snap.id,
  } satisfies Call);
}

/** The tool that began a task. A handle that says nothing is like a name that nobody knows. */
function begun({ task }: Said, route: string, snap: Snapshot): Found {
  if (!task || !snap.extensions?.get(task.upstream)?.includes('tasks')) return UNKNOWN;
  const found = snap.shelf.find(route, 'call', 'tools/call', task.tool);
  return found.kind === 'pinned' && found.target.upstream !== task.upstream ? UNKNOWN : found;
}
const UNKNOWN: Found = Object.freeze({ kind: 'unknown' });

/** Extensions that operator and client let be used. A tool that has a process for each call cannot leave a task behind. */
function usable({ claimed }: Said, upstream: string, target: Target, snap: Snapshot): readonly Extension[] | undefined {
  const allowed = snap.extensions?.get(upstream);
  if (!allowed) return undefined;
  const both = allowed.filter(
    (one) =>
      declares(claimed.capabilities, one) && (one !== 'tasks' || (target.kind === 'tool' && !target.facts.executes)),
  );
  return both.length > 0 ? both : undefined;
}

const NOTHING: readonly never[] = Object.freeze([]);

/** Lane = (upstream, tenant, subject, agent, legacy session or '-', call id for tools that execute code, issuer). */
function lane(upstream: string, caller: Caller, session: string, target: Target, id: string): string {
  const own = target.kind === 'tool' && target.facts.executes ? id : '-';
  return JSON.stringify([upstream, caller.tenant, caller.subject, caller.agent, session, own, caller.issuer]);
}

let parted = { key: '', session: '' };

/** The legacy session that a call came by; '-' = none. */
export function sessionOf({ lane: key }: Pick<Call, 'lane'>): string {
  // Several ask about one call, one behind the other.
  if (parted.key !== key) parted = { key, session: (JSON.parse(key) as string[])[4]! };
  return parted.session;
}

export function isCall(made: Call | Attempt): made is Call {
  return 'family' in made;
}

/** The same call with other inputs: the only change that a control can make. */
export function refit(call: Call, args: Json, answers?: Readonly<JsonObject>): Call {
  const resume = answers && call.resume ? { resume: { ...call.resume, answers } } : {};
  return Object.freeze({ ...call, args, ...resume });
}
