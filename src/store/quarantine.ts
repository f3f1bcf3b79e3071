/**
 * Messages that a control stopped with `keep`, for a person to look at: sealed files that only the key ring opens.
 * Bounded in number, bytes and time; when it is full the oldest makes room, for what is kept is evidence, not state.
 */
import { readdirSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { CallView } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import type { Quarantine } from '../core/ports.ts';
import type { Clock, Random } from '../core/state.ts';
import type { Json } from '../lib/json/types.ts';
import { type KeyRing, open, seal } from '../lib/seal.ts';
import { createPrivate, privateFolder, readPrivate } from './private.ts';

/** What a person sees of a kept message. */
export interface Kept {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly code: Code;
  readonly call: string;
  readonly tenant: string;
  readonly subject: string;
  readonly upstream: string;
  readonly target: string;
  readonly message: Json;
}

export interface QuarantineWorld {
  readonly dir: string;
  readonly ring: KeyRing;
  readonly clock: Clock;
  readonly random: Random;
  /** Defaults: 1,000 messages, 64 MiB, 30 days. */
  readonly limits?: { readonly count: number; readonly bytes: number; readonly ms: number };
}

export interface QuarantineStore extends Quarantine {
  keep(call: CallView, message: Json, code: Code): void;
  /** Oldest first. */
  list(tenant: string): Kept[];
  /** Another tenant's id answers as unknown. */
  open(tenant: string, id: string): Kept | undefined;
  discard(tenant: string, id: string): boolean;
}

const LIMITS = { count: 1000, bytes: 64 << 20, ms: 30 * 86_400_000 };
/** Time first, so that names sort by age. */
const NAME = /^([0-9]{15})-([0-9a-f]{16})\.sealed$/;
const CONTEXT = 'quarantine';

/** Throws PrivateFault when others could enter the folder. */
export function openQuarantine(world: QuarantineWorld): QuarantineStore {
  const { dir, ring, clock, random, limits = LIMITS } = world;
  privateFolder(dir);

  // The folder has one owner, so what lies in it is known without looking again at every message.
  let held = readdirSync(dir)
    .filter((name) => NAME.test(name))
    .sort()
    .map((name) => ({ name, at: Number(NAME.exec(name)![1]), size: statSync(join(dir, name)).size }));

  function drop(name: string): void {
    unlinkSync(join(dir, name));
    held = held.filter((file) => file.name !== name);
  }

  /** Drops what is too old, and the oldest of what is too much when `incoming` bytes come. */
  function room(incoming: number): void {
    let bytes = held.reduce((sum, file) => sum + file.size, incoming);
    let count = held.length + 1;
    for (const { name, at, size } of held) {
      if (at + limits.ms > clock() && bytes <= limits.bytes && count <= limits.count) break;
      drop(name);
      bytes -= size;
      count--;
    }
  }

  function read(id: string, tenant: string): Kept | undefined {
    const at = NAME.exec(`${id}.sealed`)?.[1];
    if (at === undefined || Number(at) + limits.ms <= clock()) return undefined;
    const sealed = readPrivate(join(dir, `${id}.sealed`), { cap: limits.bytes });
    // The id is part of the context: a file under another name does not open.
    const plain = sealed && open(ring, `${CONTEXT} ${id}`, Buffer.from(sealed).toString('latin1'));
    if (!plain) return undefined;
    const kept = JSON.parse(Buffer.from(plain).toString()) as Kept;
    return kept.tenant === tenant ? kept : undefined;
  }

  return {
    keep(call, message, code) {
      const at = clock();
      const id = `${String(at).padStart(15, '0')}-${Buffer.from(random(8)).toString('hex')}`;
      const kept: Kept = {
        id,
        at,
        code,
        call: call.id,
        tenant: call.tenant,
        subject: call.caller.subject,
        upstream: call.upstream,
        target: call.target.name,
        message,
      };
      const sealed = Buffer.from(seal(ring, `${CONTEXT} ${id}`, Buffer.from(JSON.stringify(kept)), random));
      if (sealed.length > limits.bytes) throw new Error('the message is larger than the whole quarantine');
      room(sealed.length);
      const name = `${id}.sealed`;
      if (!createPrivate(join(dir, name), sealed)) throw new Error('the random source repeats itself');
      held.push({ name, at, size: sealed.length });
    },
    list: (tenant) => held.flatMap(({ name }) => read(name.slice(0, -'.sealed'.length), tenant) ?? []),
    open: (tenant, id) => read(id, tenant),
    discard(tenant, id) {
      if (!read(id, tenant)) return false;
      drop(`${id}.sealed`);
      return true;
    },
  };
}
