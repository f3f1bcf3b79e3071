/** Text that came from outside, made fit to be looked at: in a log line, an error, a terminal. */

// Controls, line separators, invisible and direction-changing characters, lone surrogates.
const UNSAFE =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Variation_Selector}\u2800]/gu;

/** Every character that a reader could not see, or that acts on a terminal, becomes `<U+XXXX>`; cut at `maxBytes`. */
export function escapeText(text: string, maxBytes = 4096): string {
  const safe = text
    .slice(0, maxBytes)
    .replace(UNSAFE, (c) => `<U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}>`);
  const cut = cutUtf8(safe, maxBytes);
  return cut.length === safe.length && text.length <= maxBytes ? cut : `${cut}...`;
}

/** JSON whose strings cannot act on a terminal or deceive a reader: what `escapeText` would mark is written as `\uXXXX`, the value stays the same. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(/[^\n\x20-\x7e]/gu, (char) =>
    escapeText(char) === char
      ? char
      : char
          .split('')
          .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
          .join(''),
  );
}

/** Length in bytes of UTF-8. */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

/** The longest prefix of at most `maxBytes` bytes that ends between characters. */
export function cutUtf8(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

/** The candidate that a mistyped word most likely meant; undefined when none is near. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bound = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const far = distance(word.toLowerCase(), candidate.toLowerCase(), bound);
    if (far < bound) [best, bound] = [candidate, far];
  }
  return best;
}

/** Edit distance with adjacent swaps as one edit (optimal string alignment); stops counting at `bound`. */
function distance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) >= bound || a.length > 64 || b.length > 64) return bound;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j]!, before[j - 2]! + 1);
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
