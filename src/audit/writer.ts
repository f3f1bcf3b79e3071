/**
 * Group commit: while one batch is on its way to the disk, the next one gathers. A batch is one write and, when
 * somebody waits for the disk, one fdatasync, both in the thread pool. What nobody waits for rides with the next commit,
 * or goes alone after a moment. The first fault is final: whoever waits or comes later is rejected.
 */
import { join } from 'node:path';
import type { AppendFile, Disk } from './disk.ts';
import { segmentName } from './segments.ts';

/** Who resolves when: when the bytes are with the kernel, when they are on the disk, or nobody waits. */
export type Need = 'none' | 'written' | 'durable';

export interface WriterOptions {
  readonly dir: string;
  readonly disk: Disk;
  /** A segment that has grown over this many bytes is followed by a new one. */
  readonly segmentBytes: number;
  /** Longest time, in milliseconds, that an entry nobody waits for may stay in memory or only with the kernel. */
  readonly lingerMs: number;
}

/** The open segment to continue: its size in bytes. */
export interface Place {
  readonly path: string;
  readonly bytes: number;
  readonly fresh: boolean;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class Writer {
  readonly #options: WriterOptions;
  #file: AppendFile;
  /** Bytes in the open segment, and entries in all segments, that are written. */
  #bytes: number;
  #entries: number;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #written: Waiter[] = [];
  #durable: Waiter[] = [];
  #idle: (() => void)[] = [];
  #busy = false;
  #scheduled = false;
  #unsynced = false;
  #linger: NodeJS.Timeout | undefined;
  #fault: Error | undefined;

  private constructor(options: WriterOptions, file: AppendFile, place: Place, entries: number) {
    this.#options = options;
    this.#file = file;
    this.#bytes = place.bytes;
    this.#entries = entries;
  }

  static async open(options: WriterOptions, place: Place, entries: number): Promise<Writer> {
    return new Writer(options, await options.disk.append(place.path, place.fresh), place, entries);
  }

  get fault(): Error | undefined {
    return this.#fault;
  }

  /** Bytes that wait to be written. */
  get queued(): number {
    return this.#queued;
  }

  /** Takes a line with its end. The promise is there only when somebody waits. */
  push(line: Uint8Array, need: 'none'): void;
  push(line: Uint8Array, need: Need): Promise<void> | undefined;
  push(line: Uint8Array, need: Need): Promise<void> | undefined {
    if (this.#fault) {
      if (need === 'none') return undefined;
      return Promise.reject(this.#fault);
    }
    this.#queue.push(line);
    this.#queued += line.length;
    if (need === 'none') {
      this.#soon();
      return undefined;
    }
    const waiters = need === 'durable' ? this.#durable : this.#written;
    const promise = new Promise<void>((resolve, reject) => waiters.push({ resolve, reject }));
    this.#schedule();
    return promise;
  }

  /** Resolves when everything pushed so far is durable, rejects when it never will be. */
  flush(): Promise<void> {
    if (this.#fault) return Promise.reject(this.#fault);
    if (!this.#busy && !this.#unsynced && this.#queue.length === 0) return Promise.resolve();
    const promise = new Promise<void>((resolve, reject) => this.#durable.push({ resolve, reject }));
    this.#schedule();
    return promise;
  }

  /** Waits for what is on its way, then closes the file. Never rejects. */
  async close(): Promise<void> {
    this.fail(new Error('the log is closed'));
    if (this.#busy) await new Promise<void>((resolve) => this.#idle.push(resolve));
    await this.#file.close().catch(() => {});
  }

  fail(error: Error): void {
    this.#fault ??= error;
    clearTimeout(this.#linger);
    this.#queue = [];
    this.#queued = 0;
    const waiting = [...this.#written, ...this.#durable];
    this.#written = [];
    this.#durable = [];
    for (const waiter of waiting) waiter.reject(this.#fault);
  }

  /** After this turn of the event loop: what arrives with it shares the batch. */
  #schedule(): void {
    if (this.#busy || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#busy) this.#commit();
    });
  }

  #soon(): void {
    if (this.#busy || this.#scheduled) return;
    this.#linger ??= setTimeout(() => {
      this.#linger = undefined;
      if (!this.#busy) this.#commit(true);
    }, this.#options.lingerMs);
  }

  #commit(alone = false): void {
    if (this.#fault || (this.#queue.length === 0 && this.#durable.length === 0 && !this.#unsynced)) return;
    this.#busy = true;
    clearTimeout(this.#linger);
    this.#linger = undefined;
    if (this.#bytes >= this.#options.segmentBytes && this.#queue.length > 0) return void this.#rotate(alone);
    const batch = this.#queue;
    const [written, durable] = [this.#written, this.#durable];
    this.#queue = [];
    this.#queued = 0;
    this.#written = [];
    this.#durable = [];
    const sync = alone || durable.length > 0;
    const settle = (waiters: Waiter[], error: Error | null): boolean => {
      if (error) {
        for (const waiter of [...written, ...durable]) waiter.reject(error);
        this.fail(error);
        this.#rest();
        return false;
      }
      for (const waiter of waiters) waiter.resolve();
      return true;
    };
    const finish = () => {
      if (!sync) return this.#next();
      this.#file.sync((error) => {
        if (!settle(durable, error)) return;
        this.#unsynced = false;
        this.#next();
      });
    };
    if (batch.length === 0) return finish();
    const bytes = batch.length === 1 ? batch[0]! : Buffer.concat(batch);
    // One visit to the thread pool instead of two; what was written before without a sync would not be covered by it.
    if (sync && !this.#unsynced && this.#file.writeDurable) {
      return this.#file.writeDurable(bytes, (error) => {
        if (!settle(written, error)) return;
        this.#bytes += bytes.length;
        this.#entries += batch.length;
        for (const waiter of durable) waiter.resolve();
        this.#next();
      });
    }
    this.#file.write(bytes, (error) => {
      if (!settle(written, error)) return;
      this.#bytes += bytes.length;
      this.#entries += batch.length;
      this.#unsynced = true;
      finish();
    });
  }

  #next(): void {
    this.#rest();
    if (this.#fault) return;
    if (this.#durable.length > 0 || this.#written.length > 0) this.#schedule();
    else if (this.#queue.length > 0 || this.#unsynced) this.#soon();
  }

  #rest(): void {
    this.#busy = false;
    for (const idle of this.#idle.splice(0)) idle();
  }

  /** The old segment is durable before the new one exists: a gap can never hide between two files. */
  async #rotate(alone: boolean): Promise<void> {
    const { dir, disk } = this.#options;
    try {
      const old = this.#file;
      await new Promise<void>((resolve, reject) => old.sync((error) => (error ? reject(error) : resolve())));
      this.#file = await disk.append(join(dir, segmentName(this.#entries)), true);
      this.#bytes = 0;
      this.#unsynced = false;
      await old.close();
    } catch (error) {
      this.fail(error as Error);
      return this.#rest();
    }
    this.#busy = false;
    this.#commit(alone);
    if (!this.#busy) this.#rest();
  }
}
