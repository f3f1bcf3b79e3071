/** Values as Cedar sees them, cut down to what a policy reads. */
import type { CedarValueJson } from '@cedar-policy/cedar-wasm/nodejs';
import { isObject, type Json } from '../../lib/json/types.ts';
import type { Reads } from './reads.ts';
import { memberOf, type RecordType, type Type } from './types.ts';

/** A value is there that cannot be shown to the policy that reads it. That is a denial, never an absence. */
export class Misfit extends Error {}

/**
 * The part of `value` that is read; undefined when it is absent.
 * Throws Misfit for what its type does not hold: numbers that are not whole or beyond 2^53, lone surrogates, another
 * type than the pinned schema says, members that the schema does not know.
 */
export function project(value: Json, type: Type, reads: Reads, path: string): CedarValueJson {
  switch (type.type) {
    case 'String':
      if (typeof value === 'string' && value.isWellFormed()) return value;
      break;
    case 'Boolean':
      if (typeof value === 'boolean') return value;
      break;
    case 'Long':
      if (Number.isSafeInteger(value)) return value as number;
      break;
    case 'Set':
      if (Array.isArray(value)) return subset(value, type.element, reads, path);
      break;
    case 'Record':
      if (isObject(value)) return projectRecord(value, type, reads, path);
      break;
  }
  throw new Misfit(`${path} is not a ${type.type}`);
}

function subset(value: readonly Json[], element: Type, reads: Reads, path: string): CedarValueJson[] {
  const kept: CedarValueJson[] = [];
  for (const item of value) {
    const shown = project(item, element, reads, path);
    if (reads.whole || reads.literals.has(shown as string)) kept.push(shown);
  }
  return kept;
}

function projectRecord(
  value: Readonly<Record<string, Json | undefined>>,
  type: RecordType,
  reads: Reads,
  path: string,
): Record<string, CedarValueJson> {
  const shown: Record<string, CedarValueJson> = {};
  for (const name of reads.whole ? Object.keys(value) : reads.members.keys()) {
    if (!Object.hasOwn(value, name)) continue;
    const member = memberOf(type, name);
    const inner = value[name];
    if (inner === undefined || (inner === null && member && !member.required)) continue;
    const at = `${path}.${name}`;
    if (!member) throw new Misfit(`${at} is not in the pinned schema`);
    shown[name] = project(inner, member, reads.whole ? reads : reads.members.get(name)!, at);
  }
  return shown;
}

/** The part of a type that is read: a request must be complete under it. */
export function narrow(type: Type, reads: Reads): Type {
  if (type.type !== 'Record' || reads.whole) return type;
  const members = Object.entries(type.attributes).flatMap(([name, { required, ...inner }]) => {
    const read = reads.members.get(name);
    return read ? [[name, { ...narrow(inner as Type, read), required: required ?? true }]] : [];
  });
  return { type: 'Record', attributes: Object.fromEntries(members) };
}

/** The first place that is read although Cedar has no type for it. */
export function opaque(type: Type, reads: Reads, path: string): string | undefined {
  if (type.type === 'Opaque') return path;
  if (type.type !== 'Record') return undefined;
  for (const [name, member] of Object.entries(type.attributes)) {
    const read = reads.whole ? reads : reads.members.get(name);
    const found = read && opaque(member, read, `${path}.${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
