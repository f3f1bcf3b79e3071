/**
 * The vault that comes with Doorward: secrets of the operator, tokens of users, registrations at issuers, in one file.
 * Several processes may use it: a change is made under a lock, on what the file says at that moment, and takes the place
 * of the old file whole or not at all.
 */
import type { Clock, Random } from '../../core/state.ts';
import { base64url } from '../../lib/bytes.ts';
import type { PrivateFiles } from '../private.ts';
import {
  type Content,
  type Entry,
  type EntryKind,
  keysOf,
  type Label,
  MAX_ENTRIES,
  MAX_FILE,
  openEntry,
  parse,
  print,
  sealEntry,
  type VaultKeys,
  verify,
} from './file.ts';
import { digestOf, follows, type Mark, type Marks } from './mark.ts';
import type { Master, Unlock } from './master.ts';

export interface VaultWorld {
  readonly files: PrivateFiles;
  /** Another text when the file is another one. */
  readonly stamp: (path: string) => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly unlock: Unlock;
  readonly marks: Marks;
  /** One change at a time over all processes; undefined while another one is at it. */
  readonly lock: () => { release(): void } | undefined;
  readonly wait: (ms: number) => Promise<void>;
}

/** Another process does not let go of the vault. */
export class BusyFault extends Error {
  override readonly name = 'BusyFault';
  readonly fix = 'try again';
}

/** What a change may do. Nothing is written when it throws. */
export interface Draft {
  get(kind: EntryKind, tenant: string, name: string): Buffer | undefined;
  /** The new version; of older ones the last `keep` stay. */
  put(kind: EntryKind, tenant: string, name: string, value: Uint8Array, keep?: number): Label;
  /** How many versions there were. */
  remove(kind: EntryKind, tenant: string, name: string): number;
}

const TRIES = 200;
const PAUSE = 10;

export class Vault {
  readonly #path: string;
  readonly #world: VaultWorld;
  #stamp = '';
  #content: Content | undefined;
  #master: Master | undefined;
  #keys: VaultKeys | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #waiting: Wish[] = [];

  /** Reads nothing yet. */
  constructor(path: string, world: VaultWorld) {
    this.#path = path;
    this.#world = world;
  }

  /** Whether there is a vault to open. */
  get exists(): boolean {
    return this.#read() !== undefined;
  }

  /** The newest value, as it is in the file now. Throws UnlockFault, TamperedFault, or what `files` throws. */
  get(kind: EntryKind, tenant: string, name: string): Buffer | undefined {
    const content = this.#read();
    const entry = newest(content?.entries ?? [], kind, tenant, name);
    return entry && openEntry(content!.id, entry, this.#keys!);
  }

  /** Every version of everything, in the order of the file. */
  list(kind?: EntryKind): Label[] {
    return (this.#read()?.entries ?? []).filter((entry) => kind === undefined || entry.kind === kind).map(labelOf);
  }

  /** Opens every entry. Throws as `get` does. */
  check(): number {
    const content = this.#read();
    for (const entry of content?.entries ?? []) openEntry(content!.id, entry, this.#keys!).fill(0);
    return content?.entries.length ?? 0;
  }

  /** Changes that wait together are written together. Rejects with BusyFault, and with what `get` throws. */
  change<T>(work: (draft: Draft) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (done: unknown) => void, reject });
      if (this.#waiting.length === 1) this.#turn = this.#turn.then(() => this.#flush());
    });
  }

  /** Seals everything anew by a new master key; the old one opens nothing that is written from now on. */
  rotate(): Promise<void> {
    const next = this.#turn.then(() => this.#locked(() => this.#rotate()));
    this.#turn = next.catch(() => {});
    return next;
  }

