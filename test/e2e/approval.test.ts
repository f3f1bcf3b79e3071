/** Approvals through the running program: asked over MCP in both eras, decided at a terminal, spent once. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askOwner } from '../../src/doors/ask-owner.ts';
import { VERSION } from '../../src/gateway/version.ts';
import { sha256Hex } from '../../src/lib/bytes.ts';
import { http, INITIALIZE, legacy, META, modern } from '../doors/client.ts';
import { desktop } from './desktop.ts';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

const POLICY = 'policy: [{ to: local, ask: [tidy.echo], allow: [tidy.count] }]';
const WAITS =
  /^This call waits for the approval of a person: ([0-9A-Z]{4,6})\. Do not retry before it is granted\. Reference [0-9A-Z]{26}\.$/;

let site: Site;
let served: Served;
beforeAll(async () => {
  site = new Site({ servers: { tidy: ['tidy.ts'] }, more: `${OPEN_LIMITS}console: { port: 0 }\n` });
  expect(site.run('review', '--yes', '--no-grants').status).toBe(0);
  edit('policy: []', POLICY);
  served = await site.serve();
});
afterAll(async () => {
  await served?.stop();
  site?.close();
});

/** Stdio clients: when the gateway goes, one of them becomes the owner of the state folder. */
const bridges: ChildProcess[] = [];
type Call = (args: object) => Promise<string>;

function edit(from: string, to: string): void {
  writeFileSync(site.config, readFileSync(site.config, 'utf8').replace(from, to));
}
const auth = () => ({ authorization: `Bearer ${site.token()}` });
/** The text of a tool result, `!` before it when it is an error. */
function textOf({ json }: { json: object }): string {
  const { result, error } = json as { result?: { content: { text: string }[]; isError?: boolean }; error?: object };
  return result ? `${result.isError ? '!' : ''}${result.content[0]!.text}` : JSON.stringify(error);
}
const overModern: Call = async (args) => {
  const { headers, body } = modern(1, 'echo', args);
  return textOf(await http(served.url, { path: '/tidy', headers: { ...headers, ...auth() }, body }));
};
async function overLegacy(): Promise<Call> {
  const opened = await http(served.url, { path: '/tidy', headers: auth(), body: INITIALIZE });
  const session = {
    'mcp-session-id': opened.headers['mcp-session-id'] as string,
    'mcp-protocol-version': '2025-11-25',
  };
  return async (args) =>
    textOf(
      await http(served.url, { path: '/tidy', headers: { ...auth(), ...session }, body: legacy(2, 'echo', args) }),
    );
}
async function overStdio(): Promise<Call> {
  const { call, child } = await desktop(site, 'tidy');
  bridges.push(child);
  return async (args) => textOf({ json: await call('echo', args) });
}

/** The id in the answer of a call that waits. */
function idOf(said: string): string {
  expect(said).toMatch(/^!/);
  expect(said.slice(1)).toMatch(WAITS);
  return WAITS.exec(said.slice(1))![1]!;
}
function approve(...args: string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = site.run('approve', ...args);
  return { status, said: stdout + stderr };
}
/** The same over the same socket, without a process for it. */
async function grant(id: string): Promise<void> {
  const hello = { version: VERSION, config: sha256Hex(realpathSync(site.config)), token: site.token() };
  const said = await askOwner(realpathSync(join(site.dir, '.doorward')), hello, { do: 'grant', id });
  expect(said).toMatchObject({ approval: { id, state: 'granted' } });
}

describe.each([
  ['HTTP, modern', async () => overModern],
  ['HTTP, legacy', overLegacy],
  ['stdio', overStdio],
])('an approval over %s', (name, open) => {
  it('is asked for, granted at a terminal and good for one call', async () => {
    const call = await open();
    const args = { text: `once ${name}` };
    const id = idOf(await call(args));
    expect(idOf(await call(args))).toBe(id);
    expect(approve('grant', id, '--yes')).toMatchObject({ status: 0, said: expect.stringContaining(`${id} granted`) });
    expect(await call(args)).toBe(args.text);
    expect(idOf(await call(args))).not.toBe(id);
  });

  it('is for these arguments alone', async () => {
    const call = await open();
    const id = idOf(await call({ text: `bytes ${name}` }));
    await grant(id);
    expect(idOf(await call({ text: `bytez ${name}` }))).not.toBe(id);
    expect(await call({ text: `bytes ${name}` })).toBe(`bytes ${name}`);
  });

  it('can be denied', async () => {
    const call = await open();
    const args = { text: `no ${name}` };
    const id = idOf(await call(args));
    expect(approve('deny', id)).toMatchObject({ status: 0, said: expect.stringContaining(`${id} denied`) });
    expect(await call(args)).toMatch(/^!A person denied this call\. Do not retry\. Reference /);
    expect(approve('grant', id, '--yes')).toMatchObject({ status: 1, said: expect.stringContaining('decided') });
  });
});

