/**
 * Forms: a flat object of simple values, all that elicitation allows (MCP 2026-07-28, client/elicitation, requested
 * schema). A small grammar of our own instead of JSON Schema: a server's schema is never compiled on a call.
 */
import { nameClass, segments } from '../../detect/judge.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { utf8Length } from '../../lib/text.ts';

const MAX_FIELDS = 64;
const MAX_CHOICES = 256;
/** Bytes of a field's name, and of a text that is shown. */
const MAX_NAME = 128;
const MAX_TEXT = 1024;

/** Names and ids that can be members of an object here. */
export function isName(name: string, max: number): boolean {
  return name !== '' && name !== '__proto__' && utf8Length(name) <= max;
}

const isText = (value: Json | undefined, max = MAX_TEXT): value is string =>
  typeof value === 'string' && utf8Length(value) <= max;
const isNumber = (value: Json | undefined): value is number => typeof value === 'number';
const isCount = (value: Json | undefined): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isTexts = (value: Json | undefined): value is string[] =>
  Array.isArray(value) && value.length <= MAX_CHOICES && value.every((one) => isText(one));
const isTitled = (value: Json | undefined): boolean =>
  Array.isArray(value) &&
  value.length <= MAX_CHOICES &&
  value.every((one) => isObject(one) && isText(one['const']) && isText(one['title']));
const isFormat = (value: Json | undefined): boolean => ['email', 'uri', 'date', 'date-time'].includes(value as string);
const isFlag = (value: Json | undefined): boolean => typeof value === 'boolean';
const isItems = (value: Json | undefined): boolean =>
  isObject(value) &&
  ((value['type'] === 'string' && isTexts(value['enum']) && value['enum'].length > 0) ||
    (Array.isArray(value['anyOf']) && isTitled(value['anyOf'])));

type Is = (value: Json | undefined) => boolean;
const SHOWN: Readonly<Record<string, Is>> = { title: (v) => isText(v), description: (v) => isText(v) };
const NUMERIC = { ...SHOWN, minimum: isNumber, maximum: isNumber, default: isNumber };
/** Keywords of each type. What no table names is left out: nobody would check it. */
const KEYWORDS: Readonly<Record<string, Readonly<Record<string, Is>>>> = {
  string: {
    ...SHOWN,
    minLength: isCount,
    maxLength: isCount,
    format: isFormat,
    enum: isTexts,
    enumNames: isTexts,
    oneOf: isTitled,
    default: (v) => isText(v),
  },
  number: NUMERIC,
  integer: NUMERIC,
  boolean: { ...SHOWN, default: isFlag },
  array: { ...SHOWN, minItems: isCount, maxItems: isCount, items: isItems, default: isTexts },
};

/** The schema without what nobody checks, the same object where that was nothing; undefined = not a form. */
export function shapedForm(schema: Json | undefined): JsonObject | undefined {
  if (!isObject(schema) || schema['type'] !== 'object' || !isObject(schema['properties'])) return undefined;
  const { properties, required } = schema;
  const names = Object.keys(properties);
  if (names.length > MAX_FIELDS || names.some((name) => !isName(name, MAX_NAME))) return undefined;
  if (required !== undefined && !(isTexts(required) && required.every((name) => Object.hasOwn(properties, name)))) {
    return undefined;
  }
  let same = Object.keys(schema).every((name) => ['type', 'properties', 'required'].includes(name));
  const kept: JsonObject = {};
  for (const name of names) {
    const field = shapedField(properties[name]);
    if (!field) return undefined;
    same &&= field === properties[name];
    kept[name] = field;
  }
  return same ? schema : { type: 'object', properties: kept, ...(required !== undefined && { required }) };
}

