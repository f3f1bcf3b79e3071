/** The Cedar types of what a policy may read: caller, thing, and the arguments as the pinned schema describes them. */
import type { Caller, PinKind, Pinned } from '../../core/call.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { segments } from '../../lib/schema/index.ts';
import { uriTemplate } from '../../lib/uri-template.ts';

export type Type =
  | { readonly type: 'String' | 'Long' | 'Boolean' }
  | { readonly type: 'Set'; readonly element: Type }
  | RecordType
  /** Described by the schema, but by nothing that Cedar can type: a policy that reads it is refused. */
  | { readonly type: 'Opaque' };
export interface RecordType {
  readonly type: 'Record';
  readonly attributes: Readonly<Record<string, Member>>;
}
export type Member = Type & { readonly required?: boolean };

export const STRING: Type = { type: 'String' };
export const BOOLEAN: Type = { type: 'Boolean' };
const LONG: Type = { type: 'Long' };
const OPAQUE: Type = { type: 'Opaque' };
const STRINGS: Type = { type: 'Set', element: STRING };

export interface Field<T> {
  readonly type: Type;
  readonly required: boolean;
  /** Undefined = absent. */
  readonly of: (from: T) => string | boolean | readonly string[] | undefined;
}
const field = <T>(type: Type, of: Field<T>['of'], required = true): Field<T> => ({ type, of, required });

/** `principal`. Every field is verified; what a client says of itself is not here. */
export const CALLER: Readonly<Record<string, Field<Caller>>> = {
  tenant: field(STRING, (c) => c.tenant),
  subject: field(STRING, (c) => c.subject),
  /** The agent that speaks: the outermost of the chain. */
  agent: field(STRING, (c) => c.agent[0], false),
  /** The whole chain. */
  agents: field(STRINGS, (c) => c.agent),
  groups: field(STRINGS, (c) => c.groups),
  scopes: field(STRINGS, (c) => c.scopes),
  issuer: field(STRING, (c) => c.issuer),
  how: field(STRING, (c) => c.how),
  acr: field(STRING, (c) => c.strength.acr, false),
  amr: field(STRINGS, (c) => c.strength.amr),
  /** What the request proved beside the credential. */
  signed: field(BOOLEAN, (c) => c.proofs?.signature !== undefined),
  certificate: field(BOOLEAN, (c) => c.proofs?.certificate !== undefined),
};

/** `resource`: a pinned thing and the facts that its reviewer stated. `uri` is the one asked for, known in a call only. */
export const THING: Readonly<Record<string, Field<Pinned & { readonly uri?: string }>>> = {
  upstream: field(STRING, (t) => t.upstream),
  name: field(STRING, (t) => t.name),
  uri: field(STRING, (t) => t.uri, false),
  reads: field(BOOLEAN, (t) => t.facts.reads),
  writes: field(BOOLEAN, (t) => t.facts.writes),
  destructive: field(BOOLEAN, (t) => t.facts.destructive),
  executes: field(BOOLEAN, (t) => t.facts.executes),
  sendsOut: field(BOOLEAN, (t) => t.facts.sendsOut),
  untrusted: field(BOOLEAN, (t) => t.facts.untrusted === true),
  private: field(BOOLEAN, (t) => t.facts.private === true),
  /** The agent that it is. */
  agent: field(STRING, (t) => t.facts.agent, false),
};

export const ENTITY: Readonly<Record<PinKind, string>> = {
  tool: 'Tool',
  prompt: 'Prompt',
  resource: 'Resource',
  template: 'Template',
};

export interface Uid {
  readonly type: string;
  readonly id: string;
}

export function uidOf(thing: Pinned): Uid {
  return { type: ENTITY[thing.kind], id: `${thing.upstream}.${thing.name}` };
}

/** `tenant/subject`; `%` and `/` of the tenant as %25 and %2F, so that no two callers share one. */
export function callerId(caller: Caller): string {
  return `${caller.tenant.replaceAll('%', '%25').replaceAll('/', '%2F')}/${caller.subject}`;
}

export function recordOf(fields: Readonly<Record<string, Field<never>>>): RecordType {
  return record(Object.entries(fields).map(([name, f]) => [name, { ...f.type, required: f.required }]));
}

export function record(members: readonly (readonly [string, Member])[]): RecordType {
  return { type: 'Record', attributes: Object.fromEntries(members) };
}

/** Undefined for names that the type does not have, also for those of Object.prototype. */
export function memberOf(type: RecordType, name: string): Member | undefined {
  return Object.hasOwn(type.attributes, name) ? type.attributes[name] : undefined;
}

