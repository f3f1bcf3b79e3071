/** Whether arguments are what the pinned thing takes, beyond sizes and characters (guarantee IN1). */
import type { CallView } from '../../core/call.ts';
import { isObject, type Json } from '../../lib/json/types.ts';
import { type CompiledSchema, plain } from '../../lib/schema/index.ts';
import { isSafeUri } from '../../lib/traversal.ts';
import type { Allowed, Problem } from './limits.ts';

/** What one reviewed thing takes. */
export interface Taken {
  readonly allowed: Allowed;
  /** Tools. */
  readonly schema?: CompiledSchema;
  /** Some of its arguments come sealed. */
  readonly sealed?: true;
  /** Prompts: argument names, and whether they are required. Templates: the names of their variables. */
  readonly names?: ReadonlyMap<string, boolean>;
}

/** `raw`: the arguments hold numbers beyond a double; schemas see the nearest one. */
export function misfit(call: CallView, taken: Taken | undefined, raw = true): Problem | undefined {
  switch (call.family) {
    case 'call':
      return fitTool(call.args, taken, raw);
    case 'get':
      return fitPrompt(call.args, taken);
    case 'complete':
      return fitCompletion(call.args, taken);
    case 'read':
      return fitUri(call);
    default:
      return undefined;
  }
}

function fitTool(args: Json, taken: Taken | undefined, raw: boolean): Problem | undefined {
  if (!taken?.schema || !isObject(args)) return schema('/ no schema for this');
  const fault = taken.schema.check(raw ? plain(args) : args);
  if (!fault) return undefined;
  return fault.kind === 'pattern' ? { code: 'input.pattern', detail: fault.detail } : schema(fault.detail);
}

function fitPrompt(args: Json, taken: Taken | undefined): Problem | undefined {
  if (!taken?.names || !isObject(args)) return schema('/ no arguments for this');
  for (const name in args) {
    if (!taken.names.has(name)) return schema('/ additionalProperties');
    if (typeof args[name] !== 'string') return schema(`/${name} type`);
  }
  for (const [name, required] of taken.names)
    if (required && !Object.hasOwn(args, name)) return schema(`/${name} required`);
  return undefined;
}

/** `{argument: {name, value}, context?: {arguments}}`: every name is one that the prompt or template declares. */
function fitCompletion(args: Json, taken: Taken | undefined): Problem | undefined {
  if (!taken?.names || !isObject(args) || !isObject(args.argument)) return schema('/ no arguments for this');
  const { name, value } = args.argument;
  if (typeof name !== 'string' || typeof value !== 'string') return schema('/argument type');
  const { context = {} } = args;
  const filled = isObject(context) ? (context.arguments ?? {}) : undefined;
  if (!isObject(filled)) return schema('/context type');
  for (const known in filled) if (typeof filled[known] !== 'string') return schema('/context/arguments type');
  return [name, ...Object.keys(filled)].every((known) => taken.names!.has(known))
    ? undefined
    : schema('/argument name');
}

function fitUri({ target }: CallView): Problem | undefined {
  // A URI that was itself reviewed is what it is; one below a reviewed folder or template is a caller's text.
  if (target.kind === 'route' || target.uri === undefined || target.uri === target.name) return undefined;
  return isSafeUri(target.uri) ? undefined : { code: 'input.path', detail: 'uri' };
}

function schema(detail: string): Problem {
  return { code: 'input.schema', detail };
}
