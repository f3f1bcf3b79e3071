/** Ways out of a folder, as attackers write them: in paths (guarantee IN5) and in the paths of URIs. */

/** Rounds of decoding that are looked through; what still decodes after them is refused. */
const ROUNDS = 3;
// Dots that stand alone, whatever the separators around them are taken for: `..;`, `..%uEFC8`, `.. /` too.
const CLIMB = /(?<![\p{L}\p{N}_.])\.{2,}(?![\p{L}\p{N}_.])/u;
const CONTROL = /\p{Cc}/u;
// UTF-8 longer than need be, decoded byte by byte: C0 AE is a dot, C0 AF and C1 9C are slashes.
const LONG_DOT = /\u00c0[\u00ae\u006e\u00fe\u002e]|\u00e0\u0080\u00ae|\u00f0\u0080\u0080\u00ae/g;
const LONG_SLASH =
  /\u00c0[\u00af\u005c\u00dc\u002f]|\u00e0\u0080\u00af|\u00f0\u0080\u0080\u00af|\u00c1\u009c|\u00e0\u0081\u009c/g;

/** Whether the text, as it is or decoded, climbs (`..` as a component) or holds control characters. */
export function climbs(text: string): boolean {
  let form = text;
  for (let round = 0; round <= ROUNDS; round++) {
    if (CONTROL.test(form) || CLIMB.test(form)) return true;
    // Fullwidth dots and one-dot leaders; dots behind backslashes.
    const folded = form.normalize('NFKC').replaceAll('\\.', '.');
    if (folded !== form && CLIMB.test(folded)) return true;
    const decoded = decode(form);
    if (decoded === form) return false;
    form = decoded;
  }
  return true;
}

/** In UTF-16 code units: as long as an argument may be. */
const MAX_URI = 8_192;
// RFC 3986: a scheme, and no character that would have to be escaped.
const URI = /^[A-Za-z][A-Za-z0-9+.-]{0,31}:[!#$%&'()*+,./0-9:;=?@A-Z[\]_a-z~-]*$/;

/** Whether a text is a URI that names what it seems to name: well-formed, bounded, not climbing. */
export function isSafeUri(uri: string): boolean {
  return uri.length <= MAX_URI && URI.test(uri) && !climbs(uri);
}

/** Whether a URI lies below a reviewed folder, written with `/*` at its end. What is not surely below is not. */
export function isBelow(folder: string, uri: string): boolean {
  const stem = folder.slice(0, -1);
  return uri.length > stem.length && uri.startsWith(stem) && isSafeUri(uri);
}

function decode(form: string): string {
  if (!form.includes('%') && !form.includes('0x')) return form;
  return form
    .replace(/%u([0-9a-f]{4})|%([0-9a-f]{2})|0x(2e|2f|5c)/gi, (_, wide?: string, byte?: string, hex?: string) =>
      String.fromCharCode(Number.parseInt((wide ?? byte ?? hex)!, 16)),
    )
    .replace(LONG_DOT, '.')
    .replace(LONG_SLASH, '/');
}
