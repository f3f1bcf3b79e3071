/** All policies about one thing for one action: strictly validated at load, then asked with exactly what they read. */
import { type Schema, type ValidationError, validate } from '@cedar-policy/cedar-wasm/nodejs';
import type { Caller, Pinned, Taint } from '../../core/call.ts';
import type { Action } from '../../core/ports.ts';
import { type Hours, parseHours } from '../../lib/hours.ts';
import type { Json } from '../../lib/json/types.ts';
import { Misfit, narrow, opaque, project } from './facts.ts';
import type { Policy } from './grants.ts';
import { type Decision, failed, Prepared, type Request } from './prepared.ts';
import { anything, none, type PolicyReads, type Reads, readsOf, under } from './reads.ts';
import {
  argumentsOf,
  BOOLEAN,
  CALLER,
  callerId,
  ENTITY,
  type Field,
  memberOf,
  type RecordType,
  record,
  recordOf,
  STRING,
  THING,
  type Type,
  type Uid,
  uidOf,
} from './types.ts';

const TAINTS: Type = { type: 'Set', element: STRING };

/** What a decision is about, cut down to what the slice reads. `key` holds all of it and nothing else. */
export interface Facts {
  readonly key: string;
  readonly id: string;
  readonly who: object;
  readonly about: object;
  readonly around: object;
}

export class Slice {
  readonly thing: Pinned;
  readonly action: Action;
  readonly policies: readonly Policy[];
  readonly #reads: PolicyReads;
  readonly #prepared: Prepared;
  readonly #hours: readonly (readonly [text: string, hours: Hours])[];
  readonly #who: readonly Part<Caller>[];
  readonly #about: Readonly<Record<string, Json>>;
  readonly #readsUri: boolean;
  readonly #args: RecordType;
  readonly #readsArgs: boolean;
  readonly readsTaint: boolean;
  readonly #uid: Uid;
  readonly #action: Uid;

