import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { after, GENESIS, line } from '../../src/audit/chain.ts';
import { DISK, type Disk } from '../../src/audit/disk.ts';
import { verifyLog } from '../../src/audit/verify.ts';
import { call, clock, files, filled, folder, KEYS, openLog, REPLY, read, STOP, stored, TRAIL } from './fixture.ts';

const verify = (dir: string) => verifyLog(dir, [KEYS.publicKey]);

/** A disk that can be slow or broken at will. */
/** `visits` 1: write and sync are one (O_DSYNC); 2: one after the other, as where that is not to be had. */
function weak(visits: 1 | 2 = 1): Disk & {
  onWrite?: () => void;
  break?: { at: 'write' | 'sync' | 'append' | 'replace'; code: string };
  syncs: number;
  writes: number;
} {
  const disk = {
    syncs: 0,
    writes: 0,
    async append(path: string, fresh: boolean) {
      if (disk.break?.at === 'append') throw Object.assign(new Error(disk.break.code), { code: disk.break.code });
      const file = await DISK.append(path, fresh);
      return {
        ...file,
        write(bytes: Uint8Array, done: (error: Error | null) => void) {
          disk.writes++;
          disk.onWrite?.();
          // A full disk takes a part.
          if (disk.break?.at === 'write') file.write(bytes.subarray(0, -7), () => done(new Error(disk.break!.code)));
          else file.write(bytes, done);
        },
        sync(done: (error: Error | null) => void) {
          disk.syncs++;
          if (disk.break?.at === 'sync') setImmediate(done, new Error(disk.break.code));
          else file.sync(done);
        },
        writeDurable:
          visits === 2
            ? undefined
            : (bytes: Uint8Array, done: (error: Error | null) => void) => {
                disk.writes++;
                disk.syncs++;
                disk.onWrite?.();
                const broken = disk.break && new Error(disk.break.code);
                if (disk.break?.at === 'write') file.write(bytes.subarray(0, -7), () => done(broken!));
                else file.writeDurable!(bytes, disk.break?.at === 'sync' ? () => done(broken!) : done);
              },
      };
    },
    replace(path: string, content: string | Uint8Array) {
      return disk.break?.at === 'replace' ? Promise.reject(new Error(disk.break.code)) : DISK.replace(path, content);
    },
  } as ReturnType<typeof weak>;
  return disk;
}

describe('order', () => {
  it('is kept by a thousand intents at once, in few commits', async () => {
    const dir = folder();
    const disk = weak();
    const log = await openLog(dir, { disk, limits: { checkpointEntries: 10_000 } });
    disk.syncs = 0;
    await Promise.all(Array.from({ length: 1000 }, (_, i) => log.intent(call(`c${i}`), TRAIL)));
    expect(disk.syncs).toBe(1);
    await log.close();
    expect(
      read(dir)
        .filter((e) => e.kind === 'intent')
        .map((e) => e.call),
    ).toEqual(Array.from({ length: 1000 }, (_, i) => `c${i}`));
    expect(verify(dir)).toMatchObject({ ok: true, openCount: 1000 });
  });
});

