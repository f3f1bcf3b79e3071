/** Several `run --stdio` at once share one owner; the owner is killed in the middle of a call, twice. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MAIN, OPEN_LIMITS, processesWith, Site } from './site.ts';

let site: Site;
beforeAll(() => {
  site = new Site({ servers: { tidy: ['tidy.ts'] }, more: OPEN_LIMITS });
  site.review();
});
afterAll(() => site?.close());

/** A desktop client: initialize, then requests whose answers are awaited by id. */
class Desktop {
  readonly child: ChildProcess;
  readonly #waiting = new Map<number, (message: Answer) => void>();
  #next = 0;
  constructor() {
    this.child = site.spawn('run', '--stdio', 'tidy');
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      const message = JSON.parse(line) as Answer;
      this.#waiting.get(message.id)?.(message);
    });
  }
  ask(method: string, params: object): Promise<Answer> {
    const id = ++this.#next;
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.child.stdin!.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    return answer;
  }
  async open(): Promise<this> {
    await this.ask('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 't', version: '1' },
    });
    this.child.stdin!.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
    return this;
  }
  call(name: string, args: object = {}): Promise<Answer> {
    return this.ask('tools/call', { name, arguments: args });
  }
}
interface Answer {
  id: number;
  result?: { content?: { text: string }[]; isError?: boolean };
  error?: { code: number; message: string };
}

/** The owner is the one whose children are sandboxes. */
const owns = ({ child }: Desktop) =>
  spawnSync('pgrep', ['-P', String(child.pid)], { encoding: 'utf8' }).stdout.trim() !== '';

const said = (answer: Answer) => answer.result?.content?.[0]?.text ?? answer.error?.message ?? '';

it('survives the owner, twice, and never sends a call again', async () => {
  const clients: Desktop[] = [];
  for (let i = 0; i < 3; i++) clients.push(await new Desktop().open());
  for (const client of clients) expect(said(await client.call('echo', { text: 'one' }))).toBe('one');

  let left = clients;
  for (const round of [1, 2]) {
    const owner = left.find(owns)!;
    const others = left.filter((client) => client !== owner);
    const open = others.map((client) => client.call('slow', { ms: 20_000 }));
    await new Promise((go) => setTimeout(go, 400));
    owner.child.kill('SIGKILL');
    for (const answer of await Promise.all(open)) expect(said(answer)).toMatch(/not available|not answer/);
    for (const client of others)
      expect(said(await client.call('echo', { text: `after ${round}` }))).toBe(`after ${round}`);
    left = others;
  }
  expect(site.run('audit', 'verify').status).toBe(0);

  const last = left[0]!;
  const ended = new Promise((resolve) => last.child.once('exit', resolve));
  last.child.stdin!.end();
  await ended;
  await new Promise((go) => setTimeout(go, 300));
  expect(processesWith(site.dir)).toEqual([]);
}, 60_000);

it.each(['itself', 'another process'])(
  'answers what was piped into it, when the owner is %s',
  async (owner) => {
    const served = owner === 'itself' ? undefined : await site.serve();
    const line = (id: number, method: string, params: object) => JSON.stringify({ jsonrpc: '2.0', id, method, params });
    const clientInfo = { name: 't', version: '1' };
    const { status, stdout } = spawnSync(process.execPath, [MAIN, '--config', site.config, 'run', '--stdio', 'tidy'], {
      input: `${[
        line(1, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }),
        '{"jsonrpc":"2.0","method":"notifications/initialized"}',
      ].join('\n')}\n${line(2, 'tools/call', { name: 'slow', arguments: { ms: 300 } })}\n`,
      encoding: 'utf8',
      timeout: 20_000,
    });
    const answers = stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as Answer);
    expect(status).toBe(0);
    expect(answers.map(({ id }) => id)).toEqual([1, 2]);
    expect(said(answers[1]!)).toBe('late');
    await served?.stop();
  },
  60_000,
);

it('hands over to `doorward run`, and goes on through it', async () => {
  const client = await new Desktop().open();
  expect(said(await client.call('echo', { text: 'before' }))).toBe('before');
  const served = await site.serve();
  expect(said(await client.call('echo', { text: 'after' }))).toBe('after');
  expect(site.run('run').stderr).toMatch(/error: /);
  client.child.kill('SIGKILL');
  expect(await served.stop()).toBe(0);
}, 60_000);

it('refuses another configuration over the same state folder', async () => {
  const other = new Site({ servers: { tidy: ['tidy.ts'] }, more: `state: ${site.dir}/.doorward\n` });
  other.review();
  const client = await new Desktop().open();
  const { status, stderr } = other.run('run', '--stdio', 'tidy');
  expect([status, stderr]).toEqual([2, expect.stringMatching(/another configuration/)]);
  client.child.kill('SIGKILL');
  other.close();
}, 60_000);
