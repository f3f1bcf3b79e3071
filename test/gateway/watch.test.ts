import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { watchFiles } from '../../src/gateway/watch.ts';

let dir: string;
let file: string;
let calls: number;
let watcher: { close(): void };
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'doorward-watch-'));
  file = join(dir, 'a');
  calls = 0;
});
afterEach(() => {
  watcher.close();
  rmSync(dir, { recursive: true });
});
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const start = (...paths: string[]) => (watcher = watchFiles(paths, () => void calls++));
async function heard(n: number): Promise<void> {
  for (const began = Date.now(); calls < n && Date.now() - began < 5000; ) await pause(20);
  await pause(500);
  expect(calls).toBe(n);
}

it.each<[string, () => void]>([
  ['is written with as many bytes', () => writeFileSync(file, '1')],
  ['is replaced', () => (writeFileSync(join(dir, 'b'), '0'), renameSync(join(dir, 'b'), file))],
  [
    'is replaced by one of the same time',
    () => {
      writeFileSync(join(dir, 'b'), '0');
      utimesSync(join(dir, 'b'), 1, 1);
      renameSync(join(dir, 'b'), file);
    },
  ],
  ['goes', () => unlinkSync(file)],
])('tells once when a file %s', async (_what, change) => {
  writeFileSync(file, '0');
  utimesSync(file, 1, 1);
  start(join(dir, 'other'), file);
  await pause(250);
  change();
  await heard(1);
});

it('tells of a file that comes', async () => {
  start(file);
  writeFileSync(file, '0');
  await heard(1);
});

it('sees through links to folders, as secrets in containers change', async () => {
  for (const name of ['one', 'two']) {
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, 'tls.crt'), name);
  }
  const link = join(dir, 'data');
  symlinkSync('one', link);
  start(join(link, 'tls.crt'));
  symlinkSync('two', `${link}.new`);
  renameSync(`${link}.new`, link);
  await heard(1);
});

it('waits until it is quiet', async () => {
  start(file);
  for (let i = 0; i < 10; i++) {
    writeFileSync(file, 'x'.repeat(i));
    await pause(60);
  }
  await heard(1);
});

it('says nothing when nothing changes, or after its end', async () => {
  writeFileSync(file, '0');
  start(file);
  await pause(500);
  watcher.close();
  writeFileSync(file, '12');
  await pause(500);
  expect(calls).toBe(0);
});
