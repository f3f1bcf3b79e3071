import { createGzip } from 'node:zlib';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Notification } from '../../../src/core/call.ts';
import { Authority } from '../../net/pki.ts';
import { names } from '../../net/world.ts';
import { pause, type Site, type SiteOptions, site, textOf, type World, world } from './world.ts';

const ca = new Authority();
const foreign = new Authority();
const good = ca.issue('DNS:mcp.example.test');
const sites: Site[] = [];
const worlds: World[] = [];
const up = async (options: SiteOptions) => {
  const made = await site(options);
  sites.push(made);
  return made;
};
const resolve = names({ 'mcp.example.test': ['127.0.0.1'] });
const over = ({ port }: Site, tls: object = {}, change: Parameters<typeof world>[1] = {}) => {
  const made = world(
    { url: `https://mcp.example.test:${port}/mcp`, tls: { ca: ca.root.certFile, ...tls } },
    { resolve, ...change },
  );
  worlds.push(made);
  return made;
};
afterEach(async () => {
  for (const made of worlds.splice(0)) await made.lanes.close();
  for (const made of sites.splice(0)) await made.close();
});
afterAll(() => {
  ca.remove();
  foreign.remove();
});

describe('a server over TLS', () => {
  it.each(['modern', 'legacy'] as const)('of the %s era is called by its name', async (era) => {
    const at = await up({ era, tls: good });
    expect(textOf(await over(at, { pin: [good.pin] }).call())).toBe('hello');
    expect(at.of('tools/call')[0]!.headers.host).toBe(`mcp.example.test:${at.port}`);
  });

  it('with a wrong certificate is never told a thing', async () => {
    for (const pair of [foreign.issue('DNS:mcp.example.test'), ca.issue('DNS:mcp.example.test', { days: -1 })]) {
      const at = await up({ tls: pair });
      await expect(over(at).call()).rejects.toMatchObject({ code: 'upstream.tls' });
      expect(at.heard).toEqual([]);
    }
    const at = await up({ tls: good });
    const other = ca.issue('DNS:mcp.example.test');
    await expect(over(at, { pin: [other.pin] }).call()).rejects.toMatchObject({ code: 'upstream.tls' });
    expect(at.heard).toEqual([]);
  });

  it('whose certificate is swapped in mid-life is left at the next connection', async () => {
    const at = await up({
      tls: good,
      answer: ({ message, res }) => {
        if (message?.method === 'tools/call') res.setHeader('connection', 'close');
      },
    });
    const made = over(at, {}, { limits: { backoff: 1 } });
    expect(textOf(await made.call())).toBe('hello');
    await pause(20);
    at.swap(foreign.issue('DNS:mcp.example.test'));
    // Until a connection that was verified before has closed, it goes on.
    const codes: string[] = [];
    for (let i = 0; i < 6; i++) {
      codes.push(
        await made.call().then(
          () => 'ok',
          ({ code }) => code,
        ),
      );
      await pause(20);
    }
    expect(codes.at(-1)).toBe('upstream.tls');
    const before = at.of('tools/call').length;
    at.swap(good);
    await pause(100);
    expect(textOf(await made.call())).toBe('hello');
    expect(at.of('tools/call')).toHaveLength(before + 1);
  });
});

describe('a name that leads inside', () => {
  it.each([
    ['127.0.0.1', []],
    ['169.254.169.254', ['127.0.0.0/8', '10.0.0.0/8']],
    ['10.0.0.1', ['127.0.0.0/8']],
    ['::ffff:10.0.0.1', ['127.0.0.0/8']],
  ])('to %s with %j named is not called', async (address, named) => {
    const made = world(
      { url: 'https://mcp.example.test/mcp', private: named },
      { resolve: names({ 'mcp.example.test': [address] }) },
    );
    worlds.push(made);
    await expect(made.call()).rejects.toMatchObject({ code: 'upstream.address' });
  });

  it('only after it was checked is not called either', async () => {
    let asked = 0;
    const rebinding = async () => [asked++ === 0 ? '127.0.0.1' : '169.254.169.254'];
    const at = await up({
      tls: good,
      answer: ({ message, res }) => {
        if (message?.method === 'tools/list') res.setHeader('connection', 'close');
      },
    });
    const made = over(at, {}, { resolve: rebinding });
    const codes = new Set<string>();
    for (let i = 0; i < 3; i++)
      codes.add(
        await made.call().then(
          () => 'ok',
          ({ code }) => code,
        ),
      );
    expect([...codes].every((code) => /^(ok|upstream\.(address|start))$/.test(code))).toBe(true);
    expect(at.heard.every(({ headers }) => headers.host?.startsWith('mcp.example.test'))).toBe(true);
  });
});

describe('a packed stream', () => {
  it('is read as it comes', async () => {
    const at = await up({
      tls: good,
      answer: ({ message, res }) => {
        if (message?.method !== 'tools/call') return;
        res.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
        const pack = createGzip();
        pack.pipe(res);
        const say = (value: object) => pack.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...value })}\n\n`);
        const progressToken = message.params._meta.progressToken;
        say({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
        pack.flush();
        setTimeout(() => {
          say({ id: message.id, result: { content: [{ type: 'text', text: 'packed' }], resultType: 'complete' } });
          pack.end();
        }, 500);
        return true;
      },
    });
    const notes: Notification[] = [];
    const call = over(at).call({}, { notes });
    let answered = false;
    const ended = call.finally(() => {
      answered = true;
    });
    await expect.poll(() => notes.length, { interval: 5, timeout: 5000 }).toBe(1);
    expect(answered).toBe(false);
    expect(textOf(await ended)).toBe('packed');
  });
});
