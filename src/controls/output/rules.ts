/** The `output` block, and what each reviewed thing may send back. */
import { z } from 'zod';
import type { CallView, Pinned } from '../../core/call.ts';
import { type AppBounds, type RuleContext, RulesFault } from '../../core/rules.ts';
import { isObject, type Json } from '../../lib/json/types.ts';
import { type CompiledSchema, compileSchema, pruner, SchemaRefused } from '../../lib/schema/index.ts';
import { escapeText } from '../../lib/text.ts';
import type { Sign } from './provenance.ts';

export const schema = z
  .strictObject({
    cap: z.int().min(1_024).max(4_194_304).default(262_144).describe('bytes of one result; text over it is cut'),
    session: z
      .int()
      .min(1_048_576)
      .max(2 ** 40)
      .default(67_108_864)
      .describe('bytes of all results of one session in an hour; a result that no longer fits is refused'),
    interim: z.int().min(0).max(100_000).default(1_000).describe('messages of one call before its result'),
    active: z
      .enum(['label', 'strip', 'pass'])
      .default('label')
      .describe(
        'script, handlers, frames, forms and the like: mark them for the host and render nothing that has them; make plain words of them; or pass them',
      ),
    provenance: z
      .boolean()
      .default(false)
      .describe(
        'whether each result of a call, read or prompt says where it comes from, signed; it is written anew then',
      ),
  })
  .prefault({});
export type OutputConfig = z.infer<typeof schema>;

export interface Structure {
  /** A grant leaves fields of it out: what is left need not fit the schema. */
  readonly partial: boolean;
  readonly check: CompiledSchema['check'];
  /** Without what the schema does not name; undefined = over the work budget. */
  readonly prune: (value: Json) => Json | undefined;
}

export interface Rules extends OutputConfig {
  /** Only where results are to carry their provenance. */
  readonly sign?: Sign;
  readonly pins: ReadonlyMap<string, ReadonlyMap<string, Pinned>>;
  readonly prefixes: ReadonlyMap<string, readonly Pinned[]>;
  /** Of upstreams whose apps are let through. */
  readonly apps: ReadonlyMap<string, AppBounds>;
  /** Promised structure of tools that have an output schema. */
  readonly structures: ReadonlyMap<string, ReadonlyMap<string, Structure>>;
}

/** Compiles every pinned output schema. Throws RulesFault. */
export function compile(
  config: OutputConfig,
  context: Pick<RuleContext, 'pinned' | 'bundles' | 'apps' | 'minimised' | 'sign'>,
): Rules {
  const pins = new Map<string, Map<string, Pinned>>();
  const prefixes = new Map<string, Pinned[]>();
  const structures = new Map<string, Map<string, Structure>>();
  for (const pin of context.pinned) {
    of(pins, pin.upstream, () => new Map<string, Pinned>()).set(`${pin.kind} ${pin.name}`, pin);
    if (pin.kind === 'resource' && pin.name.endsWith('/*')) of(prefixes, pin.upstream, (): Pinned[] => []).push(pin);
    const made = structure(pin, context.minimised?.has(pin) === true);
    if (made) of(structures, pin.upstream, () => new Map<string, Structure>()).set(pin.name, made);
  }
  for (const [bundle, things] of context.bundles ?? [])
    pins.set(bundle, new Map([...things].map(([name, pin]) => [`tool ${name}`, pin])));
  const { sign, apps = new Map() } = context;
  return { ...config, pins, prefixes, structures, apps, ...(config.provenance && sign && { sign }) };
}

export function capOf(rules: Rules, { target }: CallView): number {
  return (target.kind === 'route' ? undefined : target.cap) ?? rules.cap;
}

function structure(pin: Pinned, partial: boolean): Structure | undefined {
  const { outputSchema } = pin.descriptor;
  if (pin.kind !== 'tool' || outputSchema === undefined) return undefined;
  try {
    if (!isObject(outputSchema)) throw new SchemaRefused('schema.invalid', '/outputSchema', 'not a JSON Schema');
    const { check } = compileSchema(outputSchema, { strict: 'declared' });
    return { partial, check, prune: pruner(outputSchema) };
  } catch (error) {
    if (!(error instanceof SchemaRefused)) throw error;
    const what = `${pin.upstream}.${escapeText(pin.name, 128)} in doorward.lock cannot be served: ${error.message}`;
    throw new RulesFault(['output'], what, `run doorward review ${pin.upstream}`);
  }
}

function of<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
