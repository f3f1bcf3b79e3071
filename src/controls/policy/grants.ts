/** Grants of the configuration -> Cedar policies, in Cedar's JSON form, so that no text is ever put together. */
import type { ActionConstraint, Expr, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { z } from 'zod';
import type { Pinned } from '../../core/call.ts';
import type { Action } from '../../core/ports.ts';
import { RulesFault } from '../../core/rules.ts';
import { parseHours } from '../../lib/hours.ts';
import { closest } from '../../lib/text.ts';
import { type Bounds, bounds, compileBounds } from './bounds.ts';
import { instant, refuseLasting } from './handoffs/until.ts';
import { meeting } from './handoffs/where.ts';
import type { Names } from './names.ts';
import { type Demand, require as required } from './strength.ts';
import { argumentsOf, type Member, memberOf, type RecordType, uidOf } from './types.ts';

// Cedar throws on a lone surrogate.
const text = z
  .string()
  .min(1)
  .refine((value) => value.isWellFormed(), 'a lone surrogate is no text');
const scalar = z.union([text, z.int(), z.boolean()]);

const to = z.union([
  z.literal('local'),
  z
    .strictObject({
      subject: text.optional(),
      group: text.optional(),
      agent: text.optional(),
      tenant: text.optional(),
      via: z
        .enum(['local', 'key', 'jwt', 'introspection', 'mtls', 'svid', 'signature', 'proxy', 'host'])
        .optional()
        .describe('how the caller proved who they are'),
    })
    .refine((who) => Object.keys(who).length > 0, 'name at least one of subject, group, agent, tenant, via'),
]);

const argument = z.union([
  scalar,
  z
    .strictObject({ min: z.int().optional(), max: z.int().optional() })
    .refine((bounds) => Object.keys(bounds).length > 0, 'name min or max'),
  z.strictObject({ in: z.array(scalar).min(1) }),
]);

export const grant = z
  .strictObject({
    to: to.describe('`local` is the OS user who started Doorward; several facts must all hold'),
    allow: z.array(text).default([]).describe('upstream.tool, upstream.prompt:NAME, upstream.resource:URI'),
    ask: z.array(text).default([]).describe('like allow, but a person must agree to each call; wins over allow'),
    when: z
      .strictObject({
        hours: text.optional().describe('"Mon-Fri 07:00-19:00 Europe/Berlin"'),
        args: z
          .record(text, argument)
          .optional()
          .describe('argument -> value, caller.tenant, caller.subject, { min, max } or { in: [...] }; for calls only'),
        scopes: z.array(text).optional().describe('scopes that the caller must all have'),
      })
      .optional(),
    ...bounds,
    require: required.optional().describe('how well the caller must have proved who they are, for a call'),
    until: instant
      .optional()
      .describe('2027-03-31 or 2027-03-31T18:00Z: from then on the grant is good for no call; a must for other agents'),
  })
  .refine((row) => row.allow.length + row.ask.length > 0, 'a grant needs `allow` or `ask`');

export type Grant = z.infer<typeof grant>;
type Path = readonly (string | number)[];

/** One policy for one thing. Text (the operator's own) keeps its offsets; JSON is ours. */
export interface Policy {
  /** `policy[1].allow`, or `policies/team.cedar:12:1`. */
  readonly id: string;
  readonly json: PolicyJson;
  readonly text?: string;
  readonly ask: boolean;
}

export interface Granted {
  readonly thing: Pinned;
  readonly on: Readonly<Record<Action, Policy>>;
  readonly path: Path;
  readonly bounds: Bounds;
  readonly demand?: Demand | undefined;
}

/** Throws RulesFault for wildcards, names that are not pinned, duplicates, and arguments that cannot be compared so. */
export function compileGrants(grants: readonly Grant[], names: Names, shared: ReadonlySet<string>): Granted[] {
  const seen = new Map<string, string>();
  return grants.flatMap((row, i) =>
    (['allow', 'ask'] as const).flatMap((word) =>
      row[word].map((name, j) => {
        const path: Path = ['policy', i, word, j];
        const thing = names.resolve(name, path);
        const how = meeting(thing, shared);
        refuseLasting(row, name, how, path);
        const id = `policy[${i}].${word}`;
        const once = JSON.stringify([uidOf(thing), row.to, row.when ?? null, row.require ?? null]);
        const before = seen.get(once);
        if (before) throw new RulesFault(path, `\`${name}\` is granted twice`, `remove it here or from ${before}`);
        seen.set(once, `${id}[${j}]`);
        const ask = word === 'ask';
        const who = how === undefined ? toWhom(row.to) : [...toWhom(row.to), ...byName(row.to)];
        const both = [...who, ...conditions(row, ['policy', i, 'when'])];
        const args = argumentConditions(row.when?.args ?? {}, thing, ['policy', i, 'when', 'args']);
        return {
          thing,
          path,
          demand: row.until === undefined ? row.require : { ...row.require, until: row.until },
          bounds: compileBounds(
            row,
            ['policy', i],
            thing,
            (argument) => thing.kind !== 'template' && hasArgument(thing, argument),
          ),
          on: {
            list: { id, ask, json: permit('list', thing, both) },
            call: { id, ask, json: permit('call', thing, [...both, ...args]) },
          },
        };
      }),
    ),
  );
}

function permit(action: Action, thing: Pinned, conditions: readonly Expr[]): PolicyJson {
  return {
    effect: 'permit',
    principal: { op: 'All' },
    action: { op: '==', entity: { type: 'Action', id: action } } as ActionConstraint,
    resource: { op: '==', entity: uidOf(thing) },
    conditions: conditions.map((body) => ({ kind: 'when', body })),
  };
}

const value = (literal: string | number | boolean): Expr => ({ Value: literal });
const values = (literals: readonly (string | number | boolean)[]): Expr => ({ Set: literals.map(value) });
const dot = (left: Expr, attr: string): Expr => ({ '.': { left, attr } });
const has = (left: Expr, attr: string): Expr => ({ has: { left, attr } });
const equal = (left: Expr, right: Expr): Expr => ({ '==': { left, right } });
const contains = (left: Expr, right: Expr): Expr => ({ contains: { left, right } });
const CALLER: Expr = { Var: 'principal' };
const CONTEXT: Expr = { Var: 'context' };

function toWhom(who: Grant['to']): Expr[] {
  if (who === 'local') return [equal(dot(CALLER, 'how'), value('local'))];
  return [
    ...(who.tenant === undefined ? [] : [equal(dot(CALLER, 'tenant'), value(who.tenant))]),
    ...(who.subject === undefined ? [] : [equal(dot(CALLER, 'subject'), value(who.subject))]),
    ...(who.group === undefined ? [] : [contains(dot(CALLER, 'groups'), value(who.group))]),
    ...(who.agent === undefined ? [] : [has(CALLER, 'agent'), equal(dot(CALLER, 'agent'), value(who.agent))]),
    ...(who.via === undefined ? [] : [equal(dot(CALLER, 'how'), value(who.via))]),
  ];
}

/** Where agents meet, a grant that names none is for who acts in person (guarantee AZ9). */
function byName(who: Grant['to']): Expr[] {
  return who !== 'local' && who.agent !== undefined ? [] : [{ '!': { arg: has(CALLER, 'agent') } }];
}

function conditions({ when }: Grant, path: Path): Expr[] {
  const all = (when?.scopes ?? []).map((scope) => contains(dot(CALLER, 'scopes'), value(scope)));
  if (when?.hours === undefined) return all;
  if (!parseHours(when.hours)) {
    throw new RulesFault(
      [...path, 'hours'],
      'not opening hours',
      'write them like "Mon-Fri 07:00-19:00 Europe/Berlin"',
    );
  }
  return [...all, dot(dot(CONTEXT, 'hours'), when.hours)];
}

function argumentConditions(rules: NonNullable<NonNullable<Grant['when']>['args']>, thing: Pinned, path: Path): Expr[] {
  const type = argumentsOf(thing);
  return Object.entries(rules).flatMap(([name, rule]) => {
    const at: Path = [...path, name];
    const { place, member, present } = find(type, name, thing, at);
    return [...present, compare(place, member, rule, at)];
  });
}

/** `filter.tenant` is the member `tenant` of the argument `filter`. What the schema leaves out may be absent: it must be there. */
function find(
  root: RecordType,
  name: string,
  thing: Pinned,
  at: Path,
): { place: Expr; member: Member; present: Expr[] } {
  let type: Member = root;
  let place = dot(CONTEXT, 'args');
  const present: Expr[] = [];
  for (const step of name.split('.')) {
    const known: string[] = type.type === 'Record' ? Object.keys(type.attributes) : [];
    const member: Member | undefined = type.type === 'Record' ? memberOf(type, step) : undefined;
    if (!member) {
      const near = closest(step, known);
      const fix = near ? `did you mean \`${near}\`?` : known.length > 0 ? `it has: ${known.join(', ')}` : 'remove it';
      throw new RulesFault(at, `${uidOf(thing).id} has no argument \`${name}\``, fix);
    }
    if (member.required === false) present.push(has(place, step));
    place = dot(place, step);
    type = member;
  }
  return { place, member: type, present };
}

/** Whether the pinned schema names it, whatever its type. */
function hasArgument(thing: Pinned, name: string): boolean {
  let type: Member | undefined = argumentsOf(thing);
  for (const step of name.split('.')) type = type?.type === 'Record' ? memberOf(type, step) : undefined;
  return type !== undefined;
}

function compare(place: Expr, member: Member, rule: z.infer<typeof argument>, at: Path): Expr {
  const fits = (literal: string | number | boolean, type: string) =>
    type === { string: 'String', number: 'Long', boolean: 'Boolean' }[typeof literal as 'string'];
  const no = (fix: string): never => {
    const is = member.type === 'Opaque' ? 'no one type' : `the type ${member.type}`;
    throw new RulesFault(at, `this argument has ${is} in the pinned schema`, fix);
  };
  if (typeof rule !== 'object') {
    const from = typeof rule === 'string' && rule.startsWith('caller.') ? rule.slice('caller.'.length) : undefined;
    if (from !== undefined && from !== 'tenant' && from !== 'subject') {
      throw new RulesFault(at, `unknown fact \`${rule}\``, 'write caller.tenant or caller.subject');
    }
    if (!fits(rule, member.type)) {
      return no(member.type === 'Set' ? 'it is a list: write { in: [...] }' : 'compare it with a value of that type');
    }
    return equal(place, from === undefined ? value(rule) : dot(CALLER, from));
  }
  if ('in' in rule) {
    const element = member.type === 'Set' ? member.element.type : member.type;
    if (!rule.in.every((literal) => fits(literal, element))) return no('list values of that type');
    if (member.type === 'Set') return { containsAll: { left: values(rule.in), right: place } };
    return contains(values(rule.in), place);
  }
  if (member.type !== 'Long') return no('min and max are for whole numbers');
  const { min = 0, max } = rule;
  const over: Expr = { '>=': { left: place, right: value(min) } };
  return max === undefined ? over : { '&&': { left: over, right: { '<=': { left: place, right: value(max) } } } };
}
