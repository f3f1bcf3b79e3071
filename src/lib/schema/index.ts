/**
 * Foreign JSON Schemas, made safe to run (guarantees IN1 and IN8): bounded, closed, formats asserted, patterns in linear
 * time, references local, work counted. Compile at review and at load, never on a call.
 */
import type { Json, JsonObject } from '../json/types.ts';
import { escapeText } from '../text.ts';
import { generate } from './ajv.ts';
import { rewrite } from './close.ts';
import { inspectSchema, type Schema } from './judge.ts';
import { Exhausted, startMeter } from './meter.ts';
import { openPlaces } from './open.ts';
import { Places } from './places.ts';
import { plain } from './plain.ts';
import {
  type CompiledSchema,
  type Openings,
  type SchemaFault,
  type SchemaFinding,
  SchemaRefused,
  type Strictness,
} from './types.ts';

export { Places, pointer, segments } from './places.ts';
export { plain } from './plain.ts';
export { pruner } from './prune.ts';
export * from './types.ts';

/** `strict`: see Strictness. Throws SchemaRefused, or RangeError when an exception is not a JSON pointer. */
export function compileSchema(
  schema: JsonObject | boolean,
  how: { readonly strict: Strictness; readonly exceptions?: Openings },
): CompiledSchema {
  const root = plain(schema) as Schema;
  inspectSchema(root);
  const openings = new Places(how.exceptions?.additional);
  const checks = [];
  const first = rewrite(root, how.strict, openings);
  if (!first.exact) checks.push(first.schema, rewrite(root, false, openings).schema);
  else checks.push(first.schema);
  const validators = checks.map(generate);
  return {
    check(value: Json): SchemaFault | undefined {
      startMeter();
      try {
        for (const validate of validators) {
          if (!validate(value)) return { kind: 'schema', detail: describe(validate.errors?.[0]) };
        }
        return undefined;
      } catch (error) {
        const kind = error instanceof Exhausted ? error.kind : 'schema';
        return { kind, detail: kind === 'pattern' ? 'pattern over its work budget' : 'over the work budget' };
      }
    },
  };
}

/** Findings for the review. A `refused` one means that compileSchema throws. */
export function judgeSchema(schema: JsonObject | boolean): SchemaFinding[] {
  try {
    const root = plain(schema) as Schema;
    const notes = inspectSchema(root);
    compileSchema(root, { strict: true });
    const open = openPlaces(root).map((at): SchemaFinding => {
      return { rule: 'schema.open', severity: 'open', at, detail: 'takes names that the schema does not declare' };
    });
    return [...notes, ...open];
  } catch (error) {
    if (error instanceof SchemaRefused) return [error.finding];
    throw error;
  }
}

/** Place and keyword, never a value. Names on the way may be the caller's: escaped and cut. */
function describe(error: { instancePath: string; keyword: string } | undefined): string {
  if (!error) return '/ false';
  return `${escapeText(error.instancePath, 256) || '/'} ${error.keyword}`;
}
