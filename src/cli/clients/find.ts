/** Reads the servers out of clients' JSON files. What may be a secret is looked at, told of, and never kept. */
import { readFileSync, statSync } from 'node:fs';
import { type ParseError, parse } from 'jsonc-parser';
import { redactText } from '../../detect/secrets.ts';
import { parseRun } from '../../inventory/packages/run.ts';
import { CLIENTS, type Client, type Places } from './table.ts';

export interface FoundServer {
  readonly client: string;
  readonly file: string;
  readonly name: string;
  /** argv of a stdio server; `***` stands where a secret stood. */
  readonly run?: readonly string[];
  /** Without user, query and fragment. */
  readonly url?: string;
  /** Names only. */
  readonly env: readonly string[];
  /** True: an argument or the address holds a secret, so that it cannot be taken over as it is. */
  readonly secret: boolean;
  readonly notices: readonly Notice[];
}

export type Notice = 'secret in plain text' | 'no TLS' | 'version not pinned' | 'not npx or node';

export interface Found {
  readonly servers: readonly FoundServer[];
  /** Files that are there and could not be read, one sentence each. */
  readonly faults: readonly string[];
}

/** Over this no client's file is read. Claude Code keeps its history in the same file. */
const MAX_BYTES = 64 * 1024 * 1024;
const SECRET_NAME = /token|key|secret|password|passwd|auth|credential/i;

export function findServers(at: Places): Found {
  const faults: string[] = [];
  const servers = CLIENTS.flatMap((client) =>
    client.files(at).flatMap((file) => {
      try {
        return readServers(file, client.title, client);
      } catch (error) {
        faults.push(`${client.title}: ${error instanceof Error ? error.message : String(error)}`);
        return [];
      }
    }),
  );
  return { servers, faults };
}

/** The servers of one file; none when it is absent or empty. Throws when it cannot be read or is no JSON (with comments). */
export function readServers(file: string, title: string, client?: Client): FoundServer[] {
  const root = readObject(file);
  if (!root) return [];
  const blocks = client ? client.blocks(root) : [root['mcpServers'] ?? root['servers']];
  return blocks
    .filter(isRecord)
    .flatMap((block) => Object.entries(block))
    .flatMap(([name, entry]) => (isRecord(entry) ? server(title, file, name, entry) : []));
}

function readObject(file: string): Record<string, unknown> | undefined {
  let text: string;
  try {
    if (statSync(file).size > MAX_BYTES) throw new Error('too large');
    text = readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new Error(`${file} cannot be read (${code ?? message})`);
  }
  if (text.trim() === '') return undefined;
  const errors: ParseError[] = [];
  let root: unknown;
  try {
    root = parse(text, errors, { allowTrailingComma: true });
  } catch {
    // The parser calls itself for each level: nothing that a client wrote is so deep.
  }
  if (errors.length > 0 || !isRecord(root)) throw new Error(`${file} is not a JSON object`);
  return root;
}

function server(client: string, file: string, name: string, entry: Record<string, unknown>): FoundServer[] {
  const notices = new Set<Notice>();
  const env = isRecord(entry['env']) ? entry['env'] : {};
  const headers = isRecord(entry['headers']) ? entry['headers'] : {};
  if ([env, headers].some((values) => Object.entries(values).some(([key, value]) => isSecret(key, value))))
    notices.add('secret in plain text');
  const found = { client, file, name, env: Object.keys(env) };
  const address = entry['url'] ?? entry['serverUrl'];
  if (typeof address === 'string') {
    const { url, secret } = plainUrl(address);
    if (secret) notices.add('secret in plain text');
    if (!address.toLowerCase().startsWith('https:')) notices.add('no TLS');
    return [{ ...found, url, secret, notices: [...notices] }];
  }
  const { command, args } = entry;
  if (typeof command !== 'string' || command === '') return [];
  // Desktop clients shrink PATH, so that people write it out.
  const program = /(?:^|[/\\])(npx|node)(?:\.cmd|\.exe)?$/.exec(command)?.[1];
  const { words, secret } = withoutSecrets(Array.isArray(args) ? args.filter((arg) => typeof arg === 'string') : []);
  const run = [program ?? redactText(command).text, ...words];
  if (secret) notices.add('secret in plain text');
  if (program === undefined) notices.add('not npx or node');
  else if (program === 'npx' && 'fault' in parseRun(run)) notices.add('version not pinned');
  return [{ ...found, run, secret: secret || redactText(command).found.length > 0, notices: [...notices] }];
}

/** A variable of the client (`${env:NAME}`, `${input:name}`) is a reference and no secret. */
function isSecret(name: string, value: unknown): boolean {
  if (typeof value !== 'string' || value === '' || value.includes('${')) return false;
  return SECRET_NAME.test(name) || redactText(value).found.length > 0;
}

/** `--token x`, `--token=x`, `API_KEY=x`, `Authorization: x`, and whatever looks like a secret by itself. */
function withoutSecrets(args: readonly string[]): { words: string[]; secret: boolean } {
  let secret = false;
  let named = false;
  const words = args.map((arg) => {
    const value = /^-{0,2}([A-Za-z][\w.-]{0,63}) ?[=:] ?(.+)$/s.exec(arg);
    const place = /^(?:\.{0,2}\/|~|https?:)/;
    const hit =
      (named && !arg.startsWith('-') && !place.test(arg) && isSecret('key', arg)) ||
      (value !== null && !place.test(value[2]!) && SECRET_NAME.test(value[1]!) && isSecret('key', value[2])) ||
      isSecret('', arg);
    named = /^--?[A-Za-z][\w-]{0,63}$/.test(arg) && SECRET_NAME.test(arg);
    secret ||= hit;
    if (!hit) return arg;
    return value && SECRET_NAME.test(value[1]!) ? arg.slice(0, arg.length - value[2]!.length) + '***' : '***';
  });
  return { words, secret };
}

function plainUrl(address: string): { url: string; secret: boolean } {
  let at: URL;
  try {
    at = new URL(address);
  } catch {
    return { url: '(not a URL)', secret: false };
  }
  const { found, text } = redactText(`${at.protocol}//${at.host}${at.pathname}`);
  const query = [...at.searchParams].some(([name, value]) => isSecret(name, value));
  return { url: text, secret: found.length > 0 || query || at.username !== '' || at.password !== '' };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
