import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { verifyLog } from '../../src/audit/verify.ts';
import { call, folder, KEYS, openLog, REPLY, read, STOP, TRAIL } from './fixture.ts';

const ROUNDS = Number(process.env.DOORWARD_CRASHES ?? 20);

/** Runs the appender and kills it, `ms` after it has opened the log or after it was started. Answers the acknowledged intents. */
async function killed(dir: string, round: number, since: 'open' | 'start', ms: number): Promise<string[]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'appender.ts'), dir, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, AUDIT_KEY: KEYS.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() },
  });
  let out = '';
  if (since === 'start') setTimeout(() => child.kill('SIGKILL'), ms);
  child.stdout.on('data', (chunk: Buffer) => {
    if (out === '' && since === 'open') setTimeout(() => child.kill('SIGKILL'), ms);
    out += chunk;
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on('close', (...end) => resolve(end)),
  );
  expect([code, signal]).toEqual([null, 'SIGKILL']);
  return out.split('\n').slice(1, -1);
}

it(`loses no acknowledged intent when it is killed, ${ROUNDS} times in a row`, { timeout: 120_000 }, async () => {
  const dir = folder();
  const acknowledged: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const opening = round % 4 === 3;
    acknowledged.push(
      ...(await killed(
        dir,
        round,
        opening ? 'start' : 'open',
        opening ? 100 + Math.random() * 300 : Math.random() * 60,
      )),
    );
    expect(verifyLog(dir, [KEYS.publicKey]).firstBad).toBeUndefined();
  }
  const log = await openLog(dir);
  await log.close();
  const result = verifyLog(dir, [KEYS.publicKey]);
  expect(result).toMatchObject({ ok: true, unsigned: 0 });
  const intents = new Set(read(dir).flatMap((e) => (e.kind === 'intent' ? [e.call] : [])));
  expect(acknowledged.length).toBeGreaterThan(ROUNDS * 10);
  expect(acknowledged.filter((id) => !intents.has(id))).toEqual([]);
});

it('refuses calls on a full disk, and goes on when there is room again', async ({ skip }) => {
  const dir = join(folder(), 'small');
  mkdirSync(dir, { mode: 0o700 });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    skip('needs the right to mount');
  }
  onTestFinished(() => void execFileSync('umount', [dir]));
  const log = await openLog(dir);
  let done = 0;
  await expect(
    (async () => {
      for (; done < 5000; done++) await log.intent(call(`c${done}`), TRAIL);
    })(),
  ).rejects.toThrow('ENOSPC');
  expect(done).toBeGreaterThan(50);
  await expect(log.outcome(call('x'), TRAIL, STOP)).rejects.toThrow('ENOSPC');
  await expect(log.reopen()).rejects.toThrow();
  execFileSync('mount', ['-o', 'remount,size=4m', dir]);
  await log.reopen();
  await log.intent(call('after'), TRAIL);
  log.outcome(call('after'), TRAIL, REPLY);
  await log.close();
  expect(verifyLog(dir, [KEYS.publicKey])).toMatchObject({ ok: true });
  const intents = new Set(read(dir).map((e) => e.call));
  for (let i = 0; i < done; i++) expect(intents).toContain(`c${i}`);
  expect(intents).toContain('after');
});
