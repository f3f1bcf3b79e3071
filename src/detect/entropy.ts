const MOST = 1024;
/** n * log2(n): the sum over all counts changes by a difference of two of them with each character. */
const WEIGHT = Float64Array.from({ length: MOST + 2 }, (_, n) => (n < 2 ? 0 : n * Math.log2(n)));
const counts = new Uint16Array(256);

/** Shannon entropy in bits per character, over the first 1,024 characters; of a character the low byte counts. */
export function entropy(text: string): number {
  const length = Math.min(text.length, MOST);
  if (length === 0) return 0;
  let sum = 0;
  for (let i = 0; i < length; i++) {
    const c = text.charCodeAt(i) & 0xff;
    const n = counts[c]!;
    sum += WEIGHT[n + 1]! - WEIGHT[n]!;
    counts[c] = n + 1;
  }
  for (let i = 0; i < length; i++) counts[text.charCodeAt(i) & 0xff] = 0;
  return Math.log2(length) - sum / length;
}
