/** Listings and what they name, over a socket in both eras, before a real server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { GRANTED, type Library, library } from './library.ts';

let made: Library;
let session: string;
beforeAll(async () => {
  made = await library();
  session = await made.session();
}, 60_000);
afterAll(() => made?.close());

type Ask = (method: string, params?: object) => Promise<JsonObject>;
const ERAS: readonly (readonly [string, Ask])[] = [
  ['2026-07-28', (method, params) => made.ask(method, params)],
  ['2025-11-25', (method, params) => made.legacy(session, method, params)],
];
const result = (answer: JsonObject) => answer.result as JsonObject & { [name: string]: any };
const names = (list: unknown, by = 'name') => (list as JsonObject[]).map((entry) => entry[by]);

describe.each(ERAS)('%s', (_era, ask) => {
  it('lists the resources that exist and were reviewed, in the words of the review', async () => {
    const { resources } = result(await ask('resources/list'));
    expect(resources).toEqual([
      { uri: 'library://catalog', name: 'catalog', description: 'All there is', mimeType: 'text/plain' },
      { uri: 'library://shelf/one', name: 'one' },
      { uri: 'library://shelf/three', name: 'three' },
      { uri: 'library://shelf/two', name: 'two' },
    ]);
  });

  it.each([
    ['an exact URI', 'library://catalog'],
    ['a URI below a reviewed folder', 'library://shelf/two'],
    ['a URI of a template', 'library://book/emma'],
  ])('reads %s', async (_what, uri) => {
    const { contents } = result(await ask('resources/read', { uri }));
    expect(contents).toEqual([{ uri, mimeType: 'text/plain', text: `text of ${uri}` }]);
  });

  it.each(['library://secret/diary', 'library://shelf/../secret/diary', 'library://shelf/', 'library://nothing'])(
    'knows nothing of %s',
    async (uri) => {
      const { error } = (await ask('resources/read', { uri })) as { error: JsonObject };
      expect(error).toEqual({ code: -32602, message: 'unknown name', data: { uri } });
    },
  );

  it('tells nothing of an error of the server', async () => {
    const answer = JSON.stringify(await ask('resources/read', { uri: 'library://shelf/burnt' }));
    expect(answer).toContain('error');
    expect(answer).not.toContain('/srv/library');
  });

  it('lists prompts and templates, and gets a prompt', async () => {
    expect(names(result(await ask('prompts/list')).prompts)).toEqual(['greet', 'summarise']);
    expect(names(result(await ask('resources/templates/list')).resourceTemplates, 'uriTemplate')).toEqual([
      'library://book/{title}',
    ]);
    const { messages } = result(await ask('prompts/get', { name: 'summarise', arguments: { book: 'emma' } }));
    expect(messages[0].content.text).toBe('summarise {"book":"emma"}');
    expect(await ask('prompts/get', { name: 'summarise' })).toMatchObject({ error: { code: expect.any(Number) } });
  });

  it('completes arguments of prompts and variables of templates', async () => {
    const prompt = { type: 'ref/prompt', name: 'summarise' };
    const template = { type: 'ref/resource', uri: 'library://book/{title}' };
    for (const [ref, name] of [
      [prompt, 'book'],
      [template, 'title'],
    ] as const) {
      const { completion } = result(await ask('completion/complete', { ref, argument: { name, value: 'du' } }));
      expect(completion.values).toEqual(['dune', 'dubliners']);
    }
    const context = { arguments: { tone: 'dry' } };
    const filled = await ask('completion/complete', { ref: prompt, argument: { name: 'book', value: 'du' }, context });
    expect(result(filled).completion.values).toContain('dry du');
    for (const [ref, name] of [
      [{ type: 'ref/prompt', name: 'nothing' }, 'book'],
      [prompt, 'nothing'],
    ] as const) {
      expect(await ask('completion/complete', { ref, argument: { name, value: '' } })).toHaveProperty('error');
    }
  });

  it.each(['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'])(
    'refuses a cursor of %s that it did not make',
    async (method) => {
      const { error } = (await ask(method, { cursor: '2' })) as { error: JsonObject };
      expect(error).toEqual({ code: -32602, message: 'invalid cursor' });
    },
  );
});

it('says in both eras what there is for the caller', async () => {
  const { capabilities } = result(await made.ask('server/discover'));
  expect(capabilities).toEqual({
    tools: { listChanged: true },
    prompts: { listChanged: true },
    resources: { listChanged: true, subscribe: true },
    completions: {},
    logging: {},
  });
});

it('answers equally in both eras', async () => {
  const bare = (answer: JsonObject) => {
    const { resultType: _, ttlMs: _t, cacheScope: _c, ...rest } = (answer.result ?? answer.error) as JsonObject;
    return JSON.stringify(rest).replaceAll(/[0-9A-HJKMNP-TV-Z]{26}/g, 'REF');
  };
  for (const [method, params] of [
    ['resources/list', {}],
    ['prompts/list', {}],
    ['resources/read', { uri: 'library://shelf/one' }],
    ['resources/read', { uri: 'library://secret/diary' }],
    ['prompts/get', { name: 'nothing' }],
    ['prompts/get', { name: 'greet', arguments: { x: 'y' } }],
    ['tools/call', { name: 'seen', arguments: { x: 1 } }],
  ] as const) {
    const [modern, legacy] = [await made.ask(method, params), await made.legacy(session, method, params)];
    expect(bare(modern)).toBe(bare(legacy));
  }
});

it('lets nobody keep or share an answer', async () => {
  for (const [method, params] of [
    ['server/discover', {}],
    ['tools/list', {}],
    ['prompts/list', {}],
    ['resources/list', {}],
    ['resources/templates/list', {}],
    ['resources/read', { uri: 'library://catalog' }],
  ] as const) {
    expect(result(await made.ask(method, params))).toMatchObject({ ttlMs: 0, cacheScope: 'private' });
  }
});

it('shows a resource that was added below a reviewed folder, and asks again for each listing', async () => {
  await made.ask('tools/call', { name: 'add', arguments: { name: 'four' } });
  expect(names(result(await made.ask('resources/list')).resources)).toContain('four');
});

it('hides what the caller may not list, down to the capability', async () => {
  made.grant(GRANTED.filter((name) => !/prompt|resource|template/.test(name)));
  const prompts = async () => result(await made.ask('prompts/list')).prompts;
  await expect.poll(prompts, { timeout: 5000 }).toEqual([]);
  expect(result(await made.ask('resources/list')).resources).toEqual([]);
  const { capabilities } = result(await made.ask('server/discover'));
  expect(Object.keys(capabilities).sort()).toEqual(['logging', 'tools']);
  made.grant(GRANTED);
  await expect.poll(prompts, { timeout: 5000 }).toHaveLength(2);
});
