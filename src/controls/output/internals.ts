/**
 * Whether the text of a tool's error shows the inside of a server (guarantee OU1). Ordinary errors ("no such issue")
 * stay: a model corrects itself by them. Every pattern is linear: no repeat inside a repeat, all repeats bounded.
 */
import { isObject, type Json } from '../../lib/json/types.ts';

/** Characters that are looked at. */
const LOOK = 65_536;
/** Paths that are compared with the arguments. */
const MAX_PATHS = 64;

const RULES: readonly (readonly [id: string, pattern: RegExp])[] = [
  ['stack-js', /^[ \t]{0,16}at .{0,200}[:(](?:\d{1,7}:\d{1,7}|native|<anonymous>|node:internal)/m],
  ['stack-python', /Traceback \(most recent call last\)|^[ \t]{0,16}File "[^"\n]{1,300}", line \d/m],
  [
    'stack-jvm',
    /^[ \t]{0,16}at [\w.$]{1,200}(?:<init>)?\([\w$]{1,80}\.(?:java|kt|scala|groovy):\d|\bjava\.lang\.\w{1,60}(?:Exception|Error)\b/m,
  ],
  ['stack-go', /\bgoroutine \d{1,9} \[|^panic: |^fatal error: |\.go:\d{1,6} \+0x/m],
  ['stack-rust', /\bthread '[^'\n]{1,80}' (?:\(\d{1,9}\) )?panicked at|RUST_BACKTRACE/],
  [
    'stack-dotnet',
    /^[ \t]{0,16}at [\w.`<>[\],]{1,200}\([^)\n]{0,200}\) in .{1,200}:line \d|\bSystem\.\w{1,60}Exception\b/m,
  ],
  ['stack-php', /PHP (?:Fatal|Parse|Warning)|^#\d{1,3} .{1,200}\(\d{1,6}\): |^Stack trace:/m],
  ['stack-ruby', /\.rb:\d{1,6}:in [`']/],
  ['memory', /\bSegmentation fault\b|\bcore dumped\b|\b0x[0-9a-f]{8,16}\b.{0,40}\b0x[0-9a-f]{8,16}\b/i],
  [
    'sql',
    /\bSQLSTATE\b|\bORA-\d{5}\b|\bsyntax error at or near\b|\byou have an error in your SQL syntax\b|\bunrecognized token: "|\bnear "[^"\n]{0,80}": syntax error|\b(?:sqlite3?|psycopg2?|pymysql|mysql|sqlalchemy|asyncpg)\.(?:\w{1,40}\.)?\w{0,40}(?:Error|Exception)\b|\bSQLITE_[A-Z]{3,20}\b|\bviolates (?:unique|foreign key|check|not-null) constraint\b|\b(?:relation|column|table) "[^"\n]{1,120}" (?:does not exist|already exists)|\bno such (?:table|column): |\bER_[A-Z_]{4,40}\b|\bDuplicate entry '/i,
  ],
  [
    'http',
    /\bHTTP\/\d(?:\.\d)? [45]\d\d\b|\b(?:HTTP|status|status code|response code|error code|responded with|server error)\b[^\w\n]{0,4}(?:code|error|status)?[^\w\n]{0,4}[45]\d\d\b|\b[45]\d\d (?:Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out|Forbidden|Unauthorized|Not Found|Bad Request|Too Many Requests|Client Error|Server Error)\b|<(?:!doctype html|html|head|body)\b|^(?:server|x-powered-by|set-cookie|www-authenticate|x-[\w-]{2,40}-id): /im,
  ],
  [
    'network',
    /\b(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EAI_AGAIN|EPIPE|CERT_[A-Z_]{4,40}|SELF_SIGNED_CERT\w{0,20})\b|\bgetaddrinfo\b|\bdial tcp\b|\bconnection refused\b|\bupstream connect error\b|\b(?:10|127|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2,3}\b/i,
  ],
  [
    'module',
    /\bnode_modules\/|\bsite-packages\/|\bCannot find module '|\bModuleNotFoundError\b|\bClassNotFoundException\b/,
  ],
];
/** Folders of a machine; a sandbox shows a server none of them but its own. */
const PATH =
  /(?<![\w/.-])(?:\/(?:usr|home|root|etc|var|opt|srv|app|proc|sys|run|mnt|tmp|private|Users|Library|Volumes|workspace|nix|snap)\/|[A-Za-z]:\\(?:Users|Windows|Program|ProgramData)\b)[^\s"'`)<>|,;]{0,400}/g;

/** The rule that found internals; undefined = an ordinary error. Paths that the caller sent are not internals. */
export function findInternals(text: string, args: Json): string | undefined {
  const seen = text.slice(0, LOOK);
  for (const [id, pattern] of RULES) if (pattern.test(seen)) return id;
  let sent: string[] | undefined;
  let count = 0;
  for (const [path] of seen.matchAll(PATH)) {
    if (++count > MAX_PATHS) return 'path';
    sent ??= strings(args);
    const bare = path.replace(/[.:]$/, '');
    if (!sent.some((own) => own.includes(bare) || (own.startsWith('/') && own.length > 1 && bare.startsWith(own))))
      return 'path';
  }
  return undefined;
}

function strings(value: Json, found: string[] = []): string[] {
  if (typeof value === 'string') found.push(value);
  else if (Array.isArray(value)) for (const item of value) strings(item, found);
  else if (isObject(value)) for (const name in value) strings(value[name]!, found);
  return found;
}
