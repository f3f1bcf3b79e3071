/** Servers of both revisions on pipes, in the real sandbox: how each is found out, and what that costs. */
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import type { Notification } from '../../src/core/call.ts';
import { Ended } from '../../src/core/ended.ts';
import { openConnection } from '../../src/upstreams/opening.ts';
import { Connection } from '../../src/upstreams/stdio.ts';
import { type Setup, setup, textOf } from './world.ts';

const opened: Setup[] = [];
type Change = Parameters<typeof setup>[1];
async function serving(args: string[], change?: Change): Promise<Setup> {
  const [file, ...rest] = args;
  const made = await setup(['node', `./servers/${file}`, ...rest], change);
  opened.push(made);
  return made;
}
const lanes = ({ events }: Setup) => events.filter(({ code }) => code === 'event.lane').map(({ data }) => data);
const eras = (world: Setup) => lanes(world).flatMap(({ what, era }) => (what === 'start' ? [era] : []));
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

afterEach(async () => {
  for (const made of opened.splice(0)) await made.lanes.close();
});

describe('a server of 2026-07-28', () => {
  it('is greeted with server/discover, and called in its own envelope', async () => {
    const world = await serving(['modern.ts']);
    const answer = await world.call('echo', { text: 'hello' });
    expect(textOf(answer)).toBe('hello');
    expect(eras(world)).toEqual(['modern', 'modern']);
    if (answer.kind !== 'result') throw new Error('no result');
    expect(JSON.parse(Buffer.from(answer.bytes!).toString())).toEqual({ content: [{ type: 'text', text: 'hello' }] });
    const { heard, meta } = JSON.parse(textOf(await world.call('heard')));
    expect(heard.slice(0, 2)).toEqual(['server/discover', 'tools/list']);
    expect(heard).not.toContain('initialize');
    expect(heard).not.toContain('notifications/cancelled');
    expect(meta).toEqual({
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
      'io.modelcontextprotocol/clientInfo': { name: 'doorward', version: '0' },
      progressToken: expect.any(Number),
    });
    expect(world.events.filter(({ code }) => code === 'event.protocol')).toEqual([]);
  });
  it('reports progress, and hears of a cancellation', async () => {
    const world = await serving(['modern.ts']);
    const notes: Notification[] = [];
    await world.call('steps', { count: 3 }, { notes });
    expect(notes.map(({ method, params }) => [method, params['progress']])).toEqual(
      [1, 2, 3].map((progress) => ['notifications/progress', progress]),
    );
    const cancel = new AbortController();
    const call = world.call('slow', { ms: 5_000 }, { signal: cancel.signal });
    await pause(20);
    cancel.abort(new Ended('cancel', 'run.cancelled'));
    await expect(call).rejects.toMatchObject({ code: 'run.cancelled' });
    expect(JSON.parse(textOf(await world.call('heard'))).heard).toContain('notifications/cancelled');
  });
  it('sends log messages from the level that the caller asked for', async () => {
    const world = await serving(['modern.ts']);
    const notes: Notification[] = [];
    await world.call('steps', { count: 0 }, { notes, logLevel: 'critical' });
    expect(notes.map(({ params }) => params['level'])).toEqual(['critical', 'alert', 'emergency']);
  });
  it('tells of a changed list on the stream that it was asked for, and is listed again', async () => {
    const world = await serving(['modern.ts']);
    await world.call('grow');
    expect(world.drifts).toEqual([]);
    await expect
      .poll(async () => {
        await world.call('echo', { text: 'x' });
        return world.drifts;
      })
      .toEqual(['under-test']);
  });
  it('is found even when it starts slowly', async () => {
    expect(eras(await serving(['modern.ts', 'slow']))).toEqual(['modern']);
  });
});

describe('an older server', () => {
  it('that does not answer is initialized on the same child, and not asked again', async () => {
    const world = await serving(['modern.ts', 'silent']);
    const { heard } = JSON.parse(textOf(await world.call('heard')));
    expect(heard).toEqual(['initialize', 'notifications/initialized', 'tools/list', 'tools/call']);
    expect(eras(world)).toEqual(['legacy', 'legacy']);
    expect(lanes(world)).toHaveLength(3);
  });
  it('that ends when it is asked is started again without the question, once', async () => {
    const world = await serving(['modern.ts', 'dies']);
    expect(lanes(world).map(({ what }) => what)).toEqual(['end', 'start', 'end']);
    const { heard } = JSON.parse(textOf(await world.call('heard')));
    expect(heard).not.toContain('server/discover');
    expect(eras(world)).toEqual(['legacy', 'legacy']);
    expect(lanes(world)).toHaveLength(4);
  });
  it('that answers with an error is asked again after an hour', async () => {
    let past = 0;
    const world = await serving(['modern.ts', 'older'], { clock: () => Date.now() + past });
    const heard = async (subject: string) => JSON.parse(textOf(await world.call('heard', {}, { subject }))).heard[0];
    expect(await heard('a')).toBe('initialize');
    past = 3_500_000;
    expect(await heard('b')).toBe('initialize');
    past = 3_700_000;
    expect(await heard('c')).toBe('server/discover');
    expect(await heard('d')).toBe('initialize');
    expect(eras(world)).toEqual(Array.from({ length: 5 }, () => 'legacy'));
  });
  it('that answers with an error goes on at once, however long a silence would be borne', async () => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const ignore = () => {};
    const connection = new Connection({ input, output, onFault: ignore, onListChanged: ignore, onBroken: ignore });
    const asked: string[] = [];
    output.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split('\n')) {
        const { id, method } = JSON.parse(line);
        asked.push(method);
        if (id === undefined) continue;
        const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'm', version: '1' } };
        const answer = method === 'initialize' ? { result } : { error: { code: -32601, message: 'unknown' } };
        input.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...answer })}\n`);
      }
    });
    const ours = { client: { name: 'doorward', version: '0' }, offered: {} };
    const never = new AbortController().signal;
    const { era } = await openConnection(connection, ours, undefined, never, 2 ** 31 - 1);
    expect(era).toBe('legacy');
    await expect.poll(() => asked).toEqual(['server/discover', 'initialize', 'notifications/initialized']);
  });
});
