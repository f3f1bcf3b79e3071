/** Each attack runs as a real child in the real sandbox; after each, another lane answers and the gateway is small. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Ended } from '../../src/core/ended.ts';
import { StreamRedactor } from '../../src/detect/secrets.ts';
import { type CallHow, type Setup, setup, textOf } from './world.ts';

let world: Setup;
beforeAll(async () => {
  world = await setup(['node', './servers/hostile.ts'], { redactor: () => new StreamRedactor() });
});
afterAll(() => world.lanes.close());

let subject = 0;
/** Every attack gets a lane of its own. */
const attack = (mode: string, more: object = {}, how: CallHow = {}) =>
  world.call('attack', { mode, ...more }, { subject: `s${++subject}`, ...how });
const ending = async (mode: string, more: object = {}, how: CallHow = {}): Promise<string> => {
  const error = await attack(mode, more, how).then(
    () => new Error('answered'),
    (thrown: unknown) => thrown,
  );
  return error instanceof Ended ? error.code : String(error);
};
const report = async (mode: string) => JSON.parse(textOf(await attack(mode)));
const faults = (fault: string) =>
  world.events.filter(({ code, data }) => code === 'event.protocol' && data.fault === fault);

async function others(): Promise<void> {
  expect(textOf(await world.call('attack', { mode: 'ok' }, { subject: 'bystander' }))).toBe('fine');
  expect(process.memoryUsage().arrayBuffers).toBeLessThan(64 << 20);
}

describe('a server that breaks the protocol', () => {
  it('garbage lines are dropped, the answer after them counts', async () => {
    expect(textOf(await attack('garbage'))).toBe('after garbage');
    expect(faults('json')).not.toHaveLength(0);
    expect(faults('shape')).not.toHaveLength(0);
    await others();
  });
  it('a flood of garbage ends the lane', async () => {
    expect(await ending('garbage-flood')).toBe('upstream.protocol');
    await others();
  });
  it('a line without end costs the call at the cap, the lane at its limit', async () => {
    expect(await ending('endless-line')).toBe('upstream.too-large');
    await others();
  });
  it('an oversized line costs the open call; the lane stays in frame', async () => {
    const how = { subject: 'framed' };
    expect(await ending('long-line', {}, how)).toBe('upstream.too-large');
    expect(textOf(await attack('ok', {}, how))).toBe('fine');
    await others();
  });
  it('100,000-deep JSON is a dropped line', async () => {
    expect(textOf(await attack('deep'))).toBe('not deep');
    await others();
  });
  it('answers under ids that were not asked, or of another type, reach nobody', async () => {
    expect(textOf(await attack('wrong-ids'))).toBe('mine');
    expect(faults('id')).not.toHaveLength(0);
    await others();
  });
  it('a second answer to an id is dropped', async () => {
    expect(textOf(await attack('repeated-ids'))).toBe('answer 0');
    await others();
  });
  it('two calls of one lane never get each other’s answers', async () => {
    const how = { subject: 'pair' };
    const slow = attack('late', { ms: 100 }, how);
    expect(textOf(await attack('repeated-ids', {}, how))).toBe('answer 0');
    expect(textOf(await slow)).toBe('too late');
  });
  it('a late answer of a cancelled call is dropped', async () => {
    const how = { subject: 'later' };
    const cancel = new AbortController();
    const call = ending('late', { ms: 50 }, { ...how, signal: cancel.signal });
    setTimeout(() => cancel.abort(new Ended('cancel', 'run.cancelled')), 10);
    expect(await call).toBe('run.cancelled');
    await new Promise((done) => setTimeout(done, 100));
    expect(textOf(await attack('ok', {}, how))).toBe('fine');
  });
  it('2 MB results come through with the bytes of the server', async () => {
    const answer = await attack('big');
    expect(textOf(answer)).toHaveLength(2 << 20);
    expect(answer.kind === 'result' && answer.bytes!.length).toBeGreaterThan(2 << 20);
    await others();
  });
  it('a result that is no object is a protocol error', async () => {
    expect(await ending('not-object')).toBe('upstream.protocol');
  });
  it('death in mid-call ends the call', async () => {
    expect(await ending('die')).toBe('upstream.lost');
    await others();
  });
  it('10,000 notifications to a slow caller are bounded, and the answer still comes', async () => {
    let taken = 0;
    const send = () => new Promise<void>((done) => setTimeout(done, 1)).then(() => void taken++);
    expect(textOf(await attack('notifications', {}, { send }))).toBe('done');
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(2000);
    expect(faults('token')).not.toHaveLength(0);
    await others();
  });
  it('its own requests are refused, but for ping', async () => {
    expect(await report('asks')).toEqual([
      { id: 'q-sampling/createMessage', code: -32601 },
      { id: 'q-elicitation/create', code: -32601 },
      { id: 'q-roots/list', code: -32601 },
      { id: 'q-ping', code: 'result' },
    ]);
  });
  it('a flood on stderr is kept to its share, with no secret and nothing that acts on a terminal', async () => {
    expect(textOf(await attack('stderr'))).toBe('done');
    await others();
    const said = world.events.filter(({ code }) => code === 'event.stderr').map(({ data }) => data.text as string);
    expect(said.length).toBeGreaterThan(0);
    expect(said.join('').length).toBeLessThan(300_000);
    expect(said.join('')).not.toContain('\u001b');
    expect(said.join('')).not.toContain('ABCDEFGHIJKLMNOP');
  });
});

