/** What a client sees of a tool whose fields travel sealed: the reviewed schemas with a text in their place (TR10). */
import type { Pinned } from '../core/call.ts';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import { segments } from '../lib/schema/index.ts';
import type { Lock } from './lock.ts';

/** A pointer that leads to nothing that the schema names. */
export class SealFault extends Error {}

const TEXT: JsonObject = { type: 'string', description: 'A sealed value: pass it on as it is.' };
/** References to follow from one place to the next. */
const HOPS = 16;

/** The same lock when nothing in it is sealed. Throws SealFault. */
export function withSeals(lock: Lock): Lock {
  const all = [...lock.upstreams.values()].flatMap(({ things }) => things);
  if (!all.some(({ seal }) => seal)) return lock;
  return {
    upstreams: new Map(
      [...lock.upstreams].map(([name, entry]) => [name, { ...entry, things: entry.things.map(shownTo) }]),
    ),
  };
}

/** The thing as clients see it; `seal.input` is what its server takes. Throws SealFault. */
export function shownTo(pin: Pinned): Pinned {
  const { seal, descriptor } = pin;
  if (!seal) return pin;
  const { inputSchema, outputSchema } = descriptor;
  const input = (seal.arguments ?? []).reduce(
    (schema, place) => at(schema, place, (own) => (seal.require ? TEXT : { anyOf: [own, TEXT] })),
    inputSchema,
  );
  const output = (seal.results ?? []).reduce((schema, place) => at(schema, place, () => TEXT), outputSchema);
  return Object.freeze({
    ...pin,
    descriptor: {
      ...descriptor,
      ...(input !== undefined && { inputSchema: input }),
      ...(output !== undefined && { outputSchema: output }),
    },
    seal: { ...seal, ...(isObject(inputSchema) && { input: inputSchema }) },
  });
}

function at(schema: Json | undefined, place: string, change: (own: JsonObject) => JsonObject): Json {
  const steps = segments(place) ?? [];
  const made = steps.length === 0 ? undefined : rewritten(schema, steps, schema, change);
  if (made === undefined) throw new SealFault(place);
  return made;
}

/** A definition that is referred to is written out on the way, so that other places keep it as it is. */
function rewritten(
  node: Json | undefined,
  [step, ...rest]: readonly string[],
  root: Json | undefined,
  change: (own: JsonObject) => JsonObject,
): JsonObject | undefined {
  const here = resolved(node, root);
  if (!here) return undefined;
  if (step === undefined) return change(here);
  const { properties, items, additionalProperties } = here;
  if (step !== '*') {
    const inner =
      isObject(properties) && Object.hasOwn(properties, step)
        ? rewritten(properties[step], rest, root, change)
        : undefined;
    return (
      inner && { ...here, type: only(here, 'object'), properties: { ...(properties as JsonObject), [step]: inner } }
    );
  }
  if (isObject(items)) {
    const inner = rewritten(items, rest, root, change);
    return inner && { ...here, type: only(here, 'array'), items: inner };
  }
  const inner = isObject(additionalProperties) ? rewritten(additionalProperties, rest, root, change) : undefined;
  return inner && { ...here, type: only(here, 'object'), additionalProperties: inner };
}

/** What has a sealed field is what it is described as, or null: else the field could hide in a text. */
function only({ type }: JsonObject, wanted: 'object' | 'array'): Json {
  return Array.isArray(type) && type.includes('null') ? [wanted, 'null'] : wanted;
}

function resolved(node: Json | undefined, root: Json | undefined): JsonObject | undefined {
  let here = node;
  for (let hops = 0; isObject(here) && typeof here.$ref === 'string'; hops++) {
    if (hops >= HOPS) return undefined;
    const steps = here.$ref.startsWith('#') ? segments(here.$ref.slice(1)) : undefined;
    here = steps?.reduce<Json | undefined>(
      (value, step) => (isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined),
      root,
    );
  }
  return isObject(here) ? here : undefined;
}
