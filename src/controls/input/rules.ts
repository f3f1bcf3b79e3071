/** The `input` block. Limits can only be tightened here; one tool's can be raised by review, in doorward.lock. */
import { z } from 'zod';
import type { CallView, Pinned } from '../../core/call.ts';
import type { Code } from '../../core/codes/index.ts';
import type { Opening } from '../../core/fields.ts';
import { type RuleContext, RulesFault } from '../../core/rules.ts';
import { isObject, type JsonObject } from '../../lib/json/types.ts';
import { type CompiledSchema, compileSchema, SchemaRefused } from '../../lib/schema/index.ts';
import { escapeText } from '../../lib/text.ts';
import { misfit, type Taken } from './fit.ts';
import { allowed, type Limits } from './limits.ts';
import { plainOf } from './plain.ts';

const limit = (max: number) => z.int().min(1).max(max).default(max);

export const schema = z
  .strictObject({
    string: limit(8_192).describe('bytes of UTF-8 in one string'),
    items: limit(1_000).describe('items of one array, members of one object'),
    depth: limit(15).describe('arrays and objects inside each other'),
  })
  .prefault({});
export type InputConfig = z.infer<typeof schema>;

export interface Rules {
  readonly limits: Limits;
  /** By upstream, then by kind and name. */
  readonly taken: ReadonlyMap<string, ReadonlyMap<string, Taken>>;
  readonly opened?: Opening;
  /** Asks the pinned schema again after an edit of the arguments. */
  refit(call: CallView): Code | undefined;
}

/** Compiles every pinned schema: milliseconds each, so at start and at reload only. Throws RulesFault. */
export function compile(limits: InputConfig, context: Pick<RuleContext, 'pinned' | 'opened'>): Rules {
  const all = new Map<string, Map<string, Taken>>();
  for (const pin of context.pinned) {
    let own = all.get(pin.upstream);
    if (!own) all.set(pin.upstream, (own = new Map()));
    own.set(keyOf(pin), take(pin, limits));
  }
  const { opened } = context;
  const rules: Rules = {
    limits,
    taken: all,
    ...(opened && { opened }),
    refit(call) {
      const taken = takenBy(rules, call);
      const seen = taken?.sealed ? unsealed(rules, call) : call;
      return 'code' in seen || misfit(seen, taken) ? 'input.misfit' : undefined;
    },
  };
  return rules;
}

/** The call with what is sealed in its arguments opened: that is what the pinned schema describes. */
export function unsealed({ opened }: Rules, call: CallView): CallView | { readonly code: Code } {
  const found = opened?.(call) ?? call;
  return 'code' in found ? found : { ...call, args: found.args };
}

export function takenBy(rules: Rules, { target, upstream }: CallView): Taken | undefined {
  return target.kind === 'route' ? undefined : rules.taken.get(upstream)?.get(keyOf(target));
}

function keyOf({ kind, name }: Pick<Pinned, 'kind' | 'name'>): string {
  return kind === 'tool' ? name : `${kind} ${name}`;
}

function take(pin: Pinned, limits: Limits): Taken {
  try {
    const shared = { allowed: allowed(limits, pin.exceptions) };
    if (pin.kind === 'tool') {
      const { seal, descriptor } = pin;
      const own = seal?.input ? { ...pin, descriptor: { ...descriptor, inputSchema: seal.input } } : pin;
      const plain = plainOf(pin.facts, pin.exceptions, own.descriptor['inputSchema']);
      const sealed = seal?.arguments ? { sealed: true as const } : {};
      return { allowed: { ...shared.allowed, plain }, schema: compileTool(own), ...sealed };
    }
    if (pin.kind === 'prompt') return { ...shared, names: promptNames(pin.descriptor) };
    if (pin.kind === 'template') return { ...shared, names: variables(pin.name) };
    return shared;
  } catch (error) {
    if (!(error instanceof SchemaRefused) && !(error instanceof RangeError)) throw error;
    const what = `${pin.upstream}.${escapeText(pin.name, 128)} in doorward.lock cannot be served: ${error.message}`;
    throw new RulesFault(['input'], what, `run doorward review ${pin.upstream}`);
  }
}

function compileTool({ descriptor, exceptions }: Pinned): CompiledSchema {
  const { inputSchema } = descriptor as JsonObject;
  if (!isObject(inputSchema)) throw new SchemaRefused('schema.invalid', '/inputSchema', 'the tool has no input schema');
  return compileSchema(inputSchema, { strict: true, exceptions });
}

function promptNames({ arguments: list }: Readonly<JsonObject>): ReadonlyMap<string, boolean> {
  const names = new Map<string, boolean>();
  for (const item of Array.isArray(list) ? list : []) {
    if (isObject(item) && typeof item.name === 'string') names.set(item.name, item.required === true);
  }
  return names;
}

function variables(template: string): ReadonlyMap<string, boolean> {
  const found = template.matchAll(/\{[+#./;?&]?([^{}]{1,256})\}/g);
  return new Map(
    [...found].flatMap(([, list]) => list!.split(',').map((name) => [name.replace(/\*$|:\d+$/, ''), false])),
  );
}
