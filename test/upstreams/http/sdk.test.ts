/** The official servers of both generations, as they are, each in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/lib/json/types.ts';
import { textOf, type World, world } from './world.ts';

describe.each([
  ['modern', 'modern'],
  ['legacy', 'legacy'],
  ['both', 'modern'],
])('the SDK server that speaks %s', (speaks, era) => {
  let child: ChildProcess;
  let made: World;
  beforeAll(async () => {
    child = spawn(process.execPath, [join(import.meta.dirname, '../../fixtures/servers/http.ts'), speaks]);
    const port = await new Promise<string>((resolve) =>
      child.stdout!.once('data', (text) => resolve(String(text).trim())),
    );
    const config = { url: `http://127.0.0.1:${port}/mcp` };
    const looking = world(config);
    const { tools } = await looking.lanes.probe('under-test');
    await looking.lanes.close();
    made = world(config, { pinned: tools as JsonObject[] });
  });
  afterAll(async () => {
    await made?.lanes.close();
    child?.kill();
  });

  it(`is spoken to in ${era}`, async () => {
    expect(textOf(await made.call({ text: 'hello' }))).toBe('hello');
    expect(made.events.find(({ code }) => code === 'event.lane')?.data).toMatchObject({ what: 'start', era });
    expect(made.drifts).toEqual([]);
  });

  it('answers many at once, each its own', async () => {
    const texts = Array.from({ length: 100 }, (_, i) => `text ${i}`);
    expect((await Promise.all(texts.map((text) => made.call({ text })))).map(textOf)).toEqual(texts);
  });

  it('fails in band, and refuses bad arguments', async () => {
    expect(await made.call({}, { tool: 'fail' })).toMatchObject({ kind: 'result', value: { isError: true } });
    const bad = await made.call({ text: 1 });
    expect(bad.kind === 'error' || bad.value['isError']).toBeTruthy();
  });

  it('leaves no fault in the log', () => {
    expect(made.events.filter(({ code }) => code === 'event.protocol')).toEqual([]);
  });
});