describe('an approval', () => {
  it('lets one of two calls pass that come at once', async () => {
    const args = { text: 'race' };
    await grant(idOf(await overModern(args)));
    const said = await Promise.all(Array.from({ length: 8 }, () => overModern(args)));
    expect(said.filter((text) => text === 'race')).toHaveLength(1);
    expect(new Set(said.filter((text) => text !== 'race').map(idOf)).size).toBe(1);
  });

  it('is shown with everything that a reader could not see', async () => {
    const id = idOf(await overModern({ text: 'line\nend "q" \\ \u00e9 \u{1f469}\u200d\u{1f4bb}' }));
    const shown = approve('show', id);
    expect(shown.status).toBe(0);
    expect(shown.said).toContain('tidy.echo');
    expect(shown.said).toContain('policy.ask');
    expect(shown.said).toMatch(/digest {3}sha256:[0-9a-f]{64}/);
    expect(shown.said).toContain('"line\\nend \\"q\\" \\\\ \u00e9 \u{1f469}\\u200d\u{1f4bb}"');
    expect(approve('list').said).toContain(id);
    expect(JSON.parse(approve('show', id, '--json').said)).toMatchObject({ v: 1, approval: { id, subject: 'local' } });
  });

  it('is not granted without a terminal to ask at', async () => {
    const id = idOf(await overModern({ text: 'unasked' }));
    expect(approve('grant', id)).toMatchObject({ status: 1, said: expect.stringContaining('there is no terminal') });
    expect(idOf(await overModern({ text: 'unasked' }))).toBe(id);
  });

  it('is unknown by another id', () => {
    expect(approve('grant', 'ZZZZ', '--yes')).toMatchObject({ status: 1, said: expect.stringContaining('no such') });
    expect(approve('show', '../..')).toMatchObject({ status: 2 });
  });

  it('is void once the rules changed, granted or not', async () => {
    const [granted, waiting] = [{ text: 'before' }, { text: 'before too' }];
    await grant(idOf(await overModern(granted)));
    const id = idOf(await overModern(waiting));
    edit('allow: [tidy.count]', 'allow: []');
    await expect.poll(() => served.said(), { timeout: 5000 }).toContain('event.reload ');
    idOf(await overModern(granted));
    expect(approve('grant', id, '--yes')).toMatchObject({ status: 1, said: expect.stringContaining('rules changed') });
    expect(idOf(await overModern(waiting))).not.toBe(id);
  });

  it('is told in the log, with who decided and which call spent it', async () => {
    const args = { text: 'logged' };
    const id = idOf(await overModern(args));
    await grant(id);
    await overModern(args);
    const log = site.run('audit', 'tail', '--json', '-n', '50').stdout;
    const told = log.split('\n').filter((line) => line.includes(`"approval":"${id}"`));
    expect(told).toHaveLength(3);
    expect(told[0]).toMatch(/"kind":"ask","code":"approval\.needed"/);
    expect(told[1]).toMatch(/"code":"event\.approval".*"decision":"granted".*"by":"[^"]+"/);
    expect(told[2]).toMatch(/"id":"approval","way":"in","kind":"pass"/);
  });

  it('is gone with the gateway: it waits in memory alone', async () => {
    const args = { text: 'restart' };
    const id = idOf(await overModern(args));
    await grant(id);
    for (const child of bridges.splice(0)) await Promise.all([once(child, 'exit'), child.stdin!.end()]);
    await served.stop();
    expect(approve()).toMatchObject({ status: 2, said: expect.stringContaining('no gateway runs') });
    served = await site.serve();
    const gone = 'the gateway was started anew';
    expect(approve('grant', id, '--yes')).toMatchObject({ status: 1, said: expect.stringContaining(gone) });
    const anew = idOf(await overModern(args));
    expect(anew).not.toBe(id);
    await grant(anew);
    expect(await overModern(args)).toBe('restart');
  });

  it('is put to its client anew after a restart, though that comes back with the old one', async () => {
    const ask = async (more: object): Promise<any> => {
      const { headers, body } = modern(1, 'echo', { text: 'page' }) as { headers: Record<string, string>; body: any };
      const _meta = { ...META, 'io.modelcontextprotocol/clientCapabilities': { elicitation: { url: {} } } };
      const params = { ...body.params, _meta, ...more };
      const { json } = await http(served.url, {
        path: '/tidy',
        headers: { ...headers, ...auth() },
        body: { ...body, params },
      });
      return json['result'];
    };
    const before = await ask({});
    await served.stop();
    served = await site.serve();
    const inputResponses = { approval: { action: 'accept' } };
    const back = await ask({ requestState: before.requestState, inputResponses });
    expect(back).toMatchObject({
      resultType: 'input_required',
      inputRequests: { approval: { method: 'elicitation/create' } },
    });
    const [old, anew] = [before, back].map(({ inputRequests }) => inputRequests.approval.params.url.split('/').at(-1));
    expect(anew).not.toBe(old);
    await grant(anew);
    const done = await ask({ requestState: back.requestState, inputResponses });
    expect(done.content).toEqual([{ type: 'text', text: 'page' }]);
  });

  it('expires, waiting or granted', async () => {
    edit('doorward: 1\n', 'doorward: 1\napproval: { within: 2s }\n');
    await expect.poll(() => served.said(), { timeout: 5000 }).toContain('event.reload ');
    const id = idOf(await overModern({ text: 'late' }));
    const other = idOf(await overModern({ text: 'late too' }));
    await grant(other);
    await new Promise((resolve) => setTimeout(resolve, 2100));
    expect(approve('grant', id, '--yes')).toMatchObject({ status: 1 });
    expect(idOf(await overModern({ text: 'late' }))).not.toBe(id);
    expect(idOf(await overModern({ text: 'late too' }))).not.toBe(other);
  });
});
