/** URI templates (RFC 6570) as far as one reading of a URI exists. What is not surely covered is not. */
import { isSafeUri } from './traversal.ts';

/** Parts of a template: text and expressions in turn. */
type Part = { readonly text: string } | { readonly name: string; readonly folders: boolean };

/**
 * The values that a URI gives to the variables of its template, as they stand in it. A value that another reader could
 * cut elsewhere, or decode to something else, is null.
 */
export type Variables = Readonly<Record<string, string | null>>;

export interface UriTemplate {
  /** Names of its variables. */
  readonly names: readonly string[];
  /** Undefined: the template does not cover the URI. */
  match(uri: string): Variables | undefined;
}

/**
 * Undefined for operators other than none, `+` and `/`, and for expressions side by side, where several readings of one
 * URI exist. Linear: each expression takes the least that lets the next text match.
 */
export function uriTemplate(template: string): UriTemplate | undefined {
  const parts: Part[] = [];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf('{', at);
    const text = template.slice(at, open < 0 ? undefined : open);
    if (text !== '') parts.push({ text });
    if (open < 0) break;
    const close = template.indexOf('}', open);
    const found = /^([+/]?)([A-Za-z_][A-Za-z0-9_]{0,63})\*?$/.exec(template.slice(open + 1, close < 0 ? open : close));
    const last = parts.at(-1);
    if (!found || (last && !('text' in last))) return undefined;
    const [, operator, name] = found as unknown as [string, string, string];
    if (operator === '/') parts.push({ text: '/' });
    parts.push({ name, folders: operator !== '' });
    at = close + 1;
  }
  const first = parts[0];
  if (!first || !('text' in first)) return undefined;
  return {
    names: [...new Set(parts.flatMap((part) => ('name' in part ? [part.name] : [])))],
    match(uri) {
      const read = isSafeUri(uri) ? matched(parts, uri) : undefined;
      return read && uri.includes('%') ? alike(read, matched(parts, decoded(uri))) : read;
    },
  };
}

/** Only the values that a reader who decodes first finds, too. */
function alike(read: Variables, other: Variables | undefined): Variables {
  return Object.fromEntries(
    Object.entries(read).map(([name, value]) => [name, other?.[name] === value ? value : null]),
  );
}

/** The empty text, which no template covers, where it is not UTF-8. */
function decoded(uri: string): string {
  try {
    return decodeURIComponent(uri);
  } catch {
    return '';
  }
}

function matched(parts: readonly Part[], uri: string): Variables | undefined {
  const values = new Map<string, string | null>();
  let at = 0;
  let sure = true;
  for (const [i, part] of parts.entries()) {
    if ('text' in part) {
      if (!uri.startsWith(part.text, at)) return undefined;
      at += part.text.length;
      continue;
    }
    const fits = (end: number) => !(part.folders ? /[?#]/ : /[/?#]|%2f|%5c/i).test(uri.slice(at, end));
    const next = parts[i + 1] as { text: string } | undefined;
    const fixed = next === undefined || i + 2 === parts.length;
    const end = fixed ? uri.length - (next?.text.length ?? 0) : uri.indexOf(next.text, at + 1);
    if (end <= at || !fits(end)) return undefined;
    const value = uri.slice(at, end);
    // Another reader may end it earlier, with nothing in it, or later: then all that follow begin elsewhere, too.
    if (!fixed) {
      const other = uri.indexOf(next.text, end + 1);
      if (uri.startsWith(next.text, at) || (other >= 0 && fits(other))) sure = false;
    }
    const known = !values.has(part.name) || values.get(part.name) === value;
    values.set(part.name, sure && known ? value : null);
    at = end;
  }
  return at === uri.length ? Object.fromEntries(values) : undefined;
}