  /** The policies must have passed `check`. */
  constructor(thing: Pinned, action: Action, policies: readonly Policy[]) {
    this.thing = thing;
    this.action = action;
    this.policies = policies;
    this.#reads = readsOf(policies.map((policy) => policy.json));
    const { principal, resource, context } = this.#reads;
    const caller = narrow(recordOf(CALLER), principal) as RecordType;
    const thingType = narrow(recordOf(THING), resource) as RecordType;
    this.#who = parts(CALLER, caller, principal);
    this.#about = show(parts(THING, thingType, resource), thing);
    this.#readsUri = action === 'call' && memberOf(thingType, 'uri') !== undefined;
    this.#hours = hoursOf(this.#reads).map((text) => [text, parseHours(text)!]);
    this.#args = action === 'call' ? argumentsOf(thing) : record([]);
    this.#readsArgs = action === 'call' && anything(under(context, 'args'));
    this.#uid = uidOf(thing);
    this.#action = { type: 'Action', id: action };
    const members: [string, Type][] = [];
    if (this.#hours.length > 0) members.push(['hours', record(this.#hours.map(([text]) => [text, BOOLEAN]))]);
    this.readsTaint = action === 'call' && anything(under(context, 'taint'));
    if (this.readsTaint) members.push(['taint', TAINTS]);
    if (this.#readsArgs) members.push(['args', narrow(this.#args, under(context, 'args')!)]);
    this.#prepared = new Prepared(
      Object.fromEntries(policies.map(({ id, text, json }) => [id, text ?? json])),
      cedarSchema(thing, caller, thingType, { [action]: record(members) }),
    );
  }

  /** Throws Misfit when something that the slice reads cannot be shown to it. */
  facts(
    caller: Caller,
    uri: string | undefined,
    args: Json | undefined,
    at: number,
    taint: readonly Taint[] = [],
  ): Facts {
    const id = this.#reads.who ? callerId(caller) : '-';
    const who = show(this.#who, caller);
    const seen = this.#readsUri && uri !== undefined ? project(uri, STRING, none(), 'uri') : undefined;
    const around: Record<string, Json> = {};
    if (this.#hours.length > 0) {
      around['hours'] = Object.fromEntries(this.#hours.map(([text, hours]) => [text, hours.open(at)]));
    }
    if (this.readsTaint) around['taint'] = [...taint];
    if (this.#readsArgs) {
      if (args === undefined) throw new Misfit('the arguments are not known');
      around['args'] = project(args, this.#args, under(this.#reads.context, 'args')!, 'args') as Json;
    }
    const about = seen === undefined ? this.#about : { ...this.#about, uri: seen as Json };
    return { key: JSON.stringify([id, who, seen, around]), id, who, about, around };
  }

  ask({ id, who, about, around }: Facts): Decision {
    try {
      return this.#prepared.ask(this.#request(id, who, about, around));
    } catch {
      return failed('the policy engine failed');
    }
  }

  #request(id: string, who: object, about: object, around: object): Request {
    const principal: Uid = { type: 'Caller', id };
    const place = this.#reads.place;
    const known = place || Object.keys(about).length > 0;
    return {
      principal,
      action: this.#action,
      resource: this.#uid,
      context: around as Request['context'],
      entities: [
        { uid: principal, attrs: who as Request['context'], parents: [] },
        ...(known
          ? [
              {
                uid: this.#uid,
                attrs: about as Request['context'],
                parents: place ? [{ type: 'Upstream', id: this.thing.upstream }] : [],
              },
            ]
          : []),
      ],
    };
  }
}

interface Part<T> {
  readonly name: string;
  readonly field: Field<T>;
  readonly reads: Reads;
}

function parts<T>(fields: Readonly<Record<string, Field<T>>>, type: RecordType, reads: Reads): Part<T>[] {
  return Object.keys(type.attributes).map((name) => ({
    name,
    field: fields[name]!,
    reads: reads.whole ? reads : reads.members.get(name)!,
  }));
}

function show<T>(all: readonly Part<T>[], from: T): Record<string, Json> {
  const shown: Record<string, Json> = {};
  for (const { name, field, reads } of all) {
    const value = field.of(from) as Json | undefined;
    if (value !== undefined) shown[name] = project(value, field.type, reads, name) as Json;
  }
  return shown;
}

/** What a strict look at all policies of one thing found. `impossible` may still apply to another thing. */
export interface Checked {
  readonly errors: readonly ValidationError[];
  readonly impossible: ReadonlySet<string>;
}

/** Cedar's strict validation of the policies about one thing, under all that they could read; both actions at once. */
export function check(thing: Pinned, policies: readonly Policy[]): Checked {
  const reads = readsOf(policies.map((policy) => policy.json));
  const hours: [string, Type] = ['hours', record(hoursOf(reads).map((text) => [text, BOOLEAN]))];
  const args = argumentsOf(thing);
  const answer = validate({
    validationSettings: { mode: 'strict' },
    schema: cedarSchema(thing, recordOf(CALLER), recordOf(THING), {
      list: record([hours]),
      call: record([hours, ['args', args], ['taint', TAINTS]]),
    }),
    policies: { staticPolicies: Object.fromEntries(policies.map(({ id, text, json }) => [id, text ?? json])) },
  });
  if (answer.type === 'failure') throw new Error(`policy schema: ${answer.errors.map((e) => e.message).join('; ')}`);
  const impossible = answer.validationWarnings.filter(({ error }) => error.message.includes('policy is impossible'));
  // Names of two scripts exist ("Team-\u03b2"); characters that change the direction of reading hide what a policy says.
  const other = answer.validationWarnings.filter(
    (warning) => !impossible.includes(warning) && !warning.error.message.endsWith('contains mixed scripts'),
  );
  return {
    errors: [...unreadable(args, policies), ...answer.validationErrors, ...other],
    impossible: new Set(impossible.map(({ policyId }) => policyId)),
  };
}

/** To `has`, an argument without a Cedar type would look absent for ever: a forbid would never apply. */
function unreadable(args: RecordType, policies: readonly Policy[]): ValidationError[] {
  return policies.flatMap(({ id, json }) => {
    const { context } = readsOf([json]);
    const hours = [...(under(context, 'hours')?.members.keys() ?? [])].find((text) => !parseHours(text));
    const place = opaque(args, under(context, 'args') ?? none(), 'args');
    const messages = [
      ...(hours === undefined ? [] : [[`\`${hours}\` are not opening hours`, '"Mon-Fri 07:00-19:00 Europe/Berlin"']]),
      ...(place === undefined ? [] : [[`policies cannot read context.${place}`, 'its schema has no one type']]),
    ];
    return messages.map(([message, help]) => ({
      policyId: id,
      error: { message: message!, help: help!, code: null, url: null, severity: null },
    }));
  });
}

function hoursOf({ context }: PolicyReads): string[] {
  return [...(under(context, 'hours')?.members.keys() ?? [])].filter((text) => parseHours(text)).sort();
}

function cedarSchema(
  thing: Pinned,
  caller: RecordType,
  resource: RecordType,
  contexts: Readonly<Record<string, RecordType>>,
): Schema {
  const things = Object.values(ENTITY).map((type) => [
    type,
    { memberOfTypes: ['Upstream'], shape: type === ENTITY[thing.kind] ? plain(resource) : plain(recordOf(THING)) },
  ]);
  const actions = Object.entries(contexts).map(([action, context]) => [
    action,
    { appliesTo: { principalTypes: ['Caller'], resourceTypes: [ENTITY[thing.kind]], context: plain(context) } },
  ]);
  return {
    '': {
      entityTypes: { Caller: { shape: plain(caller) }, Upstream: {}, ...Object.fromEntries(things) },
      actions: Object.fromEntries(actions),
    },
  } as Schema;
}

/** Without the members that Cedar cannot type. */
function plain(type: Type): Type {
  if (type.type !== 'Record') return type;
  const members = Object.entries(type.attributes).filter(([, member]) => member.type !== 'Opaque');
  return {
    type: 'Record',
    attributes: Object.fromEntries(
      members.map(([name, { required, ...inner }]) => [name, { ...plain(inner as Type), required: required ?? true }]),
    ),
  };
}
