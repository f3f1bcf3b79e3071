/**
 * Links that carry data out when they are shown (guarantee OU6): an image is fetched without a click, a link is fetched by
 * a preview. What stands in the address is then told to its host.
 */

export interface Leak {
  /** The address, in UTF-16 code units. */
  readonly start: number;
  readonly end: number;
  readonly host: string;
}

/** What an address may hold; a slot in brackets also spaces. */
const REST = '(?:[^\\s()<>[\\]{}"\']|\\[[^\\]\\n]{0,64}\\]|<[^>\\n]{0,64}>|\\{[^}\\n]{0,64}\\}){4,4096}';
const MARKDOWN = new RegExp(`(!?)\\[[^\\][\\n]{0,512}\\]\\(\\s{0,4}<?(https?://${REST})`, 'gi');
const REFERENCE = new RegExp(`^[ \\t]{0,3}\\[[^\\][\\n]{1,128}\\]:\\s{0,4}<?(https?://${REST})`, 'gim');
const ELEMENT = new RegExp(
  `<(?:img|image|iframe|source|video|audio|embed|object|link|script)\\b[^<>]{0,512}?(?:src|href|data|srcset)\\s{0,2}=\\s{0,2}["']?(https?://${REST})`,
  'gi',
);
/** Something for a model to fill in: `{data}`, `<secret>`, `[user name]`, `$TOKEN`, `%s`, `YOUR_DATA`. */
const SLOT =
  /[{<[](?!\d{1,4}[}\]>])[^{}<>[\]]{1,64}[}>\]]|\$\{?[A-Z_]{3,}|=%s\b|=[A-Z]{2,16}(?:_[A-Z]{2,16})+\b|=(?:DATA|SECRET|TOKEN|PASSWORD|CONTENT|MESSAGE|CONTEXT|HISTORY|BASE64)\b|%7B[\w%]{1,64}%7D/;
/** Characters of one value of a query that no picture needs. */
const LONG = 256;
/** Parts of a decoded value that make it a sentence. */
const SENTENCE = 4;

/** False: no link is in this text or JSON text. */
export function mayLink(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return buffer.includes('](', 0, 'latin1') || ELEMENTS.some((mark) => buffer.includes(mark, 0, 'latin1'));
}
const ELEMENTS = ['<img', '<IMG', '<iframe', '<source', '<link', '<script', '<object', '<embed', ']: http', ']:http'];

/** Each address that carries data, in order. */
export function leaksIn(text: string): Leak[] {
  const out: Leak[] = [];
  const judged = (address: string, start: number, shown: boolean): void => {
    const url = URL.parse(address);
    if (url === null || !carries(address, url, shown)) return;
    out.push({ start, end: start + address.length, host: url.host });
  };
  for (const { 0: all, 1: image, 2: address, index } of text.matchAll(MARKDOWN))
    judged(address!, index + all.length - address!.length, image === '!');
  for (const pattern of [REFERENCE, ELEMENT])
    for (const { 0: all, 1: address, index } of text.matchAll(pattern))
      judged(address!, index + all.length - address!.length, true);
  return out.sort((a, b) => a.start - b.start);
}

/** `shown`: it is fetched without a click. */
function carries(address: string, url: URL, shown: boolean): boolean {
  const behind = address.slice(address.indexOf(url.host.slice(0, 4)) + url.host.length);
  const query = behind.slice(Math.max(0, behind.search(/[?#]/)));
  if (SLOT.test(shown ? behind : query) && /[?#=]/.test(behind)) return true;
  for (const [, value] of url.searchParams) {
    if (/^data:image|^https?:/.test(value)) continue;
    if (shown && value.length > LONG) return true;
    if (isSentence(value) && shown) return true;
    if (value.length >= 24 && /^[A-Za-z0-9+/_-]+={0,2}$/.test(value) && isSentence(decoded(value))) return true;
  }
  return false;
}

function decoded(value: string): string {
  const text = Buffer.from(value, 'base64').toString('utf8');
  return text.includes('\ufffd') ? '' : text;
}

function isSentence(text: string): boolean {
  return text.length >= 20 && text.split(/\s+/).length > SENTENCE && /^[\p{L}\p{N}\p{P}\p{S}\s]+$/u.test(text);
}

/** The text with each leaking address replaced by the name of its host; the same string where there is none. */
export function withoutLeaks(text: string): string {
  const leaks = leaksIn(text);
  let out = '';
  let from = 0;
  for (const { start, end, host } of leaks) {
    if (start < from) continue;
    out += `${text.slice(from, start)}about:blank#doorward-removed-${host.replace(/[^a-z0-9.-]/gi, '')}`;
    from = end;
  }
  return from === 0 ? text : out + text.slice(from);
}
