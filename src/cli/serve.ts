/** What `run` and the quickstart share: take the state folder, start, print the block, end in order. */
import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { openConnectPages } from '../console/connect.ts';
import { openConsole } from '../console/open.ts';
import type { Log } from '../core/ports.ts';
import { type Hello } from '../doors/hello.ts';
import { BridgeRefused, join, takeOver } from '../doors/join.ts';
import { relay } from '../doors/relay.ts';
import { StartRefused } from '../gateway/changes.ts';
import { readSite, type Site } from '../gateway/site.ts';
import { type Running, startGateway } from '../gateway/start.ts';
import { VERSION } from '../gateway/version.ts';
import { sha256Hex } from '../lib/bytes.ts';
import { callerToken, openStateFolder } from '../store/folder.ts';
import { tryOwn } from '../store/owner.ts';
import { watched } from './live.ts';
import { thisHost } from './machine.ts';
import { npm } from './npm.ts';
import { data, shown, Trouble, talk } from './terminal.ts';
import { told, vaultOf } from './vault.ts';

const random = (n: number): Uint8Array => randomBytes(n);

function options(file: string, http: boolean, line?: (text: string) => void) {
  return {
    file,
    http,
    host: thisHost(),
    clock: Date.now,
    random,
    user: userInfo().username,
    npm,
    console: openConsole,
    connect: openConnectPages,
    ...(line && { watch: (log: Log) => watched(log, line) }),
  };
}

function hello(site: Site, upstream: string): Hello {
  const folder = openStateFolder(site.stateDir);
  return {
    version: VERSION,
    config: sha256Hex(site.file),
    want: 'serve',
    upstream,
    token: callerToken(folder, random),
  };
}

/** Serves HTTP until a signal. `extra` lines go into the printed block. */
export async function serveHttpGateway(file: string, extra: readonly string[] = []): Promise<Running> {
  const site = readSite(file);
  const owner = await takeOver({ dir: site.stateDir, hello: hello(site, ''), tryOwn }).catch(refusedBridge);
  try {
    const vault = await told(() => vaultOf(site, 'read'));
    const running = await startGateway({ ...options(file, true, data), vault }).catch(refusedStart);
    const close = once(async () => {
      await running.close();
      owner.release();
    });
    // Before it says that it runs: whoever reads that may end it at once.
    onSignal(close);
    data(block(file, running, extra));
    return { ...running, close };
  } catch (error) {
    owner.release();
    throw error;
  }
}

/** One stdio client: as owner of the state folder, or through the process that owns it. */
export async function serveStdio(file: string, upstream: string): Promise<void> {
  const site = readSite(file);
  const routes = routesOf(site);
  if (!routes.includes(upstream))
    throw new Trouble(`no upstream \`${upstream}\` in ${file}`, `one of: ${routes.join(', ')}`);
  let end: (() => Promise<void>) | undefined;
  const greeting = hello(site, upstream);
  onSignal(async () => void (await end?.()));
  try {
    await relay({
      input: process.stdin,
      output: process.stdout,
      join: (yielding) =>
        join({
          dir: site.stateDir,
          hello: greeting,
          tryOwn,
          ...(yielding && { yieldFor: 3_000 }),
          async becomeOwner(owner) {
            const running = await startGateway({
              ...options(file, false),
              handOver: () => void running.close({ handover: true }).finally(() => owner.release()),
            }).catch(refusedStart);
            end = once(async () => {
              await running.close();
              owner.release();
            });
            return running.bridge.local(upstream);
          },
        }),
    });
  } catch (error) {
    throw error instanceof BridgeRefused ? refusedBridge(error) : error;
  } finally {
    await end?.();
  }
}

function refusedBridge(error: unknown): never {
  if (error instanceof BridgeRefused)
    throw new Trouble(
      error.message,
      error.why === 'busy' ? 'doorward run is running already: end it first' : undefined,
    );
  throw error;
}

function refusedStart(error: unknown): never {
  if (!(error instanceof StartRefused)) throw error;
  for (const { text, fix } of error.findings.slice(0, -1)) {
    talk(`doorward: error: ${shown(text, 1000)}`);
    talk(`doorward: hint: ${shown(fix, 1000)}`);
  }
  const last = error.findings.at(-1)!;
  throw new Trouble(last.text, last.fix);
}

/** What runs, where, who may call, where the evidence lies, what to paste next. No secret is printed. */
function block(file: string, running: Running, extra: readonly string[]): string {
  const { site, findings } = running.prepared();
  const names = routesOf(site);
  const things = [...site.lock.upstreams.values()].reduce((sum, { things: all }) => sum + all.length, 0);
  const width = Math.max(8, ...names.map((name) => name.length));
  const reach = Math.max(...names.map((name) => `${running.url}/${name}`.length));
  const client = {
    mcpServers: Object.fromEntries(
      names.map((name) => [
        name,
        { type: 'http', url: `${running.url}/${name}`, headers: { Authorization: 'Bearer <token>' } },
      ]),
    ),
  };
  return [
    `doorward ${VERSION}  config ${shown(file, 1000)}  lock ${things} things`,
    ...names.map(
      (name) => `  ${name.padEnd(width)} ${`${running.url}/${name}`.padEnd(reach)}    ${behind(site, name)}`,
    ),
    `  caller   local (this OS user); token in ${running.folder.token}`,
    ...(running.consoleUrl === undefined
      ? []
      : [`  console  ${running.consoleUrl}  sign in with: doorward approve code`]),
    `  audit    ${running.folder.audit}  key ${running.auditKey}`,
    ...findings
      .filter(({ severity }) => severity !== 'note')
      .map(({ severity, text, fix }) => `  ${severity.padEnd(8)} ${shown(`${text} (${fix})`, 1000)}`),
    '  client   paste this, with the content of the token file in place of <token>:',
    `           ${JSON.stringify(client)}`,
    ...extra.map((line) => `  ${line}`),
  ].join('\n');
}

function routesOf({ config }: Site): string[] {
  return [...Object.keys(config.upstreams), ...Object.keys(config.bundles)];
}

function behind({ config }: Site, name: string): string {
  const bundle = config.bundles[name];
  if (bundle) return `bundle of ${bundle.tools.length} tools`;
  const { url, transport } = config.upstreams[name]!;
  if (url === undefined) return 'stdio, bubblewrap, no network';
  return `${transport === 'sse' ? 'HTTP+SSE' : 'HTTP'}, ${new URL(url).origin}`;
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}

function onSignal(close: () => Promise<void>): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      process.once(signal, () => process.exit(130));
      void close().finally(() => process.exit(signal === 'SIGINT' ? 130 : 0));
    });
  }
}
