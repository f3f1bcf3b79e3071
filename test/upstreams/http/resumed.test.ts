/** A stream that a server of 2025-11-25 ends before its answer: it is taken up again, and the call is never made twice. */
import { afterEach, describe, expect, it } from 'vitest';
import { Ended } from '../../../src/core/ended.ts';
import { type Answering, pause, type Site, site, textOf, type World, world } from './world.ts';

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

/** `first`: what the call is answered with; `again`: what a request for the rest of its stream is. */
async function ending(
  first: (how: Answering) => void,
  again: (how: Answering, id: number) => void,
  era: 'modern' | 'legacy' = 'legacy',
) {
  let id = 0;
  const at: Site = await site({
    era,
    answer: (how) => {
      if (how.message?.method === 'tools/call') {
        id = how.message.id;
        first(how);
        return true;
      }
      if (how.req.method !== 'GET' || how.req.headers['last-event-id'] === undefined) return;
      again(how, id);
      return true;
    },
  });
  const made: World = world({ url: at.url });
  open.push(at, made.lanes);
  const heard = () => ({
    calls: at.heard.filter(({ message }) => message?.method === 'tools/call').length,
    resumed: at.heard.flatMap(({ http, headers }) =>
      http === 'GET' && headers['last-event-id'] ? [headers['last-event-id']] : [],
    ),
  });
  return { ...made, heard };
}
const primes =
  (id = 'e1', retry = 20) =>
  ({ res }: Answering) =>
    res.writeHead(200, { 'content-type': 'text/event-stream' }).end(`id: ${id}\nretry: ${retry}\ndata: \n\n`);
const finishes = ({ event, res }: Answering, id: number) => {
  event({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'late' }] } });
  res.end();
};

describe('a stream that ended before its answer', () => {
  it('goes on from its last event', async () => {
    const { call, heard } = await ending(primes(), finishes);
    expect(textOf(await call({ text: 'x' }))).toBe('late');
    expect(heard()).toEqual({ calls: 1, resumed: ['e1'] });
  });

  it('goes on as often as it ends, and not for ever', async () => {
    let left = 3;
    const some = await ending(primes(), (how, id) => (left-- > 0 ? primes(`e${left}`)(how) : finishes(how, id)));
    expect(textOf(await some.call({ text: 'x' }))).toBe('late');
    expect(some.heard()).toEqual({ calls: 1, resumed: ['e1', 'e2', 'e1', 'e0'] });
    const never = await ending(primes(), (how) => primes()(how));
    await expect(never.call({ text: 'x' })).rejects.toMatchObject({ code: 'upstream.lost' });
    expect(never.heard()).toMatchObject({ calls: 1 });
    expect(never.heard().resumed.length).toBeLessThan(10);
  });

  it.each<[string, (how: Answering) => void]>([
    ['an unknown session', ({ res }) => res.writeHead(404).end()],
    ['no such method', ({ res }) => res.writeHead(405).end()],
    ['a failure', ({ res }) => res.writeHead(500).end()],
    ['a broken connection', ({ res }) => res.destroy()],
  ])('whose rest is answered with %s is lost, and the call is not made again', async (_what, again) => {
    const { call, heard } = await ending(primes(), again);
    const error = await call({ text: 'x' }).catch((reason) => reason);
    expect(error).toBeInstanceOf(Ended);
    expect(error.code).toBe('upstream.lost');
    expect(heard().calls).toBe(1);
  });

  it.each<[string, string, 'modern' | 'legacy']>([
    ['no event has an id', '', 'legacy'],
    ['no header can carry its id', 'e\u00e9 1', 'legacy'],
    ['the revision has no such thing', 'e1', 'modern'],
  ])('is lost where %s', async (_what, id, era) => {
    const { call, heard } = await ending(primes(id), finishes, era);
    await expect(call({ text: 'x' })).rejects.toMatchObject({ code: 'upstream.lost' });
    expect(heard()).toEqual({ calls: 1, resumed: [] });
  });

  it('is waited for no longer than its caller waits', async () => {
    const { call, heard } = await ending(primes('e1', 60_000), finishes);
    const leave = new AbortController();
    const made = call({ text: 'x' }, { signal: leave.signal });
    const left = expect(made).rejects.toMatchObject({ code: 'run.cancelled' });
    await expect.poll(() => heard().calls).toBe(1);
    await pause(100);
    leave.abort(new Ended('cancel', 'run.cancelled'));
    await left;
    expect(heard()).toEqual({ calls: 1, resumed: [] });
  });
});
