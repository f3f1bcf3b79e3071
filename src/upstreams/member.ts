/**
 * Finds the bytes of `result` in a JSON-RPC answer without walking through it. The text was proven before: one valid
 * JSON object, unique names, members `jsonrpc`, `id` and `result` only. So the members before `result` are read from
 * the front and those after it from the back; what lies between is the value.
 */

const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);
const [OPEN, CLOSE, COMMA, COLON] = [0x7b, 0x7d, 0x2c, 0x3a];
const ENCODED = { jsonrpc: '"jsonrpc"', id: '"id"', result: '"result"' };
const VERSION = '"2.0"';
/** Front and back may not be longer than this, or the search is given up. */
const REACH = 128;

/** The slice [start, end) of the value, or undefined when the text is written in a way this does not know. */
export function resultSlice(line: Uint8Array, id: number): readonly [start: number, end: number] | undefined {
  const number = String(id);
  const limit = Math.min(line.length, REACH);
  let at = 0;
  const skip = () => {
    while (at < limit && SPACE.has(line[at]!)) at++;
  };
  const take = (what: string): boolean => {
    skip();
    if (!matches(line, at, what)) return false;
    at += what.length;
    return true;
  };
  const byte = (wanted: number): boolean => {
    skip();
    return line[at] === wanted && at++ < limit;
  };
  const seen = { jsonrpc: false, id: false };
  if (!byte(OPEN)) return undefined;
  while (!take(ENCODED.result)) {
    const name = take(ENCODED.jsonrpc) ? 'jsonrpc' : take(ENCODED.id) ? 'id' : undefined;
    if (name === undefined || seen[name] || !byte(COLON)) return undefined;
    if (!take(name === 'id' ? number : VERSION) || !byte(COMMA)) return undefined;
    seen[name] = true;
  }
  if (!byte(COLON)) return undefined;
  skip();
  const start = at;

  let end = line.length;
  const floor = Math.max(start, end - REACH);
  const back = () => {
    while (end > floor && SPACE.has(line[end - 1]!)) end--;
  };
  const give = (what: string): boolean => {
    back();
    if (end - what.length < floor || !matches(line, end - what.length, what)) return false;
    end -= what.length;
    return true;
  };
  const byteBack = (wanted: number): boolean => {
    back();
    return end > floor && line[end - 1] === wanted && end-- > 0;
  };
  if (!byteBack(CLOSE)) return undefined;
  while (!seen.jsonrpc || !seen.id) {
    const name = !seen.id && give(number) ? 'id' : !seen.jsonrpc && give(VERSION) ? 'jsonrpc' : undefined;
    // The comma in front proves that the quote opens a name: inside a string it would be escaped.
    if (name === undefined || !byteBack(COLON) || !give(ENCODED[name]) || !byteBack(COMMA)) return undefined;
    seen[name] = true;
  }
  back();
  return end > start && line[end - 1] === CLOSE && line[start] === OPEN ? [start, end] : undefined;
}

/** `what` is ASCII. */
function matches(line: Uint8Array, at: number, what: string): boolean {
  if (at + what.length > line.length) return false;
  for (let i = 0; i < what.length; i++) if (line[at + i] !== what.charCodeAt(i)) return false;
  return true;
}
