import { spawn } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { keysOf, print, sealEntry, TamperedFault } from '../../../src/secrets/vault/file.ts';
import { RollbackFault } from '../../../src/secrets/vault/mark.ts';
import { givenKeys, keyFile, passphrase, UnlockFault } from '../../../src/secrets/vault/master.ts';
import { BusyFault } from '../../../src/secrets/vault/vault.ts';
import { FILES, type Place, place, random } from './world.ts';

const open: Place[] = [];
const here = (): Place => {
  const made = place();
  open.push(made);
  return made;
};
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});
const KILLS = Number(process.env['DOORWARD_KILLS'] ?? 8);

describe('a vault', () => {
  it('gives back what was put in, to another process too', async () => {
    const { open: vault } = here();
    await vault().change((draft) => draft.put('secret', '*', 'a', Buffer.from('value-of-a')));
    const other = vault();
    expect(other.get('secret', '*', 'a')?.toString()).toBe('value-of-a');
    expect(other.get('secret', 'acme', 'a')).toBeUndefined();
    expect(other.get('token', '*', 'a')).toBeUndefined();
  });

  it('keeps versions, of which the newest counts', async () => {
    const vault = here().open();
    for (const value of ['one', 'two', 'three'])
      await vault.change((draft) => draft.put('secret', '*', 'a', Buffer.from(value), 1));
    expect(vault.get('secret', '*', 'a')?.toString()).toBe('three');
    expect(vault.list().map(({ version }) => version)).toEqual([2, 3]);
  });

  it('holds no value in the clear', async () => {
    const { open: vault, dir } = here();
    await vault().change((draft) => draft.put('secret', '*', 'a', Buffer.from('planted-value-5501')));
    for (const file of readdirSync(dir)) {
      const bytes = readFileSync(join(dir, file));
      for (const form of ['utf8', 'base64', 'base64url', 'hex'] as const)
        expect(bytes.includes(Buffer.from('planted-value-5501').toString(form)), `${file} ${form}`).toBe(false);
    }
  });

  it('writes changes that wait together once, and each is told of its own end', async () => {
    const { open: vault } = here();
    let writes = 0;
    const mine = vault({ files: { ...FILES, replace: (path, bytes) => (writes++, FILES.replace(path, bytes)) } });
    await mine.change((draft) => draft.put('secret', '*', 'first', Buffer.from('x')));
    writes = 0;
    const ends = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) =>
        mine.change((draft) => {
          draft.put('secret', '*', `n${i}`, Buffer.from(`v${i}`));
          if (i === 7) throw new Error('not this one');
        }),
      ),
    );
    expect(writes).toBe(1);
    expect(ends.map(({ status }, i) => (status === 'rejected' ? i : -1)).filter((i) => i >= 0)).toEqual([7]);
    expect(mine.get('secret', '*', 'n7')).toBeUndefined();
    expect(mine.get('secret', '*', 'n19')?.toString()).toBe('v19');
  });

  it('loses no change of several processes', async () => {
    const { open: vault } = here();
    const [one, two] = [vault(), vault()];
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        (i % 2 ? one : two).change((draft) => draft.put('token', 't', `n${i}`, Buffer.from(`v${i}`))),
      ),
    );
    for (let i = 0; i < 40; i++) expect((i % 2 ? two : one).get('token', 't', `n${i}`)?.toString()).toBe(`v${i}`);
  });

  it('does not wait for ever for another process', async () => {
    const vault = here().open({ lock: () => undefined, wait: () => Promise.resolve() });
    await expect(vault.change((draft) => draft.remove('secret', '*', 'a'))).rejects.toThrow(BusyFault);
  });

  it('changes nothing when the disk refuses', async () => {
    const { open: vault } = here();
    await vault().change((draft) => draft.put('secret', '*', 'a', Buffer.from('old')));
    const full = vault({
      files: {
        ...FILES,
        replace() {
          throw new Error('ENOSPC');
        },
      },
    });
    await expect(full.change((draft) => draft.put('secret', '*', 'a', Buffer.from('new')))).rejects.toThrow('ENOSPC');
    expect(full.get('secret', '*', 'a')?.toString()).toBe('old');
  });
});

