/**
 * The audit log: append-only lines in a folder, chained by hash, signed by checkpoints (guarantees AU1 to AU6).
 * No audit, no call: once the disk has failed every intent and outcome is rejected, until `reopen` has found it well.
 */
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attempt, Call } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import type { Log, Trail } from '../core/ports.ts';
import type { Clock, Random } from '../core/state.ts';
import type { Outcome } from '../core/verdict.ts';
import { hex } from '../lib/bytes.ts';
import type { Json } from '../lib/json/types.ts';
import { iso } from '../lib/time.ts';
import { after, type Head, type Kind, line } from './chain.ts';
import { signCheckpoint } from './checkpoint.ts';
import { DISK, type Disk } from './disk.ts';
import { type Entries, entries } from './entry.ts';
import type { Redact } from './mask.ts';
import { AuditRefused, type Recovered, recover } from './recover.ts';
import { CHECKPOINT_FILE } from './segments.ts';
import { Strangers } from './strangers.ts';
import { type Need, Writer } from './writer.ts';

export interface AuditLimits {
  /** A segment is followed by the next one when it has grown over this. */
  readonly segmentBytes: number;
  /** More than this waiting for the disk, and calls are refused. */
  readonly queueBytes: number;
  /** Longest arguments, answers or data of events that an entry shows. */
  readonly showBytes: number;
  /** A checkpoint after so many entries, or so many milliseconds if anything was written. */
  readonly checkpointEntries: number;
  readonly checkpointMs: number;
  /** How long an outcome may wait for a commit to ride with. */
  readonly lingerMs: number;
}

export const AUDIT_LIMITS: AuditLimits = {
  segmentBytes: 32 << 20,
  queueBytes: 32 << 20,
  showBytes: 64 << 10,
  checkpointEntries: 1000,
  checkpointMs: 10_000,
  lingerMs: 5,
};

export interface AuditOptions {
  /** Exists, and only this user can enter it. */
  readonly dir: string;
  /** The lock of the folder; undefined while another process has it. */
  readonly own: (dir: string) => { release(): void } | undefined;
  /** Ed25519. */
  readonly keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  readonly clock: Clock;
  readonly random: Random;
  readonly redact: Redact;
  /** See EntryRules. */
  readonly mayHold?: (json: Uint8Array) => boolean;
  /** Whether replies wait until the outcome of their call is on the disk. Default: no, it is only queued. */
  readonly awaitOutcome?: boolean;
  readonly limits?: Partial<AuditLimits>;
  readonly disk?: Disk;
}

export interface AuditLog extends Log {
  /** Id of this log: 16 hex digits, in every entry. */
  readonly id: string;
  /** Why nothing is written any more. */
  readonly fault: Error | undefined;
  /** After a fault: recovers the folder and goes on. Rejects when it is still not well. */
  reopen(): Promise<void>;
  /** Resolves when all that was said so far is on the disk. */
  flush(): Promise<void>;
  /** Writes the sums of strangers and a last checkpoint. */
  close(): Promise<void>;
}

/** Opens or continues the log in a folder. Rejects with AuditRefused when it must not be continued. */
export async function openAudit(options: AuditOptions): Promise<AuditLog> {
  const owner = options.own(options.dir);
  if (!owner) throw new AuditRefused(`${options.dir}: another process writes this log`);
  try {
    const log = new FolderLog(options, owner);
    await log.open();
    return log;
  } catch (error) {
    owner.release();
    throw error;
  }
}

class FolderLog implements AuditLog {
  id = '';
  readonly #options: AuditOptions;
  readonly #owner: { release(): void };
  readonly #limits: AuditLimits;
  readonly #entries: Entries;
  readonly #strangers = new Strangers((body) => void this.#append('strangers', body, 'none'));
  /** Intents without outcome, and how many steps of their trail are told. Bounded by the calls in flight. */
  readonly #intents = new Map<string, number>();
  #writer!: Writer;
  #head!: Head;
  #awaited: Need;
  /** Entries since the last checkpoint. */
  #since = 0;
  /** Attempts and events that found no room. */
  #lost = 0;
  #signing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #second = { ms: Number.NaN, text: '' };

