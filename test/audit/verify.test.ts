import { generateKeyPairSync } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { after, GENESIS, type Head, line } from '../../src/audit/chain.ts';
import { signCheckpoint } from '../../src/audit/checkpoint.ts';
import { verifyLog } from '../../src/audit/verify.ts';
import { call, files, filled, folder, KEYS, openLog, REPLY, stored, TRAIL } from './fixture.ts';

const verify = (dir: string) => verifyLog(dir, [KEYS.publicKey]);

/** Six segments or so, with a checkpoint in the middle. */
async function sample(): Promise<string> {
  const dir = folder();
  await filled(dir, 20, { limits: { segmentBytes: 6000, checkpointEntries: 15 } });
  return dir;
}
/** Where an entry is stored. */
function place(dir: string, seq: number): { file: string; line: number } {
  for (const file of files(dir).reverse()) {
    const first = Number(file.slice(0, 12));
    if (seq >= first) return { file, line: seq - first + 1 };
  }
  throw new Error('no such entry');
}
/** Rewrites one file by its lines. */
function change(dir: string, file: string, edit: (lines: string[]) => string[]): void {
  const lines = readFileSync(join(dir, file), 'utf8').split('\n').slice(0, -1);
  writeFileSync(
    join(dir, file),
    edit(lines)
      .map((l) => `${l}\n`)
      .join(''),
  );
}
/** The whole log as one file, the chain made to fit again: what somebody without the key can do. */
function forge(dir: string, edit: (line: string) => string): void {
  let head = GENESIS;
  let out = '';
  for (const old of stored(dir)) {
    const text = edit(old).replace(/"seq":\d+,"prev":"[0-9a-f]{64}"/, `"seq":${head.size},"prev":"${head.hash}"`);
    head = after(head, Buffer.from(text));
    out += `${text}\n`;
  }
  for (const file of files(dir)) rmSync(join(dir, file));
  writeFileSync(join(dir, '000000000000.jsonl'), out);
}

describe('a log as it was written', () => {
  it('verifies, over several files', async () => {
    const dir = await sample();
    expect(files(dir).length).toBeGreaterThan(3);
    const result = verify(dir);
    expect(result).toMatchObject({ ok: true, entries: stored(dir).length, open: [], unsigned: 0 });
    expect(result.checkpoint).toMatchObject({ size: result.entries, log: result.log });
    expect(result.firstBad).toBeUndefined();
  });

  it('verifies while it is written, and lists what is open', async () => {
    const dir = folder();
    const log = await openLog(dir);
    await log.intent(call('a'), TRAIL);
    await log.intent(call('b'), TRAIL);
    log.outcome(call('a'), TRAIL, REPLY);
    await log.flush();
    expect(verify(dir)).toMatchObject({ ok: true, entries: 4, open: ['b'], openCount: 1, unsigned: 3 });
    appendFileSync(join(dir, files(dir)[0]!), '{"v":1,"log":"');
    expect(verify(dir)).toMatchObject({ ok: true, entries: 4, torn: { bytes: 14 } });
    await log.close();
  });

  it('verifies when it is empty', () => expect(verify(folder())).toMatchObject({ ok: true, entries: 0 }));
});

