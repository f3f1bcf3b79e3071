/** Secrets whose shape is a grammar of its own: PEM blocks, credentials in URLs, headers and command lines. */
import { entropy } from './entropy.ts';
import { isPlaceholder, isSecretValue, isTemplate, isWords } from './judge.ts';
import { classOf } from './shape.ts';
import { BACKSLASH, hasBackslash, isQuote, type Match, runEnd, type Source, text } from './source.ts';

/** What a string, a regex or a hash costs beside the bytes it reads, in steps of one byte. */
const CALL = 150;
const MAX_VALUE = 4096;

const BASE64 = classOf('A-Za-z0-9+/');
const PEM_HEAD = /^-{4,5} ?BEGIN[A-Z0-9 _-]{0,64}?PRIVATE KEY(?: BLOCK)? ?-{4,5}|^-{5}BEGIN USER NKEY SEED-{5}/;
/** Headers that tools write: they count alone, because the body may come with the next line or message. */
const PEM_USUAL = /BEGIN (?:(?:RSA |EC |DSA |OPENSSH )?PRIVATE KEY|PGP PRIVATE KEY BLOCK)/;
const PEM_BODY = classOf('A-Za-z0-9+/=\\s\\\\:,"\'.-');
const PEM_REACH = 64 * 1024;

/** From BEGIN to the end of the END line; without an END, what looks like its body. */
export function pem(s: Source, at: number): Match | undefined {
  s.work.steps += CALL;
  const named = PEM_HEAD.exec(text(s, at, at + 112));
  if (named === null) return undefined;
  const body = at + named[0].length;
  const close = find(s, '-----END', body, PEM_REACH);
  if (close >= 0) {
    if (!s.raw && base64Count(s, body, close) < 24) return undefined;
    const line = /^-----END [A-Z0-9 ]{0,48}-{0,5}/.exec(text(s, close, close + 64));
    return { start: at, end: close + (line?.[0].length ?? 8) };
  }
  const end = runEnd(s, PEM_BODY, body, PEM_REACH);
  // A header alone counts where the text ends with it; in front of other text it is one that is spoken of.
  if (!s.raw && base64Count(s, body, end) < 16 && end < s.length) return undefined;
  return s.raw || PEM_USUAL.test(named[0]) || base64Count(s, body, end) >= 40 ? { start: at, end } : undefined;
}

/** The private half of a PuTTY key file. */
export function putty(s: Source, at: number): Match | undefined {
  const line = find(s, 'Private-Lines:', at, PEM_REACH);
  if (line < 0) return undefined;
  const mac = find(s, 'Private-MAC:', line, PEM_REACH);
  return { start: line, end: mac < 0 ? s.length : mac };
}

/** Index of `word` in the `reach` bytes from `at`, or -1. */
function find(s: Source, word: string, at: number, reach: number): number {
  const end = Math.min(s.length, at + reach);
  const index = s.bytes.subarray(at, end).indexOf(word, 0, 'latin1');
  s.work.steps += CALL + ((index < 0 ? end - at : index) >> 2);
  return index < 0 ? -1 : at + index;
}

function base64Count(s: Source, from: number, to: number): number {
  let count = 0;
  let p = from;
  for (; p < to && count < 40; p++) count += BASE64[s.bytes[p]!]!;
  s.work.steps += p - from;
  return count;
}

/** The end of the lines of base64 that follow: sixteen characters or more, or a last one that ends in `=`. */
export function base64Lines(s: Source, at: number): number {
  let end = at;
  for (;;) {
    let p = end;
    while (LINE_BREAK[s.bytes[p] ?? 0] === 1 && p - end < 32) p++;
    if (p === end) return end;
    // As text in text writes it: a backslash, and the letter of the escape.
    if (s.bytes[p - 1] === BACKSLASH && (s.bytes[p] === 0x6e || s.bytes[p] === 0x72)) p++;
    const run = runEnd(s, BASE64, p, PEM_REACH);
    const padded = runEnd(s, PADDING, run, 2);
    if (run - p < 16 && padded === run) return end;
    end = padded;
  }
}
const LINE_BREAK = classOf(' \\s\\\\"+,\'');
const PADDING = classOf('=');