describe.each([1, 2] as const)('durability, in %i visits to the pool', (visits) => {
  it('an intent resolves after its fdatasync, and not before', async () => {
    const dir = folder();
    const disk = weak(visits);
    const log = await openLog(dir, { disk });
    const before = disk.syncs;
    await log.intent(call('c1'), TRAIL);
    expect(disk.syncs).toBe(before + 1);
    expect(read(dir).at(-1)).toMatchObject({ kind: 'intent', call: 'c1' });
    await log.close();
  });

  it('an outcome after it is queued, and rides with the next commit', async () => {
    const dir = folder();
    const disk = weak(visits);
    const log = await openLog(dir, { disk, limits: { lingerMs: 60_000 } });
    await log.intent(call('c1'), TRAIL);
    const { writes } = disk;
    expect(log.outcome(call('c1'), TRAIL, REPLY)).toBeUndefined();
    await log.intent(call('c2'), TRAIL);
    expect(disk.writes).toBe(writes + 1);
    expect(
      read(dir)
        .slice(-2)
        .map((e) => e.kind),
    ).toEqual(['outcome', 'intent']);
    await log.close();
  });

  it('without company it goes alone after a moment', async () => {
    const dir = folder();
    const disk = weak(visits);
    const log = await openLog(dir, { disk, limits: { lingerMs: 1 } });
    await log.intent(call('c1'), TRAIL);
    const { syncs } = disk;
    log.outcome(call('c1'), TRAIL, REPLY);
    await expect.poll(() => disk.syncs).toBe(syncs + 1);
    expect(read(dir).at(-1)).toMatchObject({ kind: 'outcome' });
    await log.close();
  });

  it('also when it came while a commit was on its way', async () => {
    const dir = folder();
    const disk = weak(visits);
    const log = await openLog(dir, { disk, limits: { lingerMs: 1 } });
    await log.intent(call('c1'), TRAIL);
    disk.onWrite = () => {
      delete disk.onWrite;
      log.outcome(call('c1'), TRAIL, REPLY);
    };
    await log.intent(call('c2'), TRAIL);
    await expect.poll(() => read(dir).at(-1).kind).toBe('outcome');
    await log.close();
  });

  it('the only entry of a call is written before its reply; on the disk by choice', async () => {
    for (const awaitOutcome of [false, true]) {
      const dir = folder();
      const disk = weak(visits);
      const log = await openLog(dir, { disk, awaitOutcome, limits: { lingerMs: 60_000 } });
      const { syncs } = disk;
      await log.outcome(call('c1'), TRAIL, STOP);
      expect(read(dir).at(-1)).toMatchObject({ kind: 'call', call: 'c1' });
      expect(disk.syncs).toBe(syncs + (awaitOutcome ? 1 : 0));
      await log.close();
    }
  });
});

