/** Fields that travel sealed (guarantee TR10): from one server to another past a client that cannot read them. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { http, META, modern } from '../doors/client.ts';
import { OPEN_LIMITS, type Served, Site } from './site.ts';

const CARD = '4111 1111 1111 1111';
const SEALS: Readonly<Record<string, string>> = {
  'desk fetch': 'seal: { results: [/token], to: [pay] }',
  'pay charge': 'seal: { arguments: [/token], require: true }',
};
let site: Site;
let served: Served;
beforeAll(async () => {
  site = new Site({ servers: { desk: ['cards.ts'], pay: ['cards.ts'] }, more: OPEN_LIMITS });
  site.reviewAll();
  const file = join(site.dir, 'doorward.lock');
  let upstream = '';
  let name = '';
  const lines = readFileSync(file, 'utf8').split('\n');
  writeFileSync(
    file,
    lines
      .flatMap((line) => {
        upstream = /^ {2}"(\w+)":$/.exec(line)?.[1] ?? upstream;
        name = /^ +- name: "(\w+)"$/.exec(line)?.[1] ?? name;
        const seal = SEALS[`${upstream} ${name}`];
        return line.startsWith('        facts:') && seal ? [line, `        ${seal}`] : [line];
      })
      .join('\n'),
  );
  served = await site.serve();
}, 60_000);
afterAll(async () => {
  await served?.stop();
  site?.close();
});

const credential = () => ({ authorization: `Bearer ${site.token()}` });
async function call(path: string, tool: string, args: object) {
  const { headers, body } = modern(1, tool, args);
  const { json, text } = await http(served.url, { path, headers: { ...headers, ...credential() }, body });
  return { text, result: json?.result as any };
}
async function token(): Promise<string> {
  return (await call('/desk', 'fetch', {})).result.structuredContent.token;
}

it('past the client nothing can be read, and the other server gets what was meant', async () => {
  const { text, result } = await call('/desk', 'fetch', {});
  expect(text).not.toMatch(/4111/);
  expect(result.structuredContent).toEqual({ token: expect.stringMatching(/^eyJ[\w-]+\.\.[\w.-]+$/), holder: 'Ann' });
  expect(JSON.parse(result.content[0].text)).toEqual(result.structuredContent);
  expect(result.content[1].text).toMatch(/^\[withheld/);
  const paid = await call('/pay', 'charge', { token: result.structuredContent.token, cents: 5 });
  expect(paid.result).toMatchObject({ content: [{ text: 'charged 5' }] });
});

it('the listing says where a sealed text stands', async () => {
  const list = async (path: string) => {
    const { json } = await http(served.url, {
      path,
      headers: { ...credential(), 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' },
      body: { jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: META } },
    });
    return (json.result as { tools: any[] }).tools;
  };
  const of = (tools: any[], name: string) => tools.find((tool) => tool.name === name);
  const sealed = { type: 'string', description: expect.stringContaining('sealed') };
  expect(of(await list('/desk'), 'fetch').outputSchema.properties.token).toEqual(sealed);
  expect(of(await list('/pay'), 'charge').inputSchema.properties.token).toEqual(sealed);
  expect(of(await list('/pay'), 'fetch').outputSchema.properties.token).toMatchObject({ pattern: expect.any(String) });
});

it.each<[string, (good: string) => [path: string, token: string]]>([
  ['in plain', () => ['/pay', CARD]],
  ['changed', (good) => ['/pay', good.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'))]],
  ['of another gateway', () => ['/pay', 'eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA']],
])('a value %s is refused', async (_, made) => {
  const [path, text] = made(await token());
  const { result } = await call(path, 'charge', { token: text, cents: 5 });
  expect(result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('sealed value') }] });
});

it('another upstream gets no more than the text itself', async () => {
  const { result } = await call('/desk', 'charge', { token: await token(), cents: 5 });
  expect(result.isError).toBe(true);
});

it('the log says that a value was sealed, and not which', async () => {
  await call('/pay', 'charge', { token: await token(), cents: 5 });
  await call('/pay', 'charge', { token: CARD, cents: 5 });
  const log = readdirSync(site.audit, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('');
  expect(log).toMatch(/"sealed":\["[0-9a-f]{64}"\],"args":\{"token":"\[masked\]","cents":5\}/);
  expect(log).toContain('"code":"seal.sealed"');
  expect(log).toContain('"code":"seal.plain"');
  expect(log).not.toMatch(/4111|eyJ/);
});

it('explain judges a call without the key', () => {
  const said = (token: string) =>
    JSON.parse(site.run('explain', 'pay.charge', JSON.stringify({ token, cents: 5 }), '--json').stdout) as object;
  expect(said(CARD)).toMatchObject({ verdict: 'stop', code: 'seal.plain' });
});
