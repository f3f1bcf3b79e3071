/** Reads the servers out of clients' JSON files. Values of `env` and headers are looked at, never kept. */
import { readFileSync, statSync } from 'node:fs';
import { type ParseError, parse } from 'jsonc-parser';
import { CLIENTS, type Places } from './table.ts';

export interface FoundServer {
  readonly client: string;
  readonly file: string;
  readonly name: string;
  /** argv of a stdio server. */
  readonly run?: readonly string[];
  readonly url?: string;
  /** Names only. */
  readonly env: readonly string[];
  readonly notices: readonly string[];
}

/** Over this no client's file is read. */
const MAX_BYTES = 4 * 1024 * 1024;
const SECRET_NAME = /token|key|secret|password|passwd|auth|credential/i;
const EXACT = /@\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]{1,64})?$/;

export function findServers(at: Places): FoundServer[] {
  return CLIENTS.flatMap((client) =>
    client.files(at).flatMap((file) => readServers(file, client.title, client.member)),
  );
}

/** The servers of one file; empty when the file is absent. Throws when it is no JSON (with comments). */
export function readServers(file: string, title: string, member?: string): FoundServer[] {
  let text: string;
  try {
    if (statSync(file).size > MAX_BYTES) return [];
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  const errors: ParseError[] = [];
  const root: unknown = parse(text, errors, { allowTrailingComma: true });
  if (errors.length > 0 || !isRecord(root)) throw new Error(`${file} is not a JSON object`);
  const servers = member ? root[member] : (root['mcpServers'] ?? root['servers']);
  if (!isRecord(servers)) return [];
  return Object.entries(servers).flatMap(([name, entry]) => (isRecord(entry) ? server(title, file, name, entry) : []));
}

function server(client: string, file: string, name: string, entry: Record<string, unknown>): FoundServer[] {
  const notices: string[] = [];
  const env = isRecord(entry['env']) ? entry['env'] : {};
  const headers = isRecord(entry['headers']) ? entry['headers'] : {};
  const plain = (values: Record<string, unknown>) =>
    Object.entries(values).some(
      ([key, value]) => SECRET_NAME.test(key) && typeof value === 'string' && value !== '' && !value.includes('${'),
    );
  if (plain(env) || plain(headers)) notices.push('secret in plain text');
  const url = entry['url'] ?? entry['serverUrl'];
  if (typeof url === 'string') {
    if (!url.startsWith('https:')) notices.push('no TLS');
    return [{ client, file, name, url, env: Object.keys(env), notices }];
  }
  const { command, args } = entry;
  if (typeof command !== 'string') return [];
  const run = [command, ...(Array.isArray(args) ? args.filter((arg) => typeof arg === 'string') : [])];
  if (/(^|[/\\])npx(\.cmd)?$/.test(command) && !run.slice(1).some((arg) => EXACT.test(arg)))
    notices.push('version not pinned');
  return [{ client, file, name, run, env: Object.keys(env), notices }];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