describe('another hand', () => {
  const filled = async () => {
    const made = here();
    await made.open().change((draft) => {
      draft.put('secret', '*', 'a', Buffer.from('value of a'));
      draft.put('secret', 'acme', 'a', Buffer.from('value of a for acme'));
      draft.put('token', 'acme', 'b', Buffer.from('value of b'));
    });
    return made;
  };
  type File = { entries: Record<string, unknown>[]; revision: number };

  it.each<[string, (file: File) => void]>([
    ['swaps two values', ({ entries: [a, b] }) => ([a!['sealed'], b!['sealed']] = [b!['sealed'], a!['sealed']])],
    ['gives an entry to another tenant', ({ entries }) => (entries[1]!['tenant'] = 'globex')],
    ['renames an entry', ({ entries }) => (entries[0]!['name'] = 'c')],
    ['makes an entry older', ({ entries }) => (entries[0]!['created'] = 1)],
    ['takes an entry out', ({ entries }) => entries.pop()],
    ['puts an entry in twice', ({ entries }) => entries.push({ ...entries[0]! })],
    ['puts them in another order', ({ entries }) => entries.reverse()],
    ['counts back', (file) => file.revision--],
  ])('%s: refused', async (_, edit) => {
    const { path, open: vault } = await filled();
    const file = JSON.parse(readFileSync(path, 'utf8')) as File;
    edit(file);
    writeFileSync(path, JSON.stringify(file));
    expect(() => vault().list()).toThrow(TamperedFault);
    await expect(vault().change((draft) => draft.remove('secret', '*', 'a'))).rejects.toThrow(TamperedFault);
    await expect(vault().rotate()).rejects.toThrow(TamperedFault);
  });

  it('cuts, or changes any byte: refused, or the same vault', async () => {
    const { path, open: vault } = await filled();
    const good = readFileSync(path);
    const before = vault().list();
    fc.assert(
      fc.property(
        fc.oneof(
          fc.record({ at: fc.nat(good.length - 1), bits: fc.integer({ min: 1, max: 255 }) }),
          fc.record({ cut: fc.nat(good.length - 2) }),
        ),
        (how) => {
          let bytes = Buffer.from(good);
          if ('cut' in how) bytes = bytes.subarray(0, how.cut);
          else bytes[how.at]! ^= how.bits;
          writeFileSync(path, bytes);
          try {
            // White space between the members is nobody's.
            expect(vault().list()).toEqual(before);
          } catch (error) {
            expect(error instanceof TamperedFault || error instanceof UnlockFault).toBe(true);
            expect(String(error)).not.toContain('value of');
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it('brings the file of another vault: refused', async () => {
    const [mine, theirs] = [await filled(), await filled()];
    copyFileSync(theirs.path, mine.path);
    expect(() => mine.open().list()).toThrow(UnlockFault);
  });
});

describe('an older vault', () => {
  /** A vault of three changes, and what it was after each. */
  async function grown() {
    const one = here();
    const [mark, copies] = [join(one.dir, 'vault.mark'), [] as Buffer[]];
    for (const value of ['one', 'two', 'three']) {
      await one.open().change((draft) => draft.put('secret', '*', 'a', Buffer.from(value)));
      copies.push(readFileSync(one.path));
    }
    return { ...one, mark, copies, get: () => one.open().get('secret', '*', 'a')?.toString() };
  }

  it('that is put back is refused, by whatever would read or write it', async () => {
    const { open: vault, path, key, copies, get } = await grown();
    const running = vault();
    expect(running.get('secret', '*', 'a')?.toString()).toBe('three');
    for (const copy of copies.slice(0, 2)) {
      writeFileSync(path, copy);
      for (const one of [running, vault()]) {
        expect(() => one.get('secret', '*', 'a')).toThrow(
          /is an older vault \(change [12]\) than the newest \(change 3\)/,
        );
        expect(() => one.list()).toThrow(RollbackFault);
        await expect(one.change((draft) => draft.put('secret', '*', 'b', Buffer.from('x')))).rejects.toThrow(
          RollbackFault,
        );
        await expect(one.rotate()).rejects.toThrow(RollbackFault);
      }
    }
    writeFileSync(path, copies[2]!);
    expect(get()).toBe('three');
    // With the key that opened it, too.
    const old = readFileSync(key);
    await vault().rotate();
    const rotated = readFileSync(key);
    writeFileSync(path, copies[2]!);
    writeFileSync(key, Buffer.concat([rotated, old]));
    expect(get).toThrow(/older vault/);
  });

  it('is refused where the mark is gone, changed, or that of another', async () => {
    const { mark, path, copies, get } = await grown();
    const newest = readFileSync(mark);
    rmSync(mark);
    expect(get).toThrow(/which vault is the newest is gone/);
    for (const bytes of ['', 'x', flipped(newest), newest.subarray(0, 40)]) {
      writeFileSync(mark, bytes, { mode: 0o600 });
      expect(get).toThrow(RollbackFault);
    }
    const other = await grown();
    copyFileSync(other.mark, mark);
    expect(get).toThrow(RollbackFault);
    writeFileSync(mark, newest);
    writeFileSync(path, copies[2]!);
    expect(get()).toBe('three');
  });

  it('is the newest when its owner says so, and then nothing from before is', async () => {
    const { open: vault, path, copies, get } = await grown();
    const running = vault();
    writeFileSync(path, copies[0]!);
    expect(() => running.list()).toThrow(RollbackFault);
    const told: unknown[] = [];
    expect(await vault().acceptRestore(async (...said) => void told.push(said))).toBe(true);
    expect(told).toEqual([[1, 3]]);
    expect([get(), running.get('secret', '*', 'a')?.toString()]).toEqual(['one', 'one']);
    for (const copy of copies) {
      writeFileSync(path, copy);
      expect(get).toThrow(RollbackFault);
    }
    // Not told is not done.
    await expect(vault().acceptRestore(() => Promise.reject(new Error('no log')))).rejects.toThrow('no log');
    expect(get).toThrow(RollbackFault);
    expect(
      await here()
        .open()
        .acceptRestore(async () => {}),
    ).toBe(false);
  });

  it('is not accepted when it was changed by hand', async () => {
    const { open: vault, path, copies } = await grown();
    writeFileSync(path, copies[0]!.toString().replace('"revision": 1', '"revision": 9'));
    await expect(vault().acceptRestore(async () => {})).rejects.toThrow(/changed by another hand/);
    // Written as if no mark had ever been kept.
    writeFileSync(path, copies[0]!.toString().replace('"v": 2', '"v": 1'));
    expect(() => vault().list()).toThrow(/changed by another hand/);
  });

  it('of a Doorward that kept no marks opens, and is marked from its next change on', async () => {
    const { open: vault, path, dir, mark } = marked();
    const before = withoutMark(path, dir);
    expect(vault().get('secret', '*', 'a')?.toString()).toBe('old');
    await vault().change((draft) => draft.put('secret', '*', 'a', Buffer.from('new')));
    expect(vault().get('secret', '*', 'a')?.toString()).toBe('new');
    writeFileSync(path, before);
    expect(() => vault().list()).toThrow(/older vault/);
    rmSync(mark);
    // With the mark gone as well it is what it was: nothing here can tell.
    expect(vault().get('secret', '*', 'a')?.toString()).toBe('old');
  });

  function marked() {
    const one = here();
    return { ...one, mark: join(one.dir, 'vault.mark') };
  }
  /** Writes a vault as it was before there were marks. */
  function withoutMark(path: string, dir: string): Uint8Array {
    const master = keyFile(join(dir, 'vault.key'), { files: FILES, random }).fresh(undefined);
    const id = Buffer.from(random(16)).toString('base64url');
    const keys = keysOf(master, id);
    const label = { kind: 'secret', tenant: '*', name: 'a', version: 1, created: 1 } as const;
    const entries = [sealEntry(id, label, Buffer.from('old'), keys, random)];
    const bytes = print({ id, lock: master.lock, revision: 5, marked: false, entries }, keys);
    FILES.replace(path, bytes);
    return bytes;
  }
});

describe('the master key', () => {
  it('is made once, of mode 0600, and never replaced while no vault is there', async () => {
    const { key, path, open: vault } = here();
    await vault().change((draft) => draft.put('secret', '*', 'a', Buffer.from('x')));
    const made = readFileSync(key, 'utf8');
    const copy = readFileSync(path);
    writeFileSync(path, '');
    expect(() => vault().list()).toThrow(TamperedFault);
    const { unlinkSync } = await import('node:fs');
    unlinkSync(path);
    await vault().change((draft) => draft.put('secret', '*', 'b', Buffer.from('y')));
    expect(readFileSync(key, 'utf8')).toBe(made);
    // The copy comes back: it is another vault, which its owner has to say.
    writeFileSync(path, copy);
    expect(() => vault().get('secret', '*', 'a')).toThrow(RollbackFault);
    expect(await vault().acceptRestore(async () => {})).toBe(true);
    expect(vault().get('secret', '*', 'a')?.toString()).toBe('x');
  });

  it('is followed by a new one: the old opens nothing any more', async () => {
    const { key, path, open: vault, dir } = here();
    await vault().change((draft) => draft.put('secret', '*', 'a', Buffer.from('x')));
    const [old, sealed] = [readFileSync(key), readFileSync(path, 'utf8')];
    const running = vault();
    expect(running.get('secret', '*', 'a')?.toString()).toBe('x');
    await vault().rotate();
    expect(running.get('secret', '*', 'a')?.toString()).toBe('x');
    expect(readFileSync(path, 'utf8')).not.toContain((JSON.parse(sealed) as { mac: string }).mac);
    expect(readFileSync(key, 'utf8').trim().split('\n').length).toBe(1);
    writeFileSync(join(dir, 'old.key'), old, { mode: 0o600 });
    const thief = vault({ unlock: keyFile(join(dir, 'old.key'), { files: FILES, random }) });
    expect(() => thief.get('secret', '*', 'a')).toThrow(UnlockFault);
  });

  it('may be handed over, and is then never written', async () => {
    const { dir, open: vault } = here();
    const given = join(dir, 'given');
    const line = () => Buffer.from(random(32)).toString('base64url');
    const [first, second] = [line(), line()];
    writeFileSync(given, `${first}\n`, { mode: 0o400 });
    const unlock = givenKeys(given, { files: FILES });
    await vault({ unlock }).change((draft) => draft.put('secret', '*', 'a', Buffer.from('x')));
    await expect(vault({ unlock }).rotate()).rejects.toThrow(/first key is the one in use/);
    writeFileSync(join(dir, 'given2'), `${second}\n${first}\n`, { mode: 0o400 });
    const newer = givenKeys(join(dir, 'given2'), { files: FILES });
    await vault({ unlock: newer }).rotate();
    expect(() => vault({ unlock }).get('secret', '*', 'a')).toThrow(UnlockFault);
    expect(vault({ unlock: newer }).get('secret', '*', 'a')?.toString()).toBe('x');
  });

  it('may be made of a passphrase', async () => {
    const { open: vault } = here();
    const by = (text: string) => ({ unlock: passphrase(() => text, random) });
    await vault(by('correct horse battery')).change((draft) => draft.put('secret', '*', 'a', Buffer.from('x')));
    expect(vault(by('correct horse battery')).get('secret', '*', 'a')?.toString()).toBe('x');
    expect(() => vault(by('correct horse batterz')).get('secret', '*', 'a')).toThrow('this is not the passphrase');
    expect(() => vault().get('secret', '*', 'a')).toThrow(UnlockFault);
  });

  it.each(['', 'short\n', `${'A'.repeat(43)}\nx\n`])('is not made of a file that holds %j', async (text) => {
    const { key, open: vault } = here();
    await vault().change((draft) => draft.put('secret', '*', 'a', Buffer.from('x')));
    writeFileSync(key, text);
    expect(() => vault().get('secret', '*', 'a')).toThrow(UnlockFault);
  });
});

/** Kills what changes the vault at any moment; afterwards nothing that was said to be done is gone. */
describe.each(['rotate', 'write'])('kill -9 while it does %s', (what) => {
  it(`loses nothing, ${KILLS} times`, async () => {
    const { dir, open: vault } = here();
    await vault().change((draft) => {
      for (let i = 0; i < 50; i++) draft.put('secret', '*', `kept${i}`, Buffer.from(`value ${i}`));
    });
    for (let kill = 0; kill < KILLS; kill++) {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'child.ts'), dir, what], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise((resolve) => child.stdout.once('data', resolve));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('exit', resolve));
      const mine = vault();
      for (let i = 0; i < 50; i++) expect(mine.get('secret', '*', `kept${i}`)?.toString()).toBe(`value ${i}`);
      mine.check();
    }
    await vault().rotate();
    expect(vault().check()).toBeGreaterThanOrEqual(50);
  }, 60_000);
});

/** With one bit of a character in the middle changed; not of the last one, of which not every bit counts. */
function flipped(text: Buffer): Buffer {
  const out = Buffer.from(text);
  out[text.length >> 1]! ^= 1;
  return out;
}
