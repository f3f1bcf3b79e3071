/** A text as a JSON string, as JSON.stringify writes it. */

/** Longer ones are not looked at: what JSON.stringify costs beside its work is nothing then. */
const SHORT = 128;

export function quote(text: string): string {
  if (text.length > SHORT) return JSON.stringify(text);
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    // Controls, quotes, backslashes; surrogates, which may stand alone, and what lies behind them.
    if (c < 0x20 || c === 0x22 || c === 0x5c || c >= 0xd800) return JSON.stringify(text);
  }
  return `"${text}"`;
}