function shapedField(field: Json | undefined): JsonObject | undefined {
  if (!isObject(field) || typeof field['type'] !== 'string' || !Object.hasOwn(KEYWORDS, field['type']))
    return undefined;
  const keywords = KEYWORDS[field['type']]!;
  if (field['type'] === 'array' && field['items'] === undefined) return undefined;
  const kept: JsonObject = { type: field['type'] };
  for (const name in field) {
    if (name === 'type' || !Object.hasOwn(keywords, name)) continue;
    if (!keywords[name]!(field[name])) return undefined;
    kept[name] = field[name]!;
  }
  return Object.keys(kept).length === Object.keys(field).length ? field : kept;
}

/** Secrets that people have beside those that programs name. */
const OF_PEOPLE: ReadonlySet<string> = new Set(['otp', 'totp', 'pin', 'cvv', 'cvc', 'mnemonic']);

/**
 * The field that asks for a secret, by its name, title or description; or `message`, when that asks for one and a field
 * takes free text. Undefined: none does.
 */
export function secretAsked(message: string, { properties }: JsonObject): string | undefined {
  let free = false;
  for (const [name, field] of Object.entries(properties as Readonly<Record<string, JsonObject>>)) {
    if (field['type'] === 'boolean') continue;
    const { title = '', description = '' } = field;
    if (named(name) || named(title as string) || told(description as string)) return name;
    free ||= field['type'] === 'string' && field['enum'] === undefined && field['oneOf'] === undefined;
  }
  return free && told(message) ? 'message' : undefined;
}

function named(text: string): boolean {
  const words = segments(text);
  return isSecret(words) || words.some((word) => OF_PEOPLE.has(word));
}

/** Sentences are read as pairs of words, as names are: `API key`. `pass` is a verb there. */
function told(text: string): boolean {
  const words = segments(text);
  return words.some((word, i) => word !== 'pass' && isSecret(words.slice(i, i + 2).filter((one) => one !== 'pass')));
}

/** What ends in `key` alone may be any key. */
function isSecret(words: readonly string[]): boolean {
  const kind = nameClass(words);
  return kind === 'password' || kind === 'secret';
}

/** Whether what the user entered is what the form asked for. `schema` went through `shapedForm`. */
export function fitsForm(content: Json | undefined, schema: JsonObject): boolean {
  if (!isObject(content)) return false;
  const properties = schema['properties'] as Readonly<Record<string, JsonObject>>;
  for (const name of (schema['required'] as string[] | undefined) ?? []) {
    if (!Object.hasOwn(content, name)) return false;
  }
  return Object.keys(content).every(
    (name) => Object.hasOwn(properties, name) && fitsField(content[name], properties[name]!),
  );
}

function fitsField(value: Json | undefined, field: JsonObject): boolean {
  const within = (size: number, least: string, most: string) =>
    size >= ((field[least] as number | undefined) ?? 0) && size <= ((field[most] as number | undefined) ?? Infinity);
  switch (field['type']) {
    case 'string': {
      if (typeof value !== 'string' || !within([...value].length, 'minLength', 'maxLength')) return false;
      const choices = choicesOf(field);
      return choices === undefined || choices.includes(value);
    }
    case 'boolean':
      return typeof value === 'boolean';
    case 'array': {
      const choices = choicesOf(field['items'] as JsonObject);
      if (!Array.isArray(value) || !within(value.length, 'minItems', 'maxItems')) return false;
      return value.every((one) => typeof one === 'string' && choices!.includes(one));
    }
    default: {
      if (!isNumber(value) || (field['type'] === 'integer' && !Number.isInteger(value))) return false;
      const { minimum = -Infinity, maximum = Infinity } = field;
      return value >= (minimum as number) && value <= (maximum as number);
    }
  }
}

function choicesOf(field: JsonObject): readonly string[] | undefined {
  if (Array.isArray(field['enum'])) return field['enum'] as string[];
  const titled = field['oneOf'] ?? field['anyOf'];
  return Array.isArray(titled) ? titled.map((one) => (one as { const: string }).const) : undefined;
}