const USER = classOf('A-Za-z0-9._~%+=!$*-');
const URL_PASSWORD = new Uint8Array(256).fill(1);
for (const c of ' \t\r\n"\'<>`/\\') URL_PASSWORD[c.charCodeAt(0)] = 0;

/** `scheme://user:password@host`: the password; or the user, where it is a token. */
export function url(s: Source, at: number): Match | undefined {
  const user = at + 3;
  const colon = runEnd(s, USER, user, 256);
  if (s.bytes[colon] === 0x40) return tokenUser(s, user, colon);
  if (s.bytes[colon] !== 0x3a) return undefined;
  let sign = runEnd(s, URL_PASSWORD, colon + 1, 256) - 1;
  while (sign > colon && s.bytes[sign] !== 0x40) sign--;
  if (sign === colon || !isHost(s.bytes[sign + 1])) return undefined;
  const password = text(s, colon + 1, sign);
  if (password === '' || /^(?:x-oauth-basic|x-token-auth)$/.test(password)) return tokenUser(s, user, colon);
  const name = text(s, user, colon);
  s.work.steps += 4 * CALL;
  if (isTemplate(password) || isTemplate(name) || password.length < 4 || /^(.)\1*$/.test(password)) return undefined;
  // Connection strings in documentation name the parts; a web address with a password in it is meant to be used.
  const web =
    /(?:https?|ftps?|wss?)$/.test(text(s, Math.max(0, at - 5), at)) && !/username|your|dbuser|testuser/i.test(name);
  if (/\.{3}|\*{3}|\u2026/.test(password) || (!web && (isPlaceholder(password) || password === name))) return undefined;
  return { start: colon + 1, end: sign, soft: true };
}

function tokenUser(s: Source, start: number, end: number): Match | undefined {
  s.work.steps += 2 * CALL;
  const user = text(s, start, end);
  return user.length >= 16 && /^[A-Za-z0-9_-]+$/.test(user) && isSecretValue('secret', user, true)
    ? { start, end, soft: true }
    : undefined;
}

function isHost(c: number | undefined): boolean {
  return c !== undefined && /[A-Za-z0-9[]/.test(String.fromCharCode(c));
}

const CREDENTIALS = classOf('A-Za-z0-9._~+/=:-');
/** Longest that may stand between the name of the header and the credentials. */
const HEADER_GAP = 48;

/** `Authorization: <scheme> <credentials>` in headers, code, JSON and command lines. */
export function authorization(s: Source, at: number): Match | undefined {
  const named = at + 'authorization'.length;
  if (s.raw && hasBackslash(s, named, named + HEADER_GAP)) return { start: at, end: named };
  let p = named;
  let sign = false;
  let quoted = false;
  for (; p < s.length && p - named < 16; p++) {
    const c = s.bytes[p]!;
    if (isQuote(c)) quoted = true;
    else if (c === 0x3a || c === 0x3d || (c === 0x2c && quoted)) sign = true;
    else if (!(c === 0x20 || c === 0x09 || c === 0x5c || c === 0x3e || c === 0x5d)) break;
  }
  s.work.steps += p - named + 2;
  if (!sign) return undefined;
  const first = runEnd(s, CREDENTIALS, p, MAX_VALUE);
  const scheme = first - p <= 24 && s.bytes[first] === 0x20 ? text(s, p, first) : '';
  if (!/^[A-Za-z][A-Za-z0-9_-]*:?$/.test(scheme)) return credentials(s, p, first, false);
  return credentials(s, first + 1, runEnd(s, CREDENTIALS, first + 1, MAX_VALUE), /^basic$/i.test(scheme));
}

/** `Bearer <credentials>` wherever it stands. */
export function bearer(s: Source, at: number): Match | undefined {
  const start = at + 'bearer '.length;
  const end = runEnd(s, CREDENTIALS, start, MAX_VALUE);
  return end - start < 20 ? undefined : credentials(s, start, end, false);
}

function credentials(s: Source, start: number, end: number, basic: boolean): Match | undefined {
  if (end - start < 8) return undefined;
  s.work.steps += 4 * CALL + (end - start);
  const value = text(s, start, end);
  if (isPlaceholder(value)) return undefined;
  const upper = /[A-Z]/.test(value);
  const lower = /[a-z]/.test(value);
  const digit = /[0-9]/.test(value);
  if (basic) {
    if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(value)) return undefined;
    const pair = Buffer.from(value, 'base64').toString('latin1').includes(':');
    return pair || (upper && lower && digit) ? { start, end, soft: true } : undefined;
  }
  const random = digit ? entropy(value) >= 2.8 : upper && lower && entropy(value) >= 3.6;
  return random && !value.includes('://') && !isWords(value) ? { start, end, soft: true } : undefined;
}

