/** The one ajv, with our own engines where its own are slow, unbounded or fail open (see docs/controls/input.md). */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { canonical } from '../json/canonical.ts';
import type { Json, JsonObject } from '../json/types.ts';
import { STEP } from './close.ts';
import { FORMATS } from './formats.ts';
import { step } from './meter.ts';
import { linearPattern } from './pattern.ts';
import { SchemaRefused } from './types.ts';

/** An instance keeps every pattern and constant it has seen: a fresh one now and then bounds that. */
const SCHEMAS_PER_INSTANCE = 500;
let shared: Ajv2020 | undefined;
let compiled = 0;

/** Takes what `rewrite` made. Throws SchemaRefused on what is not a schema. Costs 1 to 20 ms: off the hot path. */
export function generate(schema: JsonObject): ValidateFunction {
  if (shared === undefined || ++compiled > SCHEMAS_PER_INSTANCE) {
    shared = create();
    compiled = 0;
  }
  try {
    if (shared.validateSchema(schema) !== true) {
      const [error] = shared.errors ?? [];
      throw new SchemaRefused('schema.invalid', error?.instancePath ?? '', `not valid (${error?.keyword ?? 'schema'})`);
    }
    return shared.compile(schema);
  } catch (error) {
    // ajv's own words may hold texts of the schema.
    throw error instanceof SchemaRefused ? error : new SchemaRefused('schema.invalid', '', 'not valid');
  } finally {
    shared.removeSchema(schema);
  }
}

function create(): Ajv2020 {
  const regExp = Object.assign((source: string) => linearPattern(source), { code: 'linearPattern' });
  const ajv = new Ajv2020({
    strict: false,
    logger: false,
    messages: false,
    ownProperties: true,
    validateFormats: true,
    formats: Object.fromEntries(FORMATS),
    code: { regExp },
  });
  // Before all others: a schema that fails would never come to a keyword that stands last.
  const before = '$dynamicAnchor';
  ajv.addKeyword({ keyword: STEP, before, schemaType: 'boolean', errors: false, validate: () => (step(), true) });
  // ajv counts code points for every string; the length in code units decides nearly always.
  lengthKeyword(
    ajv,
    'maxLength',
    (bound) => (text) => text.length <= bound || (text.length <= 2 * bound && points(text) <= bound),
  );
  lengthKeyword(
    ajv,
    'minLength',
    (bound) => (text) => text.length >= 2 * bound || (text.length >= bound && points(text) >= bound),
  );
  // ajv compares every pair: half a million deep comparisons for 1,000 items.
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    errors: false,
    compile: (on: boolean) => (items: Json[]) => !on || new Set(items.map(canonical)).size === items.length,
  });
  return ajv;
}

function lengthKeyword(ajv: Ajv2020, keyword: string, compile: (bound: number) => (text: string) => boolean): void {
  ajv.removeKeyword(keyword);
  ajv.addKeyword({
    keyword,
    type: 'string',
    schemaType: 'number',
    metaSchema: { type: 'integer', minimum: 0 },
    errors: false,
    compile,
  });
}

/** Code points: a pair of surrogates counts once. */
function points(text: string): number {
  let count = text.length;
  for (let i = 0; i + 1 < text.length; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      count--;
      i++;
    }
  }
  return count;
}
