/** The operator's own Cedar: read, linted, and placed. What could silently widen or never apply is refused. */
import { type DetailedError, type PolicyJson, policyToJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { Pinned } from '../../core/call.ts';
import type { Action } from '../../core/ports.ts';
import { type RuleContext, RulesFault } from '../../core/rules.ts';
import { findInvisible } from '../../detect/invisible.ts';
import { closest } from '../../lib/text.ts';
import type { Policy } from './grants.ts';
import { parseInstant, UNTIL } from './handoffs/until.ts';
import { meeting } from './handoffs/where.ts';
import { anything, readsOf, under } from './reads.ts';
import { ENTITY, type Uid, uidOf } from './types.ts';

export interface OwnPolicy extends Policy {
  readonly text: string;
  /** `@until`, in milliseconds since the epoch. */
  readonly until?: number;
  /** Whether the scope can match a request about this thing; conditions are Cedar's to judge. */
  covers(thing: Pinned, action: Action): boolean;
  fault(error: DetailedError, fix?: string): RulesFault;
}

/** Throws RulesFault; the message leads with file:line:column. */
export function parseOwn(
  files: readonly { file: string; text: string }[],
  pinned: readonly Pinned[],
  shared: ReadonlySet<string>,
): OwnPolicy[] {
  return files.flatMap(({ file, text }) => {
    const [hidden] = findInvisible(text, 1);
    if (hidden) {
      const place = `${file}:${position(text, hidden.index)}`;
      throw new RulesFault([], `${place}: a character that cannot be seen (${hidden.kind})`, 'remove it');
    }
    return split(text).map(({ start, text: body }) => {
      const begin = start + skip(body);
      const fault = (message: string, fix: string, byte?: number): RulesFault => {
        const at = byte === undefined ? begin : start + unitsOf(body, byte);
        return new RulesFault([], `${file}:${position(text, at)}: ${message}`, fix);
      };
      const told = (error: DetailedError, fix?: string): RulesFault => {
        const [where] = error.sourceLocations ?? [];
        const message = error.message.replace(/^for policy `[^`]*`, /, '');
        const better = fix ?? error.help ?? (where?.label || undefined) ?? 'see docs/controls/policy.md';
        return fault(message, better, where?.start);
      };
      const parsed = policyToJson(body);
      if (parsed.type === 'failure') throw told(parsed.errors[0]!);
      const { json } = parsed;
      lint(json, pinned, fault);
      const until = untilOf(json, fault);
      refuseOpen(json, until, { pinned, shared }, fault);
      return {
        id: `${file}:${position(text, begin)}`,
        json,
        text: body,
        ask: json.annotations !== undefined && 'ask' in json.annotations,
        ...(until !== undefined && { until }),
        covers: (thing, action) => covers(json, thing) && (json.action.op === 'All' || named(json.action).has(action)),
        fault: told,
      };
    });
  });
}

type Fault = (message: string, fix: string) => RulesFault;
const BOTH = 'write `action in [Action::"list", Action::"call"]`';

function lint(policy: PolicyJson, pinned: readonly Pinned[], fault: Fault): void {
  const { action, resource, effect } = policy;
  const actions = action.op === 'All' ? undefined : named(action);
  const reads = readsOf([policy]);
  // Known in a call only.
  const readsCall = [under(reads.context, 'args'), under(reads.context, 'taint'), under(reads.resource, 'uri')].some(
    anything,
  );
  if (effect === 'permit') {
    if (!actions) throw fault('a permit for every action is a wildcard', BOTH);
    if (resource.op !== '==') {
      throw fault(
        'a permit for more than one thing is a wildcard',
        'name the one: `resource == Tool::"upstream.tool"`',
      );
    }
    // One decision for listings and calls: what is listed can be called, and the other way round (guarantee AZ3).
    if (!actions.has('list') || !actions.has('call')) {
      throw fault(
        'a permit is for listings and calls alike',
        `${BOTH}; put conditions on arguments behind \`action == Action::"list" || ...\``,
      );
    }
  } else {
    if (policy.annotations && 'ask' in policy.annotations) throw fault('@ask on a forbid', 'it belongs to a permit');
    if (actions && !actions.has('list') && !readsCall) {
      throw fault('this forbid would leave what it forbids in the listing', BOTH);
    }
  }
  if (resource.op === 'is' && !Object.values(ENTITY).includes(resource.entity_type)) {
    throw fault(`no resource is a ${resource.entity_type}`, `one of: ${Object.values(ENTITY).join(', ')}`);
  }
  const upstreams = new Set(pinned.map((thing) => thing.upstream));
  const things = new Set(pinned.map((thing) => key(uidOf(thing))));
  for (const uid of reads.entities) {
    const known = uid.type === 'Upstream' ? upstreams : Object.values(ENTITY).includes(uid.type) ? things : undefined;
    const name = uid.type === 'Upstream' ? uid.id : key(uid);
    if (!known || known.has(name)) continue;
    const near = closest(name, [...known]);
    throw fault(`${uid.type}::"${uid.id}" is not in doorward.lock`, near ? `did you mean ${near}?` : 'pin it first');
  }
}

function untilOf({ annotations, effect }: PolicyJson, fault: Fault): number | undefined {
  if (annotations === undefined || !('until' in annotations)) return undefined;
  if (effect !== 'permit') throw fault('@until on a forbid', 'it belongs to a permit');
  const ms = parseInstant(annotations['until'] ?? '');
  if (ms === undefined) throw fault('@until is not a day or a time in UTC', `${UNTIL}: @until("2027-03-31")`);
  return ms;
}

/** A permit that lets agents meet ends, and says who may (guarantee AZ9). */
function refuseOpen(
  policy: PolicyJson,
  until: number | undefined,
  { pinned, shared }: Required<Pick<RuleContext, 'pinned' | 'shared'>>,
  fault: Fault,
): void {
  if (policy.effect !== 'permit') return;
  // A permit names one thing.
  const thing = pinned.find((one) => covers(policy, one));
  const how = thing && meeting(thing, shared);
  if (how === undefined) return;
  const name = uidOf(thing!).id;
  if (until === undefined)
    throw fault(`\`${name}\` ${how}: a permit for it must end`, `${UNTIL}: @until("2027-03-31")`);
  const { who, principal } = readsOf([policy]);
  if (!who && !WHO.some((member) => principal.members.has(member)))
    throw fault(`\`${name}\` ${how}: a permit for it names who may reach it`, 'read principal.agent');
}
const WHO = ['agent', 'agents', 'subject'];

function key(uid: Uid): string {
  return `${uid.type}::"${uid.id}"`;
}

function named(action: PolicyJson['action']): Set<string> {
  const all = 'entities' in action ? action.entities : 'entity' in action ? [action.entity] : [];
  return new Set(all.map((entity) => (entity as Uid).id));
}

function covers({ resource }: PolicyJson, thing: Pinned): boolean {
  const is = (entity: unknown) => {
    const { type, id } = entity as Uid;
    return type === 'Upstream' ? id === thing.upstream : key({ type, id }) === key(uidOf(thing));
  };
  if (resource.op === 'All') return true;
  if (resource.op === 'is' && resource.entity_type !== ENTITY[thing.kind]) return false;
  const place = resource.op === 'is' ? resource.in : resource;
  return place === undefined || ('entity' in place && is(place.entity));
}

/** Cuts a file after each `;` outside strings and comments: Cedar's own split tells no offsets and no order. */
function split(text: string): { start: number; text: string }[] {
  const parts: { start: number; text: string }[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '"') i = endOfString(text, i);
    else if (text.startsWith('//', i)) i = endOfLine(text, i);
    else if (text[i] === ';') {
      parts.push({ start, text: text.slice(start, i + 1) });
      start = i + 1;
    }
  }
  const rest = text.slice(start);
  return skip(rest) < rest.length ? [...parts, { start, text: rest }] : parts;
}

function endOfString(text: string, open: number): number {
  for (let i = open + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i;
  }
  return text.length;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

/** Where white space and comments at the start of `text` end. */
function skip(text: string): number {
  let i = 0;
  while (i < text.length) {
    if (text[i]!.trim() === '') i++;
    else if (text.startsWith('//', i)) i = endOfLine(text, i);
    else break;
  }
  return i;
}

/** Cedar counts bytes of UTF-8; JavaScript counts UTF-16 units. */
function unitsOf(text: string, bytes: number): number {
  return Buffer.from(text).toString('utf8', 0, bytes).length;
}

/** `line:column`, from 1. */
function position(text: string, at: number): string {
  const before = text.slice(0, at).split('\n');
  return `${before.length}:${before.at(-1)!.length + 1}`;
}