  /**
   * Takes the vault that is there for the newest, whatever the mark says; false when there is none. `told` hears before of its
   * number of changes, and of that of the vault that was the newest. Rejects as `change` does.
   */
  acceptRestore(told: (restored: number, newest: number | undefined) => Promise<void>): Promise<boolean> {
    const next = this.#turn.then(async () => {
      const there = this.#open();
      if (there === undefined) return false;
      const newest = this.#newest();
      await told(there.content.revision, newest?.revision);
      await this.#locked(() => {
        const { content, keys } = this.#open()!;
        // Later than all that was there before: none of it is taken for the newest any more.
        const revision = Math.max(content.revision, newest?.revision ?? 0) + 1;
        this.#write({ ...content, revision }, keys, undefined);
        this.#keys = keys;
      });
      return true;
    });
    this.#turn = next.catch(() => {});
    return next;
  }

  /** The mark; undefined also where it cannot be read. */
  #newest(): Mark | undefined {
    try {
      return this.#world.marks.read();
    } catch {
      return undefined;
    }
  }

  async #flush(): Promise<void> {
    let wishes: readonly Wish[] = [];
    try {
      const settle = await this.#locked(() => this.#apply((wishes = this.#waiting.splice(0))));
      for (const one of settle) one();
    } catch (error) {
      for (const { reject } of [...wishes, ...this.#waiting.splice(0)]) reject(error);
    }
  }

  async #locked<T>(work: () => T): Promise<T> {
    for (let i = 0; ; i++) {
      const held = this.#world.lock();
      if (held) {
        try {
          return work();
        } finally {
          held.release();
        }
      }
      if (i >= TRIES) throw new BusyFault(`${this.#path}: another process is changing it`);
      await this.#world.wait(PAUSE);
    }
  }

  /** Answers what to tell whom, now that it is written. */
  #apply(wishes: readonly Wish[]): (() => void)[] {
    const before = this.#read() ?? this.#begin();
    let { entries } = before;
    const settle = wishes.map(({ work, resolve, reject }) => {
      const draft = new Changing(before.id, entries, this.#keys!, this.#world);
      try {
        const done = work(draft);
        entries = draft.entries;
        return () => resolve(done);
      } catch (error) {
        // Told to whoever asked; the others are not held up by it.
        return () => reject(error);
      }
    });
    if (entries !== before.entries)
      this.#write({ ...before, entries, revision: before.revision + 1 }, this.#keys!, before);
    return settle;
  }

  #begin(): Content {
    this.#master = this.#world.unlock.fresh(undefined);
    const content = {
      id: base64url(this.#world.random(16)),
      lock: this.#master.lock,
      revision: 0,
      marked: false,
      entries: [],
    };
    this.#keys = keysOf(this.#master, content.id);
    return content;
  }

  #rotate(): void {
    const before = this.#read();
    if (before === undefined) return;
    const { unlock, random } = this.#world;
    const master = unlock.fresh(before.lock);
    const keys = keysOf(master, before.id);
    const entries = before.entries.map((entry) => {
      const plain = openEntry(before.id, entry, this.#keys!);
      const sealed = sealEntry(before.id, labelOf(entry), plain, keys, random);
      plain.fill(0);
      return sealed;
    });
    this.#write({ ...before, lock: master.lock, revision: before.revision + 1, entries }, keys, before);
    [this.#master, this.#keys] = [master, keys];
    unlock.settled(master);
  }

  /** `before` without a mark gets one first: killed in between, it is still a vault that was marked. */
  #write(next: Omit<Content, 'marked'>, keys: VaultKeys, before: Content | undefined): void {
    const { files, stamp, marks } = this.#world;
    const content = { ...next, marked: true };
    const bytes = print(content, keys);
    const { id, revision } = content;
    if (before?.marked !== true) marks.write({ id, revision: before?.revision ?? revision, digest: '' });
    files.replace(this.#path, bytes);
    this.#content = content;
    this.#stamp = stamp(this.#path);
    marks.write({ id, revision, digest: digestOf(bytes) });
  }

  /** What the file says now; undefined when there is none. */
  #read(): Content | undefined {
    const { stamp, marks } = this.#world;
    const now = stamp(this.#path);
    if (this.#content !== undefined && now === this.#stamp) return this.#content;
    this.#content = undefined;
    const there = this.#open();
    if (there === undefined) return undefined;
    const { content, keys, digest } = there;
    const mark = marks.read();
    // Another process wrote meanwhile, and the mark may be that of its vault.
    if (stamp(this.#path) !== now) return this.#read();
    follows(content, digest, mark, this.#path);
    [this.#keys, this.#content, this.#stamp] = [keys, content, now];
    return content;
  }

  /** The vault in the file, be it the newest or not. */
  #open(): { content: Content; keys: VaultKeys; digest: string } | undefined {
    const { files, unlock } = this.#world;
    const bytes = files.read(this.#path, { cap: MAX_FILE });
    if (bytes === undefined) return undefined;
    const said = parse(bytes, this.#path);
    if (this.#master?.lock.kid !== said.lock.kid) this.#master = unlock.open(said.lock);
    const keys = keysOf(this.#master, said.id);
    return { content: verify(said, keys, this.#path), keys, digest: digestOf(bytes) };
  }
}

interface Wish {
  readonly work: (draft: Draft) => unknown;
  readonly resolve: (done: unknown) => void;
  readonly reject: (error: unknown) => void;
}

class Changing implements Draft {
  entries: readonly Entry[];
  readonly #id: string;
  readonly #keys: VaultKeys;
  readonly #world: VaultWorld;

  constructor(id: string, entries: readonly Entry[], keys: VaultKeys, world: VaultWorld) {
    this.entries = entries;
    this.#id = id;
    this.#keys = keys;
    this.#world = world;
  }

  get(kind: EntryKind, tenant: string, name: string): Buffer | undefined {
    const entry = newest(this.entries, kind, tenant, name);
    return entry && openEntry(this.#id, entry, this.#keys);
  }

  put(kind: EntryKind, tenant: string, name: string, value: Uint8Array, keep = 0): Label {
    const same = this.entries.filter(is(kind, tenant, name)).sort((a, b) => b.version - a.version);
    const gone = new Set(same.slice(keep));
    const label = { kind, tenant, name, version: (same[0]?.version ?? 0) + 1, created: this.#world.clock() };
    const left = this.entries.filter((entry) => !gone.has(entry));
    if (left.length >= MAX_ENTRIES) throw new Error(`the vault holds ${MAX_ENTRIES} entries at most`);
    this.entries = [...left, sealEntry(this.#id, label, value, this.#keys, this.#world.random)];
    return label;
  }

  remove(kind: EntryKind, tenant: string, name: string): number {
    const left = this.entries.filter((entry) => !is(kind, tenant, name)(entry));
    const gone = this.entries.length - left.length;
    if (gone > 0) this.entries = left;
    return gone;
  }
}

const is = (kind: EntryKind, tenant: string, name: string) => (entry: Entry) =>
  entry.kind === kind && entry.tenant === tenant && entry.name === name;

function newest(entries: readonly Entry[], kind: EntryKind, tenant: string, name: string): Entry | undefined {
  let best: Entry | undefined;
  for (const entry of entries) if (is(kind, tenant, name)(entry) && entry.version > (best?.version ?? 0)) best = entry;
  return best;
}

function labelOf({ kind, tenant, name, version, created }: Entry): Label {
  return { kind, tenant, name, version, created };
}