/** The arguments of a thing: a tool's input schema; a prompt's arguments and a template's variables (strings); resources have none. */
export function argumentsOf(thing: Pinned): RecordType {
  if (thing.kind === 'tool') {
    const schema = thing.descriptor['inputSchema'];
    const type = typed(schema, isObject(schema) ? schema : {}, DEPTH);
    if (type.type !== 'Record') return record([]);
    return (thing.seal?.arguments ?? []).reduce((all, place) => veiled(all, segments(place)!), type);
  }
  if (thing.kind === 'template')
    return record(
      (uriTemplate(thing.name)?.names ?? []).map((name) => [name, { ...named(name, STRING), required: true }]),
    );
  const listed = thing.kind === 'prompt' ? thing.descriptor['arguments'] : [];
  return record(
    (Array.isArray(listed) ? listed : []).flatMap((arg): [string, Member][] =>
      isObject(arg) && typeof arg['name'] === 'string'
        ? [[arg['name'], { ...named(arg['name'], STRING), required: arg['required'] === true }]]
        : [],
    ),
  );
}

const DEPTH = 8;

/**
 * JSON Schema -> Cedar: string, boolean, integer and number (whole ones only, see facts.ts), objects with properties,
 * arrays of scalars as sets. `null` beside one other type is read as absence. Local `$ref` is followed, 8 levels deep.
 */
function typed(schema: Json | undefined, root: JsonObject, depth: number): Type & { nullable?: boolean } {
  if (!isObject(schema) || depth === 0) return OPAQUE;
  if (typeof schema['$ref'] === 'string') return typed(local(schema['$ref'], root), root, depth - 1);
  if (schema['allOf'] || schema['oneOf'] || schema['not'] || schema['if']) return OPAQUE;
  if (Array.isArray(schema['anyOf'])) return either(schema['anyOf'], root, depth);
  if (Array.isArray(schema['type'])) {
    return either(
      schema['type'].map((type) => ({ ...schema, type })),
      root,
      depth,
    );
  }
  switch (schema['type'] ?? literalType(schema)) {
    case 'string':
      return STRING;
    case 'boolean':
      return BOOLEAN;
    case 'integer':
    case 'number':
      return LONG;
    case 'array': {
      const element = typed(schema['items'], root, depth - 1);
      return element.nullable || !SCALARS.has(element.type) ? OPAQUE : { type: 'Set', element };
    }
    case 'object': {
      const required = Array.isArray(schema['required']) ? schema['required'] : [];
      const properties = isObject(schema['properties']) ? schema['properties'] : {};
      return record(
        Object.entries(properties).map(([name, property]) => {
          const { nullable, ...type } = typed(property, root, depth - 1);
          return [name, { ...named(name, type as Type), required: required.includes(name) && !nullable }];
        }),
      );
    }
    default:
      return OPAQUE;
  }
}

/** What travels sealed is not there for policies: one that reads it is refused, since it would never apply. */
function veiled(type: RecordType, [step = '', ...rest]: readonly string[]): RecordType {
  const attributes = { ...type.attributes };
  for (const name of step === '*' ? Object.keys(attributes) : [step]) {
    const member = memberOf(type, name);
    if (!member) continue;
    const { required = true } = member;
    const inner = rest.length === 0 || member.type !== 'Record' ? OPAQUE : veiled(member, rest);
    attributes[name] = { ...inner, required };
  }
  return { type: 'Record', attributes };
}

const SCALARS: ReadonlySet<string> = new Set(['String', 'Long', 'Boolean']);

/** `__entity` and `__extn` are escapes of Cedar's JSON: data under such names would be read as something else. */
function named(name: string, type: Type): Type {
  return name.startsWith('__') ? OPAQUE : type;
}

function either(branches: readonly Json[], root: JsonObject, depth: number): Type & { nullable?: boolean } {
  const others = branches.filter((branch) => !(isObject(branch) && branch['type'] === 'null'));
  const type = others.length === 1 ? typed(others[0], root, depth - 1) : OPAQUE;
  return others.length < branches.length ? { ...type, nullable: true } : type;
}

function literalType(schema: JsonObject): string | undefined {
  const values = Array.isArray(schema['enum']) ? schema['enum'] : 'const' in schema ? [schema['const']] : [];
  const kinds = new Set(values.map((value) => typeof value));
  return kinds.size === 1 && kinds.has('string') ? 'string' : undefined;
}

function local(ref: string, root: JsonObject): Json | undefined {
  const [, place, name] = /^#\/(\$defs|definitions)\/([A-Za-z0-9_.-]+)$/.exec(ref) ?? [];
  const defs = place === undefined ? undefined : root[place];
  return isObject(defs) && Object.hasOwn(defs, name!) ? defs[name!] : undefined;
}