const CURL_USER =
  /[\s"'](?:-[a-zA-Z]{0,4}u|--user|--proxy-user)(?:\s{0,4}|=)["']?([^\s"':]{0,128})["']?:["']?([^\s"']{0,128})/;
const CURL_REACH = 512;

/** `curl -u user:password`: the password; or the user before an empty one. */
export function curl(s: Source, at: number): Match | undefined {
  const line = text(s, at, at + (s.raw ? 2 * CURL_REACH : CURL_REACH));
  s.work.steps += CALL + 4 * line.length;
  if (s.raw) return /-u|--user|--proxy-user/.test(line) ? { start: at, end: at + 4 } : undefined;
  const option = CURL_USER.exec(line);
  if (option === null) return undefined;
  const [, user = '', password = ''] = option;
  const end = at + option.index + option[0].length;
  if (isTemplate(user) || isPlaceholder(password) || /^(.)\1*$/.test(password)) return undefined;
  if (password !== '') return { start: end - password.length, end, soft: true };
  const token = /[0-9]/.test(user) && user.length >= 10;
  return token ? { start: end - 1 - user.length, end: end - 1, soft: true } : undefined;
}

const PAIR_REACH = 700;
const PAIR = /^[\s"'\\]{0,4}[:=][\s"'\\]{0,8}([A-Za-z0-9+/]{12,512}={0,2})/;

/** `"auth": "..."` of a registry's configuration, `_auth=...` of npm's: user and password as base64. */
export function basicPair(s: Source, at: number): Match | undefined {
  const named = at + '_auth'.length;
  const after = text(s, named, named + PAIR_REACH);
  const pair = PAIR.exec(after);
  s.work.steps += CALL + (pair?.[0].length ?? 16);
  if (pair === null) return undefined;
  const end = named + pair[0].length;
  return s.raw || isBasicPair(pair[1]!) ? { start: end - pair[1]!.length, end, soft: true } : undefined;
}

/** Base64 of a user, a colon and a password, all of them characters that a person can type. */
export function isBasicPair(value: string): boolean {
  if (!/^[A-Za-z0-9+/]{12,512}={0,2}$/.test(value)) return false;
  return /^[\x21-\x39\x3b-\x7e]{1,64}:[\x20-\x7e]{4,}$/.test(Buffer.from(value, 'base64').toString('latin1'));
}

/** A line of a `.pgpass`: `host:5432:database:user:password`. `at` is the colon before the port. */
export function pgpass(s: Source, at: number): Match | undefined {
  const line = /^:5432:[\w*.-]{1,63}:[\w*.@-]{1,63}:([^\s:"')\\]{4,128})(?=[\s"')]|$)/.exec(text(s, at, at + 300));
  s.work.steps += 2 * CALL;
  if (s.raw)
    return /^:5432:[^:]{1,63}:[^:]{1,63}:/.test(text(s, at, at + 140)) ? { start: at, end: at + 6 } : undefined;
  if (line === null || !isSecretValue('password', line[1]!, false)) return undefined;
  return { start: at + line[0].length - line[1]!.length, end: at + line[0].length, soft: true };
}
