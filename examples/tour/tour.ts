/**
 * `npm run tour`: what Doorward does, shown in under a minute with a real client through the running gateway. Each
 * step is asserted; the first that fails ends the tour with an error.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { ensureBubblewrap, quickstartSite } from '../quickstart/site.ts';

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const began = performance.now();
// Beside the sources, so that the published server is found in node_modules as the lockfile pins it.
const dir = mkdtempSync(join(import.meta.dirname, '.tour-'));
let gateway: ChildProcess | undefined;

function doorward(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, '--config', config, ...args], { encoding: 'utf8' });
}

function step(text: string): void {
  process.stdout.write(`  ${text}\n`);
}

ensureBubblewrap();
const { config, notes, remove } = quickstartSite(dir);

/** Starts the gateway and answers its base URL. */
function start(): Promise<string> {
  gateway = spawn(process.execPath, [MAIN, '--config', config, 'run'], { stdio: ['ignore', 'pipe', 'pipe'] });
  return new Promise((resolve, reject) => {
    let said = '';
    const hear = (chunk: Buffer) => {
      said += chunk.toString();
      const url = /(http:\/\/[0-9.]+:\d+)\/files/.exec(said);
      if (url) resolve(url[1]!);
    };
    gateway!.stdout!.on('data', hear);
    gateway!.stderr!.on('data', hear);
    gateway!.on('exit', (code) => reject(new Error(`the gateway ended with ${code}:\n${said}`)));
  });
}

async function connect(base: string, upstream: string): Promise<Client> {
  const token = readFileSync(join(dir, '.doorward/token'), 'utf8').trim();
  const client = new Client({ name: 'tour', version: '1' });
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${base}/${upstream}`), {
      requestInit: { headers: { Authorization: `Bearer ${token}` } },
    }),
  );
  return client;
}

function textOf(result: object): string {
  return ((result as { content?: { text?: string }[] }).content ?? []).map(({ text }) => text ?? '').join('\n');
}

/** The reference that a refusal names, and what the log says under it. */
function reason(text: string): string {
  const reference = /Reference ([0-9A-Z]{26})/.exec(text)?.[1];
  assert.ok(reference, `no reference in: ${text}`);
  // The outcome is queued before the reply and on the disk a moment later.
  for (let tries = 0; tries < 10; tries++) {
    const { stdout } = doorward('audit', 'show', reference);
    if (stdout.includes('"outcome"')) return stdout;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  return `no outcome of ${reference} in the log`;
}

try {
  process.stdout.write('doorward tour: a published MCP server in a sandbox, a real client, a real attacker\n');

  // A second server, of our own, and a secret that somebody left in a file.
  cpSync(join(import.meta.dirname, 'weather'), join(dir, 'weather'), { recursive: true });
  const text = readFileSync(config, 'utf8');
  const weather = '\n  weather:\n    run: [node, ./weather/server.ts]\n';
  writeFileSync(
    config,
    `${text.replace(/\n\npolicy:/, `${weather}\npolicy:`)}\nlisten: { port: 0 }\nlimits: { subject: { burst: 60 } } # probing for names is dear, and this client does it on purpose\n`,
  );
  const secret = ['AKIA', 'QYLPMN5HHHFPZAM2'].join('');
  writeFileSync(join(notes, 'deploy.env'), `REGION=eu-west-1\nAWS_ACCESS_KEY_ID=${secret}\n`);

  const reviewed = doorward('review', 'weather', '--yes');
  assert.equal(reviewed.status, 0, reviewed.stderr + reviewed.stdout);
  step('reviewed  a new server was started in the sandbox, listed, pinned and granted');

  const base = await start();
  const files = await connect(base, 'files');
  const read = await files.callTool({ name: 'read_text_file', arguments: { path: '/data/welcome.md' } });
  assert.match(textOf(read), /# Welcome/);
  step('allowed   read_text_file /data/welcome.md');

  const escape = await files.callTool({ name: 'read_text_file', arguments: { path: '/data/../etc/passwd' } });
  assert.equal(escape.isError, true);
  assert.match(reason(textOf(escape)), /input\.path/);
  step('refused   read_text_file /data/../etc/passwd: it never reached the server (input.path)');

  const { tools } = await files.listTools();
  assert.ok(tools.some(({ name }) => name === 'read_text_file'));
  assert.ok(!tools.some(({ name }) => name === 'move_file'));
  const answers = await Promise.all(
    ['move_file', 'no_such_tool'].map((name) =>
      files.callTool({ name, arguments: {} }).then(
        () => 'answered',
        (error: Error) => error.message,
      ),
    ),
  );
  assert.equal(answers[0], answers[1]);
  assert.notEqual(answers[0], 'answered');
  step('not there move_file is not granted: not listed, and it answers like a tool that does not exist');

  const leak = await files.callTool({ name: 'read_text_file', arguments: { path: '/data/deploy.env' } });
  assert.ok(!JSON.stringify(leak).includes(secret));
  assert.match(textOf(leak), /REGION=eu-west-1\nAWS_ACCESS_KEY_ID=\[redacted /);
  step('redacted  a planted AWS key in a file, and nothing else of it');

  const sky = await connect(base, 'weather');
  assert.match(textOf(await sky.callTool({ name: 'get_weather', arguments: { city: 'Lisbon' } })), /Sunny/);
  // Whether the gateway heard of the change already or finds it at dispatch: the call is refused, and never sent.
  const pulled = await sky.callTool({ name: 'get_weather', arguments: { city: 'Lisbon' } }).then(
    (result) => (result.isError ? reason(textOf(result)) : 'answered'),
    (error: Error) => error.message,
  );
  assert.match(pulled, /inventory\.changed|unknown name/);
  assert.match(doorward('audit', 'tail', '-n', '50').stdout, /event\.drift/);
  assert.equal((await sky.listTools()).tools.length, 0);
  step(
    'held      get_weather changed its description after the first call: nothing was sent, it is gone until reviewed',
  );
  await Promise.all([files.close(), sky.close()]);

  gateway!.removeAllListeners('exit');
  const ended = new Promise((resolve) => gateway!.once('exit', resolve));
  gateway!.kill('SIGTERM');
  await ended;
  assert.equal(doorward('audit', 'verify').status, 0);
  const log = join(dir, '.doorward/audit');
  const segment = join(
    log,
    readdirSync(log)
      .filter((name) => name.endsWith('.jsonl'))
      .sort()[0]!,
  );
  const lines = readFileSync(segment, 'utf8').split('\n');
  const at = lines.findIndex((line) => line.includes('/data/deploy.env'));
  writeFileSync(
    segment,
    lines.map((line, i) => (i === at ? line.replace('/data/deploy.env', '/data/welcome.md') : line)).join('\n'),
  );
  const verified = doorward('audit', 'verify');
  assert.equal(verified.status, 3, verified.stdout);
  assert.match(verified.stdout, /TAMPERED/);
  step(
    `found out somebody edited one word of the audit log: ${verified.stdout.split('\n')[0]!.replace(dir, '...').trim()}`,
  );

  process.stdout.write(`tour: 8 of 8 steps held, ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
} catch (error) {
  process.stderr.write(`tour: FAILED: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  gateway?.kill('SIGKILL');
  remove();
  rmSync(dir, { recursive: true, force: true });
}
