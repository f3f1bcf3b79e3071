/**
 * What a field holds by its name, and what it may then not hold (guarantees IN5, IN9): plain text has no script, a URL
 * leads to nothing inside, a quantity is not below zero. Refused, never repaired.
 */
import type { Exceptions, Facts } from '../../core/call.ts';
import type { Code } from '../../core/codes/index.ts';
import { isObject, type Json } from '../../lib/json/types.ts';
import { Places, pointer } from '../../lib/schema/index.ts';
import { schemelessFault, urlFault } from '../../lib/url.ts';

/** Fields in which code, markup or prose with signs is what one expects. */
const CODE =
  /(?:^|_)(?:code|scripts?|sql|query|queries|commands?|cmd|content|contents|body|html|xml|svg|markdown|md|text|texts|source|patch|diff|edits|expressions?|templates?|messages?|description|comments?|prompt|args|arguments|input|inputs|data|statement|program|snippet|notes?|summary|regex|pattern|formula|json|yaml|value|values|thought|old|new|replacement|reply|answer|question|observations?)(?:_|$)/;
const URL_NAME = /(?:^|_)(?:url|uri|urls|uris|href|webhook|endpoint|callback)(?:_|$)/;
/** Schemes that fetchers follow, whatever stands before them that they drop. */
const FETCHED =
  /^[\s\p{Cc}]{0,64}(?:https?|wss?|file|ftps?|sftp|tftp|gopher|dict|ldaps?|imaps?|pop3s?|smtps?|telnet|ssh|smb|rtsps?|jar|netdoc|phar|php|view-source|blob|url|\/\/|\\\\)(?::|(?<=\/\/)|(?<=\\\\))/iu;
const COUNT =
  /(?:^|_)(?:quantity|qty|count|limit|price|amount|total|size|length|page|per_page|max|depth|timeout)(?:_|$)/;

const TAGS =
  'a|abbr|applet|area|article|audio|b|base|body|br|button|canvas|center|div|embed|em|font|form|frame|frameset|h[1-6]|head|hr|html|i|iframe|img|input|isindex|keygen|li|link|marquee|math|meta|noscript|object|ol|option|p|picture|pre|script|section|select|source|span|strong|style|svg|table|tbody|td|template|textarea|th|title|tr|track|u|ul|video|xml|xss';
const MARKUP = new RegExp(`</?(?:${TAGS})(?:[\\s/"'>]|$)|<!--|<!\\[CDATA\\[|<!DOCTYPE|<!ENTITY`, 'i');
const SCRIPT_URL = /(?:javascript|vbscript|livescript)\s{0,8}:|data\s{0,8}:\s{0,8}text\/html/i;

/** Signs of a shell; only asked of fields that are no code, of tools that execute. */
const SHELL = /`|\$[({]|&&|\|\||[;|&\n][ \t]{0,8}[a-z_./~][\w./~-]{0,64}(?:\s|$)|[<>][ \t]{0,8}[/~.&(]/i;
const SQL =
  /["')][ \t]{1,8}(?:or|and)[ \t]{1,8}[\w"'(.]{1,64}[ \t]{0,8}(?:=|<|>|like\b)|\bunion\b[ \t]{1,8}(?:all[ \t]{1,8})?select\b|;[ \t]{0,8}(?:drop|delete|insert|update|alter|create|truncate|exec|grant|shutdown)\b|["'][ \t]{0,8}(?:--|#|\/\*|;)|\b(?:xp_cmdshell|pg_sleep|information_schema|waitfor[ \t]{1,8}delay)\b/i;
const TEMPLATE = /\{\{|\{%|<%|#\{|\$\{|\$\(\(|\[\[\$|__proto__|__class__|@\{/;

/** How one reviewed tool wants its fields looked at. */
export interface Plain {
  readonly executes: boolean;
  readonly code: Places;
  /** Typed as URLs by the schema, whatever their name. */
  readonly typed: Places;
  /** Typed as references, which may be relative: what has no scheme is a path there. */
  readonly relative: Places;
  /** May hold any. */
  readonly urls: Places;
  readonly negative: Places;
}

export function plainOf(facts: Pick<Facts, 'executes'>, exceptions: Exceptions, schema?: Json): Plain {
  return {
    executes: facts.executes,
    typed: new Places(formatted(schema, URLS, '', DEPTH)),
    relative: new Places(formatted(schema, REFERENCES, '', DEPTH)),
    code: new Places(exceptions.code),
    urls: new Places(exceptions.urls),
    negative: new Places(exceptions.negative),
  };
}

const DEPTH = 15;
const MAX_TYPED = 64;

const URLS: ReadonlySet<unknown> = new Set(['uri', 'iri', 'url']);
const REFERENCES: ReadonlySet<unknown> = new Set(['uri-reference', 'iri-reference']);

/** Pointers to what the schema gives one of these formats. */
function formatted(schema: Json | undefined, formats: ReadonlySet<unknown>, at: string, depth: number): string[] {
  if (!isObject(schema) || depth === 0) return [];
  if (formats.has(schema['format'])) return [at];
  const { properties, items } = schema;
  const inner = isObject(properties) ? Object.entries(properties) : [];
  const below = inner.flatMap(([name, part]) => formatted(part, formats, at + pointer([name]), depth - 1));
  return [...below, ...formatted(items, formats, `${at}/*`, depth - 1)].slice(0, MAX_TYPED);
}

type Path = readonly (string | number)[];
export interface Misplaced {
  readonly code: Code;
  /** A kind, never a value. */
  readonly what: string;
}

const names = new Map<string, string>();
const MAX_NAMES = 4_096;

/** `pageSize` as `page_size`. Names come from callers: what is kept of them is bounded. */
function nameOf(path: Path): string {
  const last = path.findLast((step) => typeof step === 'string') as string | undefined;
  if (last === undefined) return '';
  let name = names.get(last);
  if (name === undefined) {
    name = last
      .slice(0, 128)
      .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
      .replaceAll(/[\s.-]/g, '_')
      .toLowerCase();
    if (names.size < MAX_NAMES) names.set(last, name);
  }
  return name;
}

export function misplacedText(text: string, path: Path, plain: Plain): Misplaced | undefined {
  const name = nameOf(path);
  if (URL_NAME.test(name) || plain.typed.has(path)) {
    if (plain.urls.has(path)) return undefined;
    // What has another scheme is a name (`note://7`); what has none is taken for a host only where it can be nothing else.
    const bare = () => (plain.relative.has(path) ? undefined : schemelessFault(text));
    const fault = FETCHED.test(text) ? urlFault(text) : bare();
    return fault === undefined ? undefined : { code: 'input.url', what: fault };
  }
  if (CODE.test(name) || plain.code.has(path)) return undefined;
  if (MARKUP.test(text) || SCRIPT_URL.test(text)) return { code: 'input.code', what: 'script or markup' };
  if (!plain.executes) return undefined;
  if (SHELL.test(text)) return { code: 'input.code', what: 'shell' };
  if (SQL.test(text)) return { code: 'input.code', what: 'SQL' };
  return TEMPLATE.test(text) ? { code: 'input.code', what: 'template' } : undefined;
}

export function misplacedNumber(value: number, path: Path, plain: Plain): Misplaced | undefined {
  if (value >= 0 || !COUNT.test(nameOf(path)) || plain.negative.has(path)) return undefined;
  return { code: 'input.number', what: 'below zero' };
}
