/** Names that are not what they look like: odd characters, and one slip away from another name (typosquats). */

/** MCP 2026-07-28, tool names: 1 to 128 of these. */
const NAME = /^[A-Za-z0-9_.-]{1,128}$/;
/** Shorter names are near each other by chance. */
const MIN_NEAR = 6;

export function isPlainName(name: string): boolean {
  return NAME.test(name);
}

/**
 * The first of `known` that `name` could be mistaken for: one insertion, deletion, replacement or swap apart, or equal
 * but for case and separators. Equal names, and names that differ in a number only (`v1`, `v2`), are not near.
 */
export function nearName(name: string, known: Iterable<string>): string | undefined {
  for (const other of known) {
    if (other === name) continue;
    if (fold(other) === fold(name)) return other;
    if (Math.min(name.length, other.length) < MIN_NEAR || name.length > 256 || other.length > 256) continue;
    if (slip(name.toLowerCase(), other.toLowerCase())) return other;
  }
  return undefined;
}

function fold(name: string): string {
  return name.toLowerCase().replace(/[_.-]/g, '').replace(/0/g, 'o').replace(/[1i]/g, 'l');
}

/** Damerau-Levenshtein distance 1, in one pass from both ends. */
function slip(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  if (/^\d*$/.test(left) && /^\d*$/.test(right)) return false;
  if (left.length <= 1 && right.length <= 1) return true;
  return left.length === 2 && right.length === 2 && left[0] === right[1] && left[1] === right[0];
}
