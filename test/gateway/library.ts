/** A running gateway, in this process, before the library server: what is reviewed of it, and what not. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../src/core/ports.ts';
import { readSite } from '../../src/gateway/site.ts';
import { type Running, startGateway } from '../../src/gateway/start.ts';
import { descriptorDigest } from '../../src/inventory/digest.ts';
import { type Lock, printLock, withUpstream } from '../../src/inventory/lock.ts';
import { parseLock } from '../../src/inventory/parse.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { openStateFolder } from '../../src/store/folder.ts';
import { tryOwn } from '../../src/store/owner.ts';
import { http, INITIALIZE, META } from '../doors/client.ts';
import { OPEN_LIMITS, Site, type SiteOptions } from '../e2e/site.ts';

export const FOLDER = 'library://shelf/*';
const TOOLS = ['add', 'log', 'move', 'rewrite', 'seen', 'steps', 'touch', 'wait'];
/** All that the reviewer pinned; the diary is not among it. */
export const GRANTED = [
  ...TOOLS.map((name) => `library.${name}`),
  'library.prompt:greet',
  'library.prompt:summarise',
  'library.resource:library://catalog',
  `library.resource:${FOLDER}`,
  'library.template:library://book/{title}',
];

export interface Library {
  readonly site: Site;
  readonly url: string;
  readonly running: Running;
  readonly events: { code: string; data: JsonObject }[];
  readonly calls: { method: string; kind: string; code: string | undefined }[];
  /** Rewrites the configuration with these grants; the gateway notices. */
  grant(granted: readonly string[], more?: string): void;
  /** Whether the gateway has noticed the last grants. */
  inForce(): boolean;
  ask(method: string, params?: object, more?: Asking): Promise<JsonObject>;
  session(path?: string, token?: string): Promise<string>;
  legacy(session: string, method: string, params?: object, more?: Asking): Promise<JsonObject>;
  close(): Promise<void>;
}
export interface Asking {
  readonly id?: number | string;
  readonly path?: string;
  readonly token?: string;
}

/** Reviews once, then opens; `change` may alter the lockfile before the start. */
export async function library(
  options: {
    more?: string;
    granted?: readonly string[];
    servers?: SiteOptions['servers'];
    change?: (lock: Lock) => Lock;
  } = {},
): Promise<Library> {
  const { more = '', granted = GRANTED, servers = { library: ['library.ts'] }, change = (lock) => lock } = options;
  const site = new Site({ servers, more: OPEN_LIMITS });
  const reviewed = site.run('review', '--yes', '--no-grants');
  if (reviewed.status !== 0) throw new Error(reviewed.stderr + reviewed.stdout);
  const lockFile = join(site.dir, 'doorward.lock');
  writeFileSync(lockFile, printLock(change(curated(parseLock(readFileSync(lockFile, 'utf8'))))));
  const bare = readFileSync(site.config, 'utf8').replace('policy: []\n', '');
  const grant: Library['grant'] = (granted, extra = more) =>
    writeFileSync(site.config, `${bare}${extra}policy:\n  - { to: local, allow: ${JSON.stringify(granted)} }\n`);
  grant(granted);

  const events: Library['events'] = [];
  const calls: Library['calls'] = [];
  const watch = (log: Log): Log => ({
    intent: (call, trail) => log.intent(call, trail),
    outcome(call, trail, outcome) {
      calls.push({ method: call.method, kind: outcome.kind, code: outcome.code });
      return log.outcome(call, trail, outcome);
    },
    attempt: (attempt) => log.attempt(attempt),
    event(code, data) {
      events.push({ code, data: data as JsonObject });
      log.event(code, data);
    },
  });
  const owner = tryOwn(openStateFolder(join(site.dir, '.doorward')).root)!;
  const running = await startGateway({
    file: site.config,
    http: true,
    host: { root: process.getuid?.() === 0, container: false },
    clock: Date.now,
    random: randomBytes,
    user: 'test',
    npm: () => Promise.reject(new Error('no registry in tests')),
    watch,
  });
  const url = running.url!;
  const authorization = (token = site.token()) => `Bearer ${token}`;
  let id = 0;
  let closed = false;
  return {
    site,
    url,
    running,
    events,
    calls,
    grant,
    inForce: () => running.prepared().site.id === readSite(site.config).id,
    async ask(method, params = {}, { id: own, path = '/library', token } = {}) {
      const { name, uri } = params as { name?: string; uri?: string };
      const { json, text } = await http(url, {
        path,
        headers: {
          authorization: authorization(token),
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': method,
          'mcp-name': name ?? uri,
        },
        body: { jsonrpc: '2.0', id: own ?? ++id, method, params: { _meta: META, ...params } },
      });
      return text.startsWith('{') ? json : { text };
    },
    async session(path = '/library', token) {
      const { headers } = await http(url, {
        path,
        headers: { authorization: authorization(token) },
        body: INITIALIZE,
      });
      return String(headers['mcp-session-id']);
    },
    async legacy(session, method, params = {}, { id: own, path = '/library', token } = {}) {
      const { json, text } = await http(url, {
        path,
        headers: {
          authorization: authorization(token),
          'mcp-session-id': session,
          'mcp-protocol-version': '2025-11-25',
        },
        body: { jsonrpc: '2.0', id: own ?? ++id, method, params },
      });
      return text.startsWith('{') ? json : { text };
    },
    async close() {
      if (closed) return;
      closed = true;
      await running.close();
      owner.release();
      site.close();
    },
  };
}

/** The catalog by its exact URI, the shelf as a folder; the rest of the resources stays unreviewed. */
function curated(lock: Lock): Lock {
  const entry = lock.upstreams.get('library')!;
  const folder = { uri: FOLDER, name: 'shelf' };
  const [sample] = entry.things.filter(({ kind }) => kind === 'resource');
  const kept = entry.things.filter(({ kind, name }) => kind !== 'resource' || name === 'library://catalog');
  const pin = { ...sample!, name: FOLDER, descriptor: folder, digest: descriptorDigest('resource', folder) };
  return withUpstream(lock, 'library', { ...entry, things: [...kept, pin] });
}