describe('a server that changes what it offers', () => {
  it('announced: the next call sends nothing', async () => {
    const how = { subject: 'changer' };
    expect(textOf(await attack('change', {}, how))).toBe('changed');
    expect(await ending('ok', {}, how)).toBe('inventory.changed');
    expect(world.drifts).not.toHaveLength(0);
    await others();
  });
  it('silently: found when the listing is a minute old', async () => {
    let ahead = 0;
    const slow = await setup(['node', './servers/hostile.ts'], { clock: () => Date.now() + ahead });
    try {
      await slow.call('attack', { mode: 'change-silently' });
      expect(textOf(await slow.call('attack', { mode: 'ok' }))).toBe('fine');
      ahead = 61_000;
      await expect(slow.call('attack', { mode: 'ok' })).rejects.toMatchObject({ code: 'inventory.changed' });
      expect(slow.drifts).not.toHaveLength(0);
    } finally {
      await slow.lanes.close();
    }
  });
});

describe('a server that turns on the machine', () => {
  it('sees nothing of the host and reaches nobody', async () => {
    process.env['DOORWARD_TEST_SECRET'] = 'must-not-be-seen';
    const seen = await report('look');
    expect(seen).toMatchObject({
      passwd: 'ENOENT',
      shadow: 'ENOENT',
      root: 'ENOENT',
      home: 'ENOENT',
      bin: 'ENOENT',
      sys: 'ENOENT',
      top: ['dev', 'lib', 'lib64', 'package', 'proc', 'run', 'runtime', 'tmp'],
      interfaces: ['    lo:'],
      writeRoot: 'EROFS',
      writePackage: 'EROFS',
      writeDev: 'EROFS',
      killHost: 'ESRCH',
      metadata: 'ENETUNREACH',
      outside: 'ENETUNREACH',
    });
    expect(seen.shell).toContain('ENOENT');
    expect(seen.writeProc).not.toBe('ok');
    expect(seen.loopback).toBe('ECONNREFUSED');
    expect(seen.environment).toEqual({ PATH: '/runtime', HOME: '/tmp', PWD: '/package' });
    expect(seen.processes.length).toBeLessThanOrEqual(2);
    expect(seen.firstCommand).toContain('bwrap');
    expect(seen.status).toEqual(
      expect.arrayContaining([
        'CapEff:\t0000000000000000',
        'CapBnd:\t0000000000000000',
        'NoNewPrivs:\t1',
        'Seccomp:\t2',
      ]),
    );
    expect(seen.descriptors).toBeLessThan(30);
  });
  it('a fork bomb stays in its bounds', async () => {
    const codes = await report('fork-bomb');
    expect(codes.EAGAIN).toBeGreaterThan(100);
    await others();
  });
  it('a memory bomb ends itself alone', async () => {
    expect(await ending('memory-bomb')).toBe('upstream.lost');
    await others();
  });
  it('scratch space is bounded', async () => {
    const { tmp, run, shm } = await report('disk-fill');
    expect(tmp.code).toBe('ENOSPC');
    expect(tmp.size).toBeLessThanOrEqual(128);
    expect(tmp.size).toBeGreaterThan(100);
    expect([run, shm]).toEqual([
      { size: expect.any(Number), code: 'ENOSPC' },
      { size: expect.any(Number), code: 'ENOSPC' },
    ]);
    await others();
  });
});
