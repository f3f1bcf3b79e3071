/** Two servers at once, and a bundle of both under one path, over a socket in both eras. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { GRANTED, type Library, library } from './library.ts';

const MORE = `bundles:
  desk:
    tools: [library.seen, tidy.echo, { tool: tidy.count, as: tidy_count }, { tool: library.steps, as: walk }, tidy.slow]
`;
const ALL = [...GRANTED, 'tidy.echo', 'tidy.count'];
let made: Library;
let session: string;
beforeAll(async () => {
  made = await library({ more: MORE, granted: ALL, servers: { library: ['library.ts'], tidy: ['tidy.ts'] } });
  session = await made.session('/desk');
}, 60_000);
afterAll(() => made?.close());

type Ask = (method: string, params?: object) => Promise<JsonObject>;
const ERAS: readonly (readonly [string, Ask])[] = [
  ['2026-07-28', (method, params) => made.ask(method, params, { path: '/desk' })],
  ['2025-11-25', (method, params) => made.legacy(session, method, params, { path: '/desk' })],
];
const call = async (ask: Ask, name: string, args: object = {}) => {
  const { result } = (await ask('tools/call', { name, arguments: args })) as { result: any };
  return result?.content[0].text as string;
};

describe.each(ERAS)('a bundle, %s', (_era, ask) => {
  it('lists its tools in the order of the review, without what the caller may not see', async () => {
    const { result } = (await ask('tools/list')) as { result: any };
    expect(result.tools.map(({ name }: { name: string }) => name)).toEqual(['seen', 'echo', 'tidy_count', 'walk']);
    for (const method of ['prompts/list', 'resources/list', 'resources/templates/list'])
      expect(Object.values((await ask(method)).result as object)).toContainEqual([]);
  });

  it('calls the tool of the upstream behind each name', async () => {
    expect(JSON.parse(await call(ask, 'seen'))).toHaveProperty('subscribed');
    expect(await call(ask, 'echo', { text: 'hello' })).toBe('hello');
    expect(await call(ask, 'tidy_count')).toMatch(/^\d+:\d+:/);
    expect(await call(ask, 'walk', { count: 0 })).toBe('done');
  });

  it.each(['count', 'steps', 'slow', 'add', 'tidy.echo', 'where'])('knows nothing of %s', async (name) => {
    expect(await ask('tools/call', { name, arguments: {} })).toMatchObject({ error: { message: 'unknown name' } });
  });

  it('judges the arguments by the schema of the tool', async () => {
    const { result } = (await ask('tools/call', { name: 'walk', arguments: { count: 'x' } })) as { result: any };
    expect(result.isError).toBe(true);
  });
});

it('says what there is, and nothing that no person read', async () => {
  const { result } = (await made.ask('server/discover', {}, { path: '/desk' })) as { result: any };
  expect(result.capabilities).toEqual({ tools: { listChanged: true }, logging: {} });
  expect(result).not.toHaveProperty('instructions');
  const own = (await made.ask('server/discover', {}, { path: '/tidy' })) as { result: any };
  expect(own.result.instructions).toBe('Be tidy.');
});

it('is one path of its own: its session is of no use on another, nor theirs on it', async () => {
  expect(await made.legacy(session, 'tools/list')).toMatchObject({ error: { message: 'session not found' } });
  const other = await made.session('/library');
  expect(await made.legacy(other, 'tools/list', {}, { path: '/desk' })).toMatchObject({
    error: { message: 'session not found' },
  });
});

it('serves both servers at once, each by its own path', async () => {
  const asked = Array.from({ length: 20 }, (_, i) =>
    i % 2 === 0
      ? made.ask('tools/call', { name: 'echo', arguments: { text: `t${i}` } }, { path: '/tidy', id: 7 })
      : made.ask('resources/read', { uri: `library://book/b${i}` }, { path: '/library', id: 7 }),
  );
  for (const [i, { result }] of (await Promise.all(asked)).entries())
    expect(JSON.stringify(result)).toContain(i % 2 === 0 ? `"t${i}"` : `text of library://book/b${i}`);
});