describe.each([1, 2] as const)('a disk that fails, in %i visits', (visits) => {
  it.each([
    ['write', 'ENOSPC'],
    ['sync', 'EIO'],
  ] as const)('at %s (%s) rejects who waits and all who come, until reopened', async (at, code) => {
    const dir = folder();
    const disk = weak(visits);
    const log = await openLog(dir, { disk });
    await log.intent(call('c1'), TRAIL);
    disk.break = { at, code };
    const two = [log.intent(call('c2'), TRAIL), log.intent(call('c3'), TRAIL)];
    for (const intent of two) await expect(intent).rejects.toThrow(code);
    expect(log.fault?.message).toBe(code);
    delete disk.break;
    await expect(log.intent(call('c4'), TRAIL)).rejects.toThrow(code);
    await expect(log.outcome(call('c1'), TRAIL, REPLY)).rejects.toThrow(code);
    await expect(log.outcome(call('c5'), TRAIL, STOP)).rejects.toThrow(code);
    log.event('event.reload', {});
    const path = join(dir, files(dir)[0]!);
    const before = statSync(path).ino;
    const reopening = log.reopen();
    for (let turn = 0; turn < 5; turn++) {
      await expect(Promise.race([log.intent(call(`t${turn}`), TRAIL), reopening])).rejects.toThrow(code);
      await new Promise((resolve) => process.nextTick(resolve));
    }
    await reopening;
    // A new file: the kernel may hold pages of the old one that never reached the disk.
    expect(statSync(path).ino).not.toBe(before);
    await log.intent(call('c6'), TRAIL);
    log.outcome(call('c6'), TRAIL, REPLY);
    await log.close();
    expect(verify(dir)).toMatchObject({ ok: true });
    const codes = read(dir).map((e) => e.code);
    expect(codes.includes('event.torn-tail')).toBe(at === 'write');
    const calls = read(dir).map((e) => e.call);
    expect([calls.includes('c1'), calls.includes('c4'), calls.includes('c6')]).toEqual([true, false, true]);
  });

  it('stays refused while reopening fails', async () => {
    const dir = folder();
    const disk = weak(visits);
    const log = await openLog(dir, { disk });
    disk.break = { at: 'write', code: 'ENOSPC' };
    await expect(log.intent(call('c1'), TRAIL)).rejects.toThrow('ENOSPC');
    for (let i = 0; i < 2; i++) await expect(log.reopen()).rejects.toThrow('ENOSPC');
    await expect(log.intent(call('c2'), TRAIL)).rejects.toThrow('ENOSPC');
    delete disk.break;
    await log.reopen();
    await log.intent(call('c3'), TRAIL);
    await log.close();
    expect(verify(dir).ok).toBe(true);
  });

  it('fails when the next file cannot be made, or the checkpoint cannot be kept', async () => {
    for (const at of ['append', 'replace'] as const) {
      const dir = folder();
      const disk = weak(visits);
      const log = await openLog(dir, { disk, limits: { segmentBytes: 2000, checkpointEntries: 5 } });
      disk.break = { at, code: 'ENOSPC' };
      await expect(
        (async () => {
          for (let i = 0; i < 100; i++) {
            await log.intent(call(`c${i}`), TRAIL);
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        })(),
      ).rejects.toThrow('ENOSPC');
      await log.close();
      await (await openLog(dir)).close();
      expect(verify(dir).ok).toBe(true);
    }
  });

  it('is too slow: beyond the bound calls are refused', async () => {
    const dir = folder();
    let hold: (() => void)[] = [];
    const disk: Disk = {
      ...DISK,
      async append(path, fresh) {
        const file = await DISK.append(path, fresh);
        const { writeDurable: _, ...slow } = file;
        return { ...slow, write: (bytes, done) => void hold.push(() => file.write(bytes, done)) };
      },
    };
    const opening = openLog(dir, { disk, limits: { queueBytes: 5000 } });
    const release = setInterval(() => hold.splice(0).forEach((go) => go()), 1);
    const log = await opening;
    clearInterval(release);
    const intents = Array.from({ length: 30 }, (_, i) => log.intent(call(`c${i}`), TRAIL));
    const settled = Promise.allSettled(intents);
    await expect(intents.at(-1)).rejects.toThrow('too slow');
    await expect(log.outcome(call('x'), TRAIL, STOP)).rejects.toThrow('too slow');
    for (let i = 0; i < 5; i++) log.event('event.stderr', { line: 'x' });
    hold.splice(0).forEach((go) => go());
    const again = setInterval(() => hold.splice(0).forEach((go) => go()), 1);
    const states = (await settled).map((s) => s.status);
    expect(states.filter((s) => s === 'fulfilled').length).toBeGreaterThan(3);
    log.event('event.reload', {});
    await log.close();
    clearInterval(again);
    hold = [];
    expect(
      read(dir)
        .filter((e) => e.code)
        .map((e) => [e.code, e.data]),
    ).toEqual([
      ['event.lost', { count: 5 }],
      ['event.reload', {}],
    ]);
    expect(verify(dir)).toMatchObject({ ok: true });
  });

  it('rejects after close', async () => {
    const log = await openLog(folder());
    await log.close();
    await expect(log.intent(call('c1'), TRAIL)).rejects.toThrow('closed');
  });
});

describe('files', () => {
  it('are followed by the next at their size, the chain unbroken, mode 0600', async () => {
    const dir = folder();
    await filled(dir, 40, { limits: { segmentBytes: 5000 } });
    expect(files(dir).length).toBeGreaterThan(5);
    for (const name of readdirSync(dir)) expect(statSync(join(dir, name)).mode & 0o077).toBe(0);
    expect(verify(dir)).toMatchObject({ ok: true, entries: 82 });
  });

  it('are continued by the next start', async () => {
    const dir = folder();
    await filled(dir, 3);
    const [first] = read(dir);
    await filled(dir, 3, { limits: { segmentBytes: 100 } });
    await filled(dir, 3);
    expect(verify(dir)).toMatchObject({ ok: true, log: first.log, entries: 24, unsigned: 0 });
  });

  it('have one writer', async () => {
    const dir = folder();
    const log = await openLog(dir);
    await expect(openLog(dir)).rejects.toThrow('another process writes this log');
    await log.close();
    await (await openLog(dir)).close();
  });
});

describe('checkpoints', () => {
  it('come after so many entries, so much time, and at the end', async () => {
    const dir = folder();
    const log = await openLog(dir, { limits: { checkpointEntries: 10, checkpointMs: 20 } });
    for (let i = 0; i < 12; i++) await log.intent(call(`c${i}`), TRAIL);
    await expect.poll(() => verify(dir).unsigned).toBe(0);
    const points = () => read(dir).filter((e) => e.kind === 'checkpoint').length;
    const count = points();
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(points()).toBe(count);
    await log.close();
    expect(points()).toBe(count + 1);
    expect(verify(dir)).toMatchObject({ ok: true, unsigned: 0 });
  });
});

describe('a torn tail', () => {
  const tails: [string, string | Buffer][] = [
    ['an incomplete line', '{"v":1,"log":"ab'],
    ['a whole line that is none', 'garbage\n'],
    ['zeros, as after a power cut', Buffer.alloc(5000)],
    ['garbage, then a line of ours', `garbage\n{"v":1}\n`],
    ['an entry that does not follow', `{"v":1,"log":"x","seq":7,"prev":"","at":"","kind":"event"}\n`],
  ];
  it.each(tails)('(%s) is moved aside, told, and the log goes on', async (_, rest) => {
    const dir = folder();
    await filled(dir, 3);
    const before = stored(dir);
    appendFileSync(join(dir, files(dir)[0]!), rest);
    await filled(dir, 2);
    const now = read(dir);
    expect(stored(dir).slice(0, before.length)).toEqual(before);
    expect(now[before.length]).toMatchObject({
      kind: 'event',
      code: 'event.torn-tail',
      seq: before.length,
      data: { bytes: rest.length },
    });
    expect(readFileSync(join(dir, now[before.length].data.file))).toEqual(Buffer.from(rest));
    expect(verify(dir)).toMatchObject({ ok: true });
  });

  it('(a last line that follows, but is broken inside) is cut too', async () => {
    const dir = folder();
    await filled(dir, 3);
    const head = stored(dir).reduce((h, text) => after(h, Buffer.from(text)), GENESIS);
    const broken = line(read(dir)[0].log, head, '', 'event', '"code":"event.start"');
    broken.fill(0, broken.length - 10, broken.length - 1);
    appendFileSync(join(dir, files(dir)[0]!), broken);
    await filled(dir, 1);
    expect(read(dir)[head.size]).toMatchObject({ code: 'event.torn-tail', data: { bytes: broken.length } });
    expect(verify(dir)).toMatchObject({ ok: true });
  });

  it.each(['', '{"v":1'])('(%j) in a file that was just begun is cut too', async (rest) => {
    const dir = folder();
    await filled(dir, 3);
    const next = `${String(read(dir).length).padStart(12, '0')}.jsonl`;
    writeFileSync(join(dir, next), rest, { mode: 0o600 });
    await filled(dir, 1);
    expect(files(dir)[1]).toBe(next);
    expect(verify(dir)).toMatchObject({ ok: true, entries: rest === '' ? 12 : 13 });
  });
});

describe('a log that was tampered with is not continued', () => {
  it.each([
    [
      'cut below its checkpoint',
      (dir: string) => truncateSync(join(dir, files(dir)[0]!), 2000),
      /entries, but 8 are signed/,
    ],
    ['emptied', (dir: string) => truncateSync(join(dir, files(dir)[0]!), 0), /0 entries, but 8 are signed/],
    ['without its checkpoint', (dir: string) => rmSync(join(dir, 'checkpoint')), /checkpoint is missing/],
    ['with a foreign checkpoint', (dir: string) => writeFileSync(join(dir, 'checkpoint'), 'x'), /not a checkpoint/],
    [
      'changed',
      (dir: string) => {
        const path = join(dir, files(dir)[0]!);
        writeFileSync(path, readFileSync(path, 'utf8').replace('"call":"c1"', '"call":"c2"'));
      },
      /but 8 are signed/,
    ],
  ] as const)('%s', async (_, tamper, message) => {
    const dir = folder();
    await filled(dir, 3);
    tamper(dir);
    const left = stored(dir);
    await expect(openLog(dir)).rejects.toThrow(message);
    expect(stored(dir)).toEqual(left);
    expect(verify(dir).ok).toBe(false);
  });
});

it('keeps time by the clock it was given', async () => {
  const dir = folder();
  const log = await openLog(dir);
  clock.now += 5;
  log.event('event.start', {});
  await log.close();
  expect(read(dir)[1].at).toBe('2026-11-20T12:00:00.005Z');
});
