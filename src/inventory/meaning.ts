/**
 * What a change of a descriptor means for whoever agreed to the thing before, in sentences (guarantee NV1). `diff` says
 * what is different; this says what can happen now that could not.
 */
import type { PinKind } from '../core/call.ts';
import { judgeDescriptor } from '../detect/injection/descriptor.ts';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import { escapeText } from '../lib/text.ts';

/** Kinds of parameters by name or format: what a server can now learn or do. */
const TAKES: readonly (readonly [what: string, name: RegExp, format?: RegExp])[] = [
  [
    'an e-mail address or another recipient',
    /(?:^|_)(?:e?mail|emails|to|cc|bcc|recipients?|phone|number|chat_id|channel)(?:_|$)/,
    /^(?:idn-)?email$/,
  ],
  ['a URL', /(?:^|_)(?:url|uri|link|href|webhook|callback|endpoint)s?(?:_|$)/, /^(?:uri|iri|url)/],
  ['a path', /(?:^|_)(?:path|file|filename|dir|directory|folder)s?(?:_|$)/],
  ['code or a command', /(?:^|_)(?:code|command|cmd|script|sql|query|shell|expression|eval)s?(?:_|$)/],
  ['a secret', /(?:^|_)(?:token|password|passwd|secret|api_?key|key|credential|cookie|session)s?(?:_|$)/],
  [
    'text in which a conversation fits',
    /(?:^|_)(?:context|conversation|history|sidenote|notes?|reason|reasoning|thoughts?|details|metadata|summary|instructions?)(?:_|$)/,
  ],
];
/** Words of a description that set an order between tools. */
const ORDER = /\b(?:before|first|prior|always|must|instead|after|then|whenever|every)\b/i;
const MAX_PARAMETERS = 256;
const SHOWN = 128;

/** `others`: names of tools that a reader knows, of all upstreams. Empty where nothing more can happen. */
export function meaning(kind: PinKind, before: JsonObject, after: JsonObject, others: readonly string[]): string[] {
  if (kind !== 'tool') return spoken(before, after, others);
  return [
    ...taken(before['inputSchema'], after['inputSchema']),
    ...opened(before, after),
    ...spoken(before, after, others),
  ];
}

/** New parameters that let more in or out. */
function taken(before: Json | undefined, after: Json | undefined): string[] {
  const [old, fresh] = [parameters(before), parameters(after)];
  return [...fresh].flatMap(([place, { name, schema }]) => {
    const was = old.get(place);
    return TAKES.filter((row) => is(row, name, schema) && !(was && is(row, was.name, was.schema))).map(
      ([what]) => `now takes ${what}: \`${escapeText(place, SHOWN)}\``,
    );
  });
}

function is([, names, formats]: (typeof TAKES)[number], name: string, schema: Json): boolean {
  const format = isObject(schema) ? schema['format'] : undefined;
  const plain = name
    .slice(0, SHOWN)
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase();
  return names.test(plain) || (typeof format === 'string' && formats?.test(format) === true);
}

interface Parameter {
  readonly name: string;
  readonly schema: Json;
}

/** Every parameter, also inside others, by its place. */
function parameters(schema: Json | undefined, at = '', found = new Map<string, Parameter>()): Map<string, Parameter> {
  if (!isObject(schema) || found.size >= MAX_PARAMETERS) return found;
  const { properties, items } = schema;
  for (const [name, inner] of isObject(properties) ? Object.entries(properties) : []) {
    const place = at === '' ? name : `${at}.${name}`;
    found.set(place, { name, schema: inner });
    parameters(inner, place, found);
  }
  parameters(items, `${at}[]`, found);
  return found;
}

/** Limits that are gone, and answers that say more. */
function opened(before: JsonObject, after: JsonObject): string[] {
  const [old, fresh] = [parameters(before['inputSchema']), parameters(after['inputSchema'])];
  const out: string[] = [];
  for (const [place, { schema }] of fresh) {
    const was = old.get(place)?.schema;
    if (!isObject(was) || !isObject(schema)) continue;
    const gone = ['enum', 'const', 'pattern', 'maxLength', 'maximum', 'format'].filter(
      (limit) => was[limit] !== undefined && schema[limit] === undefined,
    );
    if (gone.length > 0) out.push(`\`${escapeText(place, SHOWN)}\` takes more than before: ${gone.join(', ')} is gone`);
  }
  const hint = (tool: JsonObject, name: string) =>
    isObject(tool['annotations']) ? tool['annotations'][name] : undefined;
  if (hint(before, 'readOnlyHint') === true && hint(after, 'readOnlyHint') !== true) out.push('may write now');
  if (hint(before, 'openWorldHint') === false && hint(after, 'openWorldHint') !== false)
    out.push('may reach outside now');
  if (hint(before, 'destructiveHint') === false && hint(after, 'destructiveHint') !== false)
    out.push('may destroy now');
  return out;
}

/** What the descriptor newly says to a model. */
function spoken(before: JsonObject, after: JsonObject, others: readonly string[]): string[] {
  const [old, fresh] = [textOf(before), textOf(after)];
  if (old === fresh) return [];
  const own = String(after['name'] ?? '');
  const named = others.filter((name) => name !== own && mentions(fresh, name) && !mentions(old, name)).slice(0, 5);
  const out = named.map((name) => {
    const shown = `\`${escapeText(name, SHOWN)}\``;
    return ORDER.test(fresh) && !ORDER.test(old)
      ? `says when to call another tool: ${shown}`
      : `speaks of another tool now: ${shown}`;
  });
  const was = new Set(judgeDescriptor(own, before, others).evidence.map(({ id }) => id));
  const evidence = judgeDescriptor(own, after, others).evidence.filter(({ id }) => !was.has(id));
  return [...out, ...evidence.slice(0, 5).map(({ says }) => `speaks to the model: ${says}`)];
}

/** Short and common words are no mention. */
function mentions(text: string, name: string): boolean {
  if (name.length < 4) return false;
  let at = text.indexOf(name);
  while (at >= 0) {
    if (!/[\w-]/.test(text[at - 1] ?? ' ') && !/[\w-]/.test(text[at + name.length] ?? ' ')) return true;
    at = text.indexOf(name, at + 1);
  }
  return false;
}

const MAX_TEXT = 65_536;
function textOf(value: Json | undefined): string {
  const out: string[] = [];
  let left = MAX_TEXT;
  const walk = (node: Json | undefined): void => {
    if (left <= 0) return;
    if (Array.isArray(node)) for (const item of node) walk(item);
    else if (isObject(node)) {
      for (const [key, inner] of Object.entries(node)) {
        if (typeof inner === 'string' && (key === 'description' || key === 'title')) {
          out.push(inner.slice(0, left));
          left -= inner.length;
        } else walk(inner);
      }
    }
  };
  walk(value);
  return out.join('\n');
}