describe('tampering', () => {
  it('finds one changed byte, wherever it lies, and names its entry', async () => {
    const dir = await sample();
    const clean = folder();
    cpSync(dir, clean, { recursive: true });
    for (const file of files(dir)) {
      const bytes = readFileSync(join(dir, file));
      // Every line, at its ends and at a place within.
      const ends = [...bytes.keys()].filter((i) => bytes[i] === 10);
      const spots = [
        0,
        ...ends.flatMap((end, i) => [end, end - 1, end + 1, Math.floor((end + (ends[i - 1] ?? 0)) / 2)]),
      ];
      for (const at of spots.filter((i) => i < bytes.length)) {
        for (const value of [bytes[at]! ^ 1, 10, 0]) {
          if (value === bytes[at]) continue;
          const edited = Buffer.from(bytes);
          edited[at] = value;
          writeFileSync(join(dir, file), edited);
          const entry = Number(file.slice(0, 12)) + ends.filter((end) => end < at).length;
          const { ok, firstBad } = verify(dir);
          expect({ ok, seq: firstBad?.seq, spot: [file, at, value] }).toEqual({
            ok: false,
            seq: entry,
            spot: [file, at, value],
          });
          expect(firstBad).toMatchObject(place(clean, entry));
        }
      }
      writeFileSync(join(dir, file), bytes);
    }
    expect(verify(dir).ok).toBe(true);
  });

  it.each([1, 7, 16, 30])('finds entry %i deleted', async (seq) => {
    const dir = await sample();
    const at = place(dir, seq);
    change(dir, at.file, (lines) => lines.toSpliced(at.line - 1, 1));
    expect(verify(dir).firstBad?.seq).toBe(seq);
  });

  it.each([0, 8, 17])('finds entry %i swapped with the next', async (seq) => {
    const dir = await sample();
    forgeOneFile(dir);
    change(dir, files(dir)[0]!, (lines) => lines.toSpliced(seq, 2, lines[seq + 1]!, lines[seq]!));
    expect(verify(dir).firstBad).toMatchObject({ seq, line: seq + 1 });
  });

  it.each([1, 9, 22])('finds a fitting entry inserted as %i', async (seq) => {
    const dir = await sample();
    forgeOneFile(dir);
    change(dir, files(dir)[0]!, (lines) => lines.toSpliced(seq, 0, lines[seq]!.replace('"ana"', '"eve"')));
    expect(verify(dir).firstBad).toMatchObject({ seq, line: seq + 1 });
  });

  it('finds the same entry twice', async () => {
    const dir = await sample();
    forgeOneFile(dir);
    change(dir, files(dir)[0]!, (lines) => lines.toSpliced(5, 0, lines[5]!));
    expect(verify(dir).ok).toBe(false);
  });

  it('finds a cut end: by an entry, by a byte, by everything', async () => {
    for (const cut of [1, 2, 5, 'byte', 'all'] as const) {
      const dir = await sample();
      const total = stored(dir).length;
      const last = files(dir).at(-1)!;
      if (cut === 'all') for (const file of files(dir)) rmSync(join(dir, file));
      else if (cut === 'byte') truncateSync(join(dir, last), readFileSync(join(dir, last)).length - 1);
      else {
        forgeOneFile(dir);
        change(dir, files(dir)[0]!, (lines) => lines.slice(0, -cut));
      }
      const left = cut === 'all' ? 0 : cut === 'byte' ? total - 1 : total - cut;
      expect(verify(dir)).toMatchObject({ ok: false, entries: left, firstBad: { seq: left } });
      expect(verify(dir).firstBad?.why).toContain('cut off');
    }
  });

  it('finds a removed file, whichever', async () => {
    const clean = await sample();
    const count = files(clean).length;
    for (let i = 0; i < count; i++) {
      const dir = folder();
      cpSync(clean, dir, { recursive: true });
      const file = files(dir)[i]!;
      rmSync(join(dir, file));
      expect(verify(dir)).toMatchObject({ ok: false, firstBad: { seq: Number(file.slice(0, 12)) } });
    }
  });

  it("finds files under each other's names", async () => {
    const dir = await sample();
    const [, b, c] = files(dir) as [string, string, string];
    copyFileSync(join(dir, b), join(dir, 'x'));
    renameSync(join(dir, c), join(dir, b));
    renameSync(join(dir, 'x'), join(dir, c));
    expect(verify(dir).firstBad).toMatchObject({ seq: Number(b.slice(0, 12)), file: b, line: 1 });
  });

  it('finds a rewritten chain by the signed checkpoints', async () => {
    const dir = await sample();
    forge(dir, (line) => line.replace('"call":"c9"', '"call":"c8"'));
    const { firstBad } = verify(dir);
    expect(firstBad?.why).toContain('rewritten');
    const seq = stored(dir).findIndex((line) => line.includes('"call":"c8"') && line.includes('intent')) + 2;
    const [, from, to] = /entries (\d+) to (\d+)/.exec(firstBad!.why)!.map(Number) as [number, number, number];
    expect([from <= seq, seq <= to, to - from < 20]).toEqual([true, true, true]);
  });

  it('finds a whole log signed by another key, and a checkpoint of another log', async () => {
    const dir = folder();
    const eve = generateKeyPairSync('ed25519');
    await filled(dir, 3, { keys: eve });
    expect(verify(dir).firstBad).toMatchObject({ seq: 0, why: 'signed by a foreign key' });
    expect(verifyLog(dir, [KEYS.publicKey, eve.publicKey]).ok).toBe(true);
    const ours = await sample();
    copyFileSync(join(dir, 'checkpoint'), join(ours, 'checkpoint'));
    expect(verify(ours).firstBad).toMatchObject({ file: 'checkpoint', why: 'signed by a foreign key' });
    const other = await sample();
    copyFileSync(join(other, 'checkpoint'), join(ours, 'checkpoint'));
    expect(verify(ours).ok).toBe(false);
  });

  it('finds the checkpoint gone, or any byte of it changed', async () => {
    const dir = await sample();
    const path = join(dir, 'checkpoint');
    const note = readFileSync(path);
    for (let at = 0; at < note.length; at++) {
      const bad = Buffer.from(note);
      bad[at]! ^= 1;
      writeFileSync(path, bad);
      expect(verify(dir).ok).toBe(false);
    }
    for (const bad of ['', `${note}\n`, `${note}${note}`, note.toString().replaceAll('\n', '\r\n')]) {
      writeFileSync(path, bad);
      expect(verify(dir).ok).toBe(false);
    }
    rmSync(path);
    expect(verify(dir).firstBad?.why).toBe('the signed checkpoint is missing');
  });

  it('finds a folder put back to an earlier state, by a checkpoint kept elsewhere', async () => {
    const dir = folder();
    await filled(dir, 3);
    const earlier = folder();
    cpSync(dir, earlier, { recursive: true });
    await filled(dir, 3);
    const kept = readFileSync(join(dir, 'checkpoint'), 'utf8');
    expect(verify(earlier).ok).toBe(true);
    expect(verifyLog(earlier, [KEYS.publicKey], [kept]).firstBad?.why).toContain('cut off');
    expect(verifyLog(dir, [KEYS.publicKey], [kept]).ok).toBe(true);
  });

  it('finds a file under a wrong name', async () => {
    const dir = await sample();
    const file = files(dir)[2]!;
    const wrong = `${String(Number(file.slice(0, 12)) + 1).padStart(12, '0')}.jsonl`;
    renameSync(join(dir, file), join(dir, wrong));
    expect(verify(dir).firstBad).toMatchObject({ seq: Number(file.slice(0, 12)), file: wrong, line: 1 });
  });

  it('finds a fitting entry of another log behind the last checkpoint', async () => {
    const dir = folder();
    await filled(dir, 2);
    const head = headOf(dir);
    appendFileSync(join(dir, files(dir)[0]!), line('f'.repeat(16), head, '', 'event', '"code":"event.start"'));
    expect(verify(dir).firstBad).toMatchObject({ seq: head.size, why: 'belongs to another log' });
  });

  it('finds a checkpoint that signs another hash or log than is there', async () => {
    const dir = folder();
    await filled(dir, 2);
    const { log, checkpoint } = verify(dir);
    for (const wrong of [
      { ...checkpoint!, hash: 'f'.repeat(64) },
      { ...checkpoint!, log: 'f'.repeat(16) },
    ]) {
      writeFileSync(join(dir, 'checkpoint'), signCheckpoint(wrong, KEYS));
      expect(verify(dir)).toMatchObject({ ok: false, log });
      expect(verify(dir).firstBad?.why).toContain('rewritten');
    }
  });
});

function headOf(dir: string): Head {
  return stored(dir).reduce((head, text) => after(head, Buffer.from(text)), GENESIS);
}

/** All entries in one file, unchanged. */
function forgeOneFile(dir: string): void {
  const all = stored(dir);
  for (const file of files(dir)) rmSync(join(dir, file));
  writeFileSync(join(dir, '000000000000.jsonl'), all.map((l) => `${l}\n`).join(''));
}
