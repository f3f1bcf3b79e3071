/** Whether a URI is covered by a reviewed prefix or template. What is not surely covered is not. */
import { isBelow, isSafeUri } from '../lib/traversal.ts';

/** A reviewed resource whose URI ends with `/*` covers everything below that folder. */
export function isPrefix(reviewed: string): boolean {
  return reviewed.endsWith('/*');
}

export const underPrefix = isBelow;

/** Parts of a URI template (RFC 6570): text and expressions in turn. undefined when it is not of a kind we match. */
type Part = { readonly text: string } | { readonly folders: boolean };

/**
 * A matcher for one template; undefined for operators other than none, `+` and `/`, and for expressions side by side,
 * where several readings of one URI exist. Linear: each expression takes the least that lets the next text match.
 */
export function templateMatcher(template: string): ((uri: string) => boolean) | undefined {
  const parts: Part[] = [];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf('{', at);
    const text = template.slice(at, open < 0 ? undefined : open);
    if (text !== '') parts.push({ text });
    if (open < 0) break;
    const close = template.indexOf('}', open);
    const found = /^([+/]?)[A-Za-z_][A-Za-z0-9_]{0,63}\*?$/.exec(template.slice(open + 1, close < 0 ? open : close));
    const last = parts.at(-1);
    if (!found || (last && !('text' in last))) return undefined;
    if (found[1] === '/') parts.push({ text: '/' });
    parts.push({ folders: found[1] !== '' });
    at = close + 1;
  }
  const first = parts[0];
  if (!first || !('text' in first)) return undefined;
  return (uri) => isSafeUri(uri) && matches(parts, uri);
}

function matches(parts: readonly Part[], uri: string): boolean {
  let at = 0;
  for (const [i, part] of parts.entries()) {
    if ('text' in part) {
      if (!uri.startsWith(part.text, at)) return false;
      at += part.text.length;
      continue;
    }
    const next = parts[i + 1] as { text: string } | undefined;
    const end =
      next === undefined
        ? uri.length
        : i + 2 === parts.length
          ? uri.length - next.text.length
          : uri.indexOf(next.text, at + 1);
    if (end <= at) return false;
    const value = uri.slice(at, end);
    if (part.folders ? /[?#]/.test(value) : /[/?#]|%2f|%5c/i.test(value)) return false;
    at = end;
  }
  return at === uri.length;
}