  constructor(options: AuditOptions, owner: { release(): void }) {
    this.#options = options;
    this.#owner = owner;
    this.#limits = { ...AUDIT_LIMITS, ...options.limits };
    this.#entries = entries({
      redact: options.redact,
      ...(options.mayHold && { mayHold: options.mayHold }),
      showCap: this.#limits.showBytes,
    });
    this.#awaited = options.awaitOutcome ? 'durable' : 'none';
  }

  get fault(): Error | undefined {
    return this.#writer.fault;
  }

  /** `before` = what a recovery just before this one has cut. */
  async open(before?: Recovered['cut']): Promise<void> {
    const { dir, keys, random, disk = DISK } = this.#options;
    const { log, head, place, cut = before } = recover(dir, keys.publicKey);
    const writer = await Writer.open({ ...this.#limits, dir, disk }, place, head.size);
    this.id = log ?? hex(random(8));
    this.#head = head;
    this.#writer = writer;
    if (cut) this.event('event.torn-tail', cut);
    // At once, so that no log has entries but no checkpoint.
    await this.#checkpoint();
    if (this.fault) throw this.fault;
    this.#timer = setInterval(() => this.#tick(), this.#limits.checkpointMs).unref();
  }

  intent(call: Call, trail: Trail): Promise<void> {
    if (this.#crowded()) return Promise.reject(new Error('the disk is too slow'));
    this.#intents.set(call.id, trail.length);
    return this.#append('intent', this.#entries.intent(call, trail), 'durable')!;
  }

  outcome(call: Call, trail: Trail, outcome: Outcome): Promise<void> | undefined {
    const told = this.#intents.get(call.id);
    this.#intents.delete(call.id);
    if (this.fault) return Promise.reject(this.fault);
    if (told !== undefined) {
      return this.#append('outcome', this.#entries.outcome(call, trail, told, outcome), this.#awaited);
    }
    if (outcome.code?.startsWith('limits.') && !this.#strangers.own(call.caller, outcome.code, this.#options.clock()))
      return undefined;
    if (this.#crowded()) return Promise.reject(new Error('the disk is too slow'));
    return this.#append(
      'call',
      this.#entries.call(call, trail, outcome),
      this.#awaited === 'none' ? 'written' : 'durable',
    );
  }

  attempt(attempt: Attempt): void {
    const now = this.#options.clock();
    if (!attempt.caller) this.#strangers.stranger(attempt, now);
    else if (this.#strangers.own(attempt.caller, attempt.code, now)) {
      this.#tell('attempt', this.#entries.attempt(attempt));
    }
  }

  event(code: Code, data: Readonly<Record<string, Json>>): void {
    this.#tell('event', this.#entries.event(code, data));
  }

  flush(): Promise<void> {
    return this.#writer.flush();
  }

  async reopen(): Promise<void> {
    if (!this.fault) return;
    clearInterval(this.#timer);
    await this.#writer.close();
    await this.#signing;
    const { dir, keys, disk = DISK } = this.#options;
    // After a failed fdatasync the kernel may call pages clean that never reached the disk. A new file has none of them.
    const { place, cut } = recover(dir, keys.publicKey);
    if (!place.fresh) await disk.replace(place.path, readFileSync(place.path));
    await this.open(cut);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#strangers.flush(this.#options.clock(), true);
    await this.#signing;
    await this.#checkpoint();
    await this.#writer.close();
    this.#owner.release();
  }

  #crowded(): boolean {
    return this.#writer.queued > this.#limits.queueBytes;
  }

  /** What no call waits for. While the disk is too slow it is counted, and the count is told later. */
  #tell(kind: 'attempt' | 'event', body: string): void {
    if (this.fault || this.#crowded()) {
      this.#lost++;
      return;
    }
    if (this.#lost > 0) {
      const data = { count: this.#lost };
      this.#lost = 0;
      this.#append('event', this.#entries.event('event.lost', data), 'none');
    }
    this.#append(kind, body, 'none');
  }

  #append(kind: Kind, body: string, need: Need): Promise<void> | undefined {
    const { fault } = this;
    if (fault) return need === 'none' ? undefined : Promise.reject(fault);
    const bytes = line(this.id, this.#head, this.#now(), kind, body);
    this.#head = after(this.#head, bytes.subarray(0, -1));
    const waits = this.#writer.push(bytes, need);
    if (++this.#since >= this.#limits.checkpointEntries && kind !== 'checkpoint') void this.#checkpoint();
    return waits;
  }

  #tick(): void {
    this.#strangers.flush(this.#options.clock());
    if (this.#since > 0) void this.#checkpoint();
  }

  /** One at a time. Never rejects: a fault is the writer's, and whoever writes next meets it. */
  #checkpoint(): Promise<void> {
    if (this.#signing || this.fault) return Promise.resolve();
    this.#signing = this.#sign()
      .catch((error: Error) => this.#writer.fail(error))
      .finally(() => {
        this.#signing = undefined;
      });
    return this.#signing;
  }

  /** The entry signs all before it; the file, once the entry is on the disk, also the entry. */
  async #sign(): Promise<void> {
    const { dir, keys, disk = DISK } = this.#options;
    const at = this.#now();
    const note = signCheckpoint({ log: this.id, ...this.#head, at }, keys);
    const durable = this.#append('checkpoint', `"note":${JSON.stringify(note)}`, 'durable');
    this.#since = 0;
    const latest = signCheckpoint({ log: this.id, ...this.#head, at }, keys);
    await durable;
    await disk.replace(join(dir, CHECKPOINT_FILE), latest);
  }

  /** Many entries share a millisecond. */
  #now(): string {
    const ms = this.#options.clock();
    if (ms !== this.#second.ms) this.#second = { ms, text: iso(ms) };
    return this.#second.text;
  }
}
