/**
 * Sessions of 2025-11-25 in the hands of others. Rows 16, 41 and 70 of the catalogue: replay of a stream, use of an id
 * that belongs to somebody else, ids that can be guessed.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { events, http, INITIALIZE, legacy } from '../../doors/client.ts';
import { type Shop, shop } from '../shop-site.ts';

const IDS = 200;
let at: Shop;
beforeAll(async () => {
  at = await shop();
});
afterAll(() => at?.close());

const good = () => ({ authorization: `Bearer ${at.site.token()}` });
async function open(): Promise<string> {
  const { headers } = await http(at.served.url, { path: '/shop', headers: good(), body: JSON.stringify(INITIALIZE) });
  return String(headers['mcp-session-id']);
}
const order = (session: string, headers: Record<string, string | undefined> = good()) =>
  http(at.served.url, {
    path: '/shop',
    headers: { ...headers, 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' },
    body: JSON.stringify(legacy(1, 'order', { article: 'mine' })),
  });

it('an id is good for its owner, and for nobody without the credential', async () => {
  const session = await open();
  const { status, text, json } = await order(session);
  expect([status, JSON.stringify(text.startsWith('{') ? json : events(text))]).toEqual([
    200,
    expect.stringContaining('mine'),
  ]);
  expect((await order(session, {})).status).toBe(401);
  expect((await order(session, { authorization: `Bearer ${'a'.repeat(43)}` })).status).toBe(401);
});

it('ids do not repeat, do not count and do not share their beginnings by chance', async () => {
  const ids: string[] = [];
  for (let i = 0; i < IDS; i++) ids.push(await open());
  expect(new Set(ids).size).toBe(IDS);
  const ends = new Set(ids.map((id) => id.slice(-16)));
  expect(ends.size).toBe(IDS);
  for (const id of ids.slice(0, 20)) {
    const middle = Math.floor(id.length / 2);
    const other = id[middle] === 'A' ? 'B' : 'A';
    expect((await order(id.slice(0, middle) + other + id.slice(middle + 1))).status).toBe(404);
  }
});

it('a stream cannot be taken up by the event id of another, nor after its session ended', async () => {
  const [own, other] = [await open(), await open()];
  await order(other);
  const listen = async (session: string, last: string) => {
    const over = AbortSignal.timeout(700);
    let status = 0;
    let text = '';
    try {
      const response = await fetch(`${at.served.url}/shop`, {
        headers: {
          ...good(),
          accept: 'text/event-stream',
          'mcp-session-id': session,
          'mcp-protocol-version': '2025-11-25',
          'last-event-id': last,
        },
        signal: over,
      });
      status = response.status;
      for await (const chunk of response.body!) text += Buffer.from(chunk).toString();
    } catch {
      // The stream stays open until we leave.
    }
    return { status, text };
  };
  for (const last of ['1', '0', `${other}/1`, `${other}:0`, '../../1']) {
    const { text } = await listen(own, last);
    expect(text).not.toMatch(/mine|data:/);
  }
  const ended = await http(at.served.url, {
    path: '/shop',
    method: 'DELETE',
    headers: { ...good(), 'mcp-session-id': own, 'mcp-protocol-version': '2025-11-25' },
  });
  expect(ended.status).toBeLessThan(300);
  expect((await listen(own, '1')).status).toBe(404);
  expect((await order(own)).status).toBe(404);
  expect((await order(other)).status).toBe(200);
});
