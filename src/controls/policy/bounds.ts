/**
 * What a grant says about arguments and results beside who may call: arguments that only the gateway sets, arguments
 * that a caller may never supply, and the fields of a result that the caller needs (guarantees AZ4, AZ5, IN6, OU7).
 */
import { z } from 'zod';
import type { Caller, Pinned, Taint } from '../../core/call.ts';
import { RulesFault } from '../../core/rules.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { segments } from '../../lib/schema/index.ts';
import { TAINTS } from './flows.ts';

const scalar = z.union([z.string(), z.int(), z.boolean()]);
const place = z.string().refine((text) => text !== '' && segments(text) !== undefined, {
  message: 'write a JSON pointer: /items/*/email (`*` is any item or any name)',
});

export const results = z
  .strictObject({
    keep: z.array(place).min(1).optional().describe('only these fields of the result; all else goes'),
    drop: z.array(place).min(1).optional().describe('fields that go'),
    mask: z.array(place).min(1).optional().describe('fields whose value is replaced by "***"'),
    text: z
      .enum(['withhold', 'errors', 'pass'])
      .default('withhold')
      .describe(
        'what is no JSON, so that no field of it can be told apart: withhold it, pass the words of errors, or pass all',
      ),
  })
  .refine(({ keep, drop, mask }) => (keep ?? drop ?? mask) !== undefined, 'name keep, drop or mask');
export type Results = z.infer<typeof results>;

export const bounds = {
  set: z
    .record(z.string().min(1), scalar)
    .optional()
    .describe('argument -> the value that it always has: caller.tenant, caller.subject, or a literal'),
  never: z.array(z.string().min(1)).optional().describe('arguments that the caller may not give, like a price'),
  results: results.optional().describe('the fields of the result that this caller needs'),
  despite: z
    .array(z.enum(TAINTS))
    .optional()
    .describe('taints of the session that this grant accepts without a person (see `flows`)'),
};

export interface Bounds {
  readonly set: readonly (readonly [path: readonly string[], value: string | number | boolean])[];
  readonly never: readonly (readonly string[])[];
  readonly results: readonly Results[];
  readonly despite: ReadonlySet<Taint>;
}

export const NO_BOUNDS: Bounds = Object.freeze({ set: [], never: [], results: [], despite: new Set<Taint>() });

type Written = { readonly [K in keyof typeof bounds]?: z.infer<(typeof bounds)[K]> };

/** Throws RulesFault; `knows` = whether the pinned schema of the thing has that argument. */
export function compileBounds(
  { set = {}, never = [], results: fields, despite = [] }: Written,
  path: readonly (string | number)[],
  thing: Pinned,
  knows: (name: string) => boolean,
): Bounds {
  if (fields) onlyOfTools(thing, [...path, 'results']);
  const steps = (name: string, at: readonly (string | number)[]): string[] => {
    if (!knows(name))
      throw new RulesFault(
        at,
        `no argument \`${name}\` in the pinned schema`,
        'name one that each tool of this grant has',
      );
    return name.split('.');
  };
  for (const [name, value] of Object.entries(set)) {
    if (typeof value === 'string' && value.startsWith('caller.') && !(value in FROM_CALLER))
      throw new RulesFault(
        [...path, 'set', name],
        `unknown fact \`${value}\``,
        `write ${Object.keys(FROM_CALLER).join(' or ')}`,
      );
  }
  return {
    set: Object.entries(set).map(([name, value]) => [steps(name, [...path, 'set', name]), value] as const),
    never: never.map((name, i) => steps(name, [...path, 'never', i])),
    results: fields ? [fields] : [],
    despite: new Set(despite),
  };
}

/** Throws RulesFault for what is no tool. */
export function onlyOfTools(thing: Pinned, path: readonly (string | number)[]): Pinned {
  if (thing.kind === 'tool') return thing;
  const what = `\`${thing.name}\` is a ${thing.kind}: only results of tools have fields`;
  throw new RulesFault(path, what, 'name it without `results`');
}

const FROM_CALLER: Readonly<Record<string, (caller: Caller) => string>> = {
  'caller.tenant': ({ tenant }) => tenant,
  'caller.subject': ({ subject }) => subject,
};

/** Those of several grants that permit the same call: what one restricts stays so, what one accepts is accepted. */
export function together(all: readonly Bounds[]): Bounds {
  if (all.length <= 1) return all[0] ?? NO_BOUNDS;
  return {
    set: all.flatMap((one) => one.set),
    never: all.flatMap((one) => one.never),
    results: all.flatMap((one) => one.results),
    despite: new Set(all.flatMap((one) => [...one.despite])),
  };
}

/** Those of the links of a chain: what one restricts stays so, what all accept is accepted. */
export function common(all: readonly Bounds[]): Bounds {
  const [first, ...others] = all;
  const despite = [...(first?.despite ?? [])].filter((taint) => others.every((one) => one.despite.has(taint)));
  return { ...together(all), despite: new Set(despite) };
}

/** The name of an argument that the caller gave and may not. */
export function given(args: Json, { never }: Bounds): string | undefined {
  const found = never.find((path) => reach(args, path) !== undefined);
  return found?.join('.');
}

function reach(value: Json | undefined, path: readonly string[]): Json | undefined {
  let at = value;
  for (const step of path) at = isObject(at) && Object.hasOwn(at, step) ? at[step] : undefined;
  return at;
}

/** The arguments with what the gateway sets; the same object when nothing changes. */
export function withSet(args: Json, { set }: Bounds, caller: Caller): Json {
  let made = args;
  for (const [path, value] of set) {
    const now = typeof value === 'string' ? (FROM_CALLER[value]?.(caller) ?? value) : value;
    if (reach(made, path) !== now) made = put(made, path, now);
  }
  return made;
}

function put(value: Json | undefined, [step, ...rest]: readonly string[], leaf: Json): Json {
  if (step === undefined) return leaf;
  const object: JsonObject = isObject(value) ? value : {};
  const inner = Object.hasOwn(object, step) ? object[step] : undefined;
  return { ...object, [step]: put(inner, rest, leaf) };
}

/** The arguments of a prompt that a completion says were filled in before. */
const BEFORE = ['context', 'arguments'];

/**
 * The name of an argument of which a completion (`{argument: {name, value}, context: {arguments}}`) asks too much: its
 * values are for nobody to see who may not give it, or does not decide it.
 */
export function completedIn(args: Json, bounds: Bounds): string | undefined {
  const name = reach(args, ['argument', 'name']);
  const own = [...bounds.never, ...bounds.set.map(([path]) => path)].find(([first]) => first === name);
  return own?.join('.') ?? given(reach(args, BEFORE) ?? {}, bounds);
}

/** A completion whose earlier arguments are those that the gateway sets; the same object when nothing changes. */
export function withSetBefore(args: Json, bounds: Bounds, caller: Caller): Json {
  const before = reach(args, BEFORE) ?? {};
  const made = withSet(before, bounds, caller);
  return made === before ? args : put(args, BEFORE, made);
}
