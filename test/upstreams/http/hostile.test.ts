import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { Notification } from '../../../src/core/call.ts';
import { Ended } from '../../../src/core/ended.ts';
import { type Answering, pause, type Site, site, textOf, type World, world } from './world.ts';

const sites: Site[] = [];
const worlds: World[] = [];
/** A server that answers `tools/call` as told, unless the text is `tame`. */
const hostile = async (act: (how: Answering) => void, era: 'modern' | 'legacy' = 'modern') => {
  const at = await site({
    era,
    answer: (how) => {
      const { message } = how;
      if (message?.method !== 'tools/call' || message.params.arguments.text === 'tame') return;
      act(how);
      return true;
    },
  });
  sites.push(at);
  const made = world({ url: at.url });
  worlds.push(made);
  return { at, ...made };
};
afterEach(async () => {
  for (const made of worlds.splice(0)) await made.lanes.close();
  for (const made of sites.splice(0)) await made.close();
});
const faults = ({ events }: Pick<World, 'events'>) =>
  events.filter(({ code }) => code === 'event.protocol').map(({ data }) => `${data.fault} ${data.count}`);
const answer = (message: { id: number }, text = 'own') => ({
  jsonrpc: '2.0',
  id: message.id,
  result: { content: [{ type: 'text', text }], resultType: 'complete' },
});

describe('an answer', () => {
  const cases: Record<string, [(how: Answering) => void, string]> = {
    'to another request': [
      ({ message, json }) => json({ ...answer(message), id: message.id + 1 }),
      'upstream.protocol',
    ],
    'with the id as text': [
      ({ message, json }) => json({ ...answer(message), id: String(message.id) }),
      'upstream.protocol',
    ],
    'without id': [({ json }) => json({ jsonrpc: '2.0', result: {} }), 'upstream.protocol'],
    'in a batch': [({ message, json }) => json([answer(message)]), 'upstream.protocol'],
    'with result and error': [
      ({ message, json }) => json({ ...answer(message), error: { code: 1, message: 'x' } }),
      'upstream.protocol',
    ],
    'that is a request': [
      ({ message, json }) => json({ jsonrpc: '2.0', id: message.id, method: 'x' }),
      'upstream.protocol',
    ],
    'that is no JSON': [
      ({ res }) => res.setHeader('content-type', 'application/json').end('{"jsonrpc":'),
      'upstream.protocol',
    ],
    'that is empty': [({ res }) => res.setHeader('content-type', 'application/json').end(), 'upstream.protocol'],
    'with duplicate names': [
      ({ message, res }) =>
        res
          .setHeader('content-type', 'application/json')
          .end(`{"jsonrpc":"2.0","id":${message.id},"result":{"a":1,"a":2}}`),
      'upstream.protocol',
    ],
    'that is no UTF-8': [
      ({ res }) => res.setHeader('content-type', 'application/json').end(Buffer.from([0x22, 0xff, 0x22])),
      'upstream.protocol',
    ],
    'with status 202': [({ res }) => res.writeHead(202).end(), 'upstream.protocol'],
    'with status 204': [({ res }) => res.writeHead(204).end(), 'upstream.protocol'],
    'as HTML': [({ res }) => res.setHeader('content-type', 'text/html').end('<script>'), 'upstream.protocol'],
    'as JSON that says it is text': [
      ({ message, res }) => res.setHeader('content-type', 'text/plain').end(JSON.stringify(answer(message))),
      'upstream.protocol',
    ],
    'without a type': [({ message, res }) => res.end(JSON.stringify(answer(message))), 'upstream.protocol'],
    'with two types': [
      ({ message, res }) =>
        res
          .writeHead(200, ['content-type', 'application/json', 'content-type', 'text/event-stream'])
          .end(JSON.stringify(answer(message))),
      'upstream.protocol',
    ],
    'that is a result with status 500': [({ message, json }) => json(answer(message), 500), 'upstream.refused'],
    'that is too deep': [
      ({ message, res }) =>
        res
          .setHeader('content-type', 'application/json')
          .end(`{"jsonrpc":"2.0","id":${message.id},"result":{"a":${'['.repeat(500)}${']'.repeat(500)}}}`),
      'upstream.protocol',
    ],
    'over 4 MiB': [({ message, json }) => json(answer(message, 'x'.repeat(5 << 20))), 'upstream.too-large'],
    'over 4 MiB once unpacked': [
      ({ message, res }) =>
        res
          .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
          .end(gzipSync(JSON.stringify(answer(message, 'xyz'.repeat(2 << 20))))),
      'upstream.too-large',
    ],
    'over 4 MiB in one event': [
      ({ message, event }) => event(answer(message, 'x'.repeat(5 << 20))),
      'upstream.too-large',
    ],
    'in a stream that ends before it': [
      ({ event, res }) => {
        event({ jsonrpc: '2.0', method: 'notifications/message', params: {} });
        res.end();
      },
      'upstream.lost',
    ],
    'in an encoding nobody asked for': [
      ({ res }) => res.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'zstd' }).end('x'),
      'upstream.protocol',
    ],
    'of an unknown kind': [
      ({ message, json }) => json({ jsonrpc: '2.0', id: message.id, result: { resultType: 'task' } }),
      'error -32603',
    ],
  };
  it.each(Object.entries(cases))('%s is none', async (_, [act, code]) => {
    const { call } = await hostile(act);
    const got = await call().then(
      (reply) => (reply.kind === 'error' ? `error ${reply.code}` : 'passed'),
      (ended: Ended) => ended.code,
    );
    expect(got).toBe(code);
    expect(textOf(await call({ text: 'tame' }))).toBe('tame');
  });

  it('is found among answers to other requests, which are dropped and counted', async () => {
    const made = await hostile(({ message, event, res }) => {
      for (let i = 0; i < 500; i++) event({ ...answer(message, 'planted'), id: message.id + 1 + i });
      event(answer(message));
      event(answer(message, 'late'));
      res.end();
    });
    const [one, two] = await Promise.all([made.call({ text: 'a' }), made.call({ text: 'b' })]);
    expect([textOf(one), textOf(two)]).toEqual(['own', 'own']);
    expect(faults(made)).toEqual(['id 1', 'id 10', 'id 100', 'id 1000']);
  });

  it('never comes among too many messages that fit nothing', async () => {
    const made = await hostile(({ message, event }) => {
      for (let i = 0; i < 2000; i++) event({ ...answer(message), id: -i - 1 });
    });
    await expect(made.call()).rejects.toMatchObject({ code: 'upstream.protocol' });
  });

  it('keeps headers that it brings to itself', async () => {
    const made = await hostile(({ message, json }) =>
      json(answer(message), 200, { 'mcp-session-id': 'planted', 'set-cookie': 'a=b', location: 'http://evil/' }),
    );
    await made.call();
    await made.call({ text: 'tame' });
    const { headers } = made.at.of('tools/call').at(-1)!;
    expect(headers).not.toHaveProperty('mcp-session-id');
    expect(headers).not.toHaveProperty('cookie');
  });
});

describe('a stream', () => {
  it('of 10,000 notifications reaches the caller bounded, and its answer', async () => {
    const made = await hostile(({ message, event, res }) => {
      const progressToken = message.params._meta.progressToken;
      for (let progress = 1; progress <= 10_000; progress++)
        event({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress } });
      event(answer(message));
      res.end();
    });
    let waiting = 0;
    let most = 0;
    const send = async () => {
      most = Math.max(most, ++waiting);
      await pause(1);
      waiting--;
    };
    expect(textOf(await made.call({}, { send }))).toBe('own');
    expect(most).toBe(1);
    expect(faults(made)).toContain('flood 1');
  });

  it('brings no progress of other calls', async () => {
    const made = await hostile(({ message, event, res }) => {
      for (const progressToken of [message.id - 1, message.id + 1, 'x', null])
        event({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: 1 } });
      event(answer(message));
      res.end();
    });
    const notes: Notification[] = [];
    await made.call({}, { notes });
    expect(notes).toEqual([]);
    expect(faults(made)).toEqual(['token 1']);
  });

  it('without end ends when it is over its cap', async () => {
    let sent = () => 0;
    const made = await hostile(({ res, req }) => {
      const before = req.socket.bytesWritten;
      sent = () => req.socket.bytesWritten - before;
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      const event = `data: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":"${'x'.repeat(60_000)}"}}\n\n`;
      const more = () => {
        while (!res.destroyed && res.write(event));
      };
      res.on('drain', more);
      more();
    });
    await expect(made.call()).rejects.toMatchObject({ code: 'upstream.too-large' });
    expect(sent()).toBeGreaterThan(60 << 20);
    expect(sent()).toBeLessThan(80 << 20);
  });

  it('without end, of comments, costs the others nothing', async () => {
    const made = await hostile(({ res }) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      const drip = setInterval(() => res.write(':\n\n'), 1);
      res.on('close', () => clearInterval(drip));
    });
    const cancel = new AbortController();
    const stuck = made.call({}, { signal: cancel.signal }).catch((ended: Ended) => ended.code);
    const times: number[] = [];
    for (let i = 0; i < 100; i++) {
      const began = performance.now();
      await made.call({ text: 'tame' }, { subject: 'b' });
      times.push(performance.now() - began);
    }
    cancel.abort(new Ended('timeout', 'run.timeout-idle'));
    expect(await stuck).toBe('run.timeout-idle');
    expect(times.sort((a, b) => a - b)[90]!).toBeLessThan(50);
  });

  it('that goes on after the answer is cut off', async () => {
    let closed = false;
    const made = await hostile(({ message, event, res }) => {
      event(answer(message));
      const drip = setInterval(() => res.write(`data: ${'x'.repeat(20_000)}\n\n`), 5);
      res.on('close', () => {
        closed = true;
        clearInterval(drip);
      });
    });
    expect(textOf(await made.call())).toBe('own');
    await pause(200);
    expect(closed).toBe(true);
  });

  it('that stays open after the answer is let go after a second', async () => {
    let closed = false;
    const made = await hostile(({ message, event, res }) => {
      event(answer(message));
      res.on('close', () => (closed = true));
    });
    expect(textOf(await made.call())).toBe('own');
    await pause(1200);
    expect(closed).toBe(true);
  });

  it('that asks for something is refused: in the older revision with an answer, in the newer one without', async () => {
    for (const era of ['legacy', 'modern'] as const) {
      const made = await hostile(({ message, event, res }) => {
        event({ jsonrpc: '2.0', id: 'p', method: 'ping' });
        event({ jsonrpc: '2.0', id: 'e', method: 'elicitation/create', params: { message: 'password?' } });
        for (let i = 0; i < 100; i++) event({ jsonrpc: '2.0', id: i, method: 'sampling/createMessage', params: {} });
        event(
          era === 'modern'
            ? answer(message)
            : { ...answer(message), result: { content: [{ type: 'text', text: 'own' }] } },
        );
        res.end();
      }, era);
      expect(textOf(await made.call())).toBe('own');
      const answers = () => made.at.heard.flatMap(({ message }) => (message && !message.method ? [message] : []));
      for (let wait = 0; wait < 100 && answers().length < (era === 'modern' ? 1 : 16); wait++) await pause(wait / 10);
      const told = answers();
      if (era === 'modern') expect(told).toEqual([]);
      else {
        expect(told).toHaveLength(16);
        expect(told).toContainEqual({ jsonrpc: '2.0', id: 'p', result: {} });
        expect(told).toContainEqual({ jsonrpc: '2.0', id: 'e', error: { code: -32601, message: 'method not found' } });
      }
      expect(faults(made)).toContain('unasked 1');
    }
  });
});

describe('a body', () => {
  it('that drips is bounded by the caller, and leaves the next call alone', async () => {
    const made = await hostile(({ res }) => {
      res.writeHead(200, { 'content-type': 'application/json' });
      const drip = setInterval(() => res.write(' '), 10);
      res.on('close', () => clearInterval(drip));
    });
    const cancel = new AbortController();
    const slow = made.call({}, { signal: cancel.signal });
    await pause(100);
    cancel.abort(new Ended('timeout', 'run.timeout-hard'));
    await expect(slow).rejects.toMatchObject({ code: 'run.timeout-hard' });
    expect(textOf(await made.call({ text: 'tame' }))).toBe('tame');
  });
});

describe('a listing', () => {
  it.each([
    ['endless pages', (page: number) => ({ tools: [], nextCursor: `page-${page}` })],
    ['the same page again', () => ({ tools: [], nextCursor: 'same' })],
    ['too many tools', () => ({ tools: Array.from({ length: 3000 }, (_, i) => ({ name: `t${i}` })), nextCursor: 'x' })],
    ['no list', () => ({ tools: 'all of them' })],
    ['tools that are none', () => ({ tools: [1, 2] })],
  ])('with %s starts nothing', async (_, result) => {
    let page = 0;
    const at = await site({
      answer: ({ message, result: tell }) => {
        if (message?.method !== 'tools/list') return;
        tell(result(page++));
        return true;
      },
    });
    sites.push(at);
    const made = world({ url: at.url });
    worlds.push(made);
    await expect(made.call()).rejects.toMatchObject({ code: 'upstream.start' });
    expect(at.of('tools/call')).toEqual([]);
  });

  it('that is announced as changed again and again is taken a bounded number of times', async () => {
    const at = await site({
      answer: ({ message, event, res }) => {
        if (message?.method !== 'tools/list') return;
        event({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
        event({ jsonrpc: '2.0', id: message.id, result: { resultType: 'complete', tools: [] } });
        res.end();
        return true;
      },
    });
    sites.push(at);
    const made = world({ url: at.url });
    worlds.push(made);
    await expect(made.call()).rejects.toMatchObject({ code: 'inventory.changed' });
    expect(at.of('tools/list').length).toBeLessThan(16);
  });
});

describe('many clients of one server', () => {
  it('200 at a time get their own answers', async () => {
    const made = await hostile(({ message, json }) => {
      setTimeout(() => json(answer(message, message.params.arguments.text)), Math.random() * 20);
    });
    const texts = Array.from({ length: 200 }, (_, i) => `client ${i}`);
    const answers = await Promise.all(
      texts.map((text, i) => made.call({ text }, { subject: `s${i % 40}`, session: `${i}` })),
    );
    expect(answers.map(textOf)).toEqual(texts);
  });
});
