/**
 * Messages that a control stopped with `keep`, for a person to look at: sealed files that only the key ring opens.
 * Bounded in number, bytes and time; when it is full the oldest makes room, for what is kept is evidence, not state.
 */
import { readdirSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { CallView } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import type { Quarantine } from '../core/ports.ts';
import { principalOf } from '../core/principal.ts';
import type { Clock, Random } from '../core/state.ts';
import { digest } from '../lib/json/canonical.ts';
import type { Json } from '../lib/json/types.ts';
import { type KeyRing, open, seal } from '../lib/seal.ts';
import { createPrivate, privateFolder, readPrivate, replacePrivate } from './private.ts';

/** What a person sees of a kept message. */
export interface Kept {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly code: Code;
  readonly call: string;
  readonly tenant: string;
  readonly subject: string;
  /** Whose it is: tenant, issuer, subject and agents together (`principalOf`). */
  readonly principal: string;
  readonly upstream: string;
  readonly target: string;
  readonly message: Json;
  /** When a person let it pass, once, in milliseconds since the epoch. */
  readonly released?: number;
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
  released(call: CallView, message: Json): string | undefined;
  /** Oldest first; of all tenants where none is named, which is for the owner of the folder alone. */
  list(tenant?: string): Kept[];
  /** Another tenant's id answers as unknown. */
  open(tenant: string | undefined, id: string): Kept | undefined;
  discard(tenant: string | undefined, id: string): boolean;
  /** Lets this very message pass once more to whoever it was kept from. False when there is no such message. */
  release(tenant: string | undefined, id: string): boolean;
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

  function read(id: string, tenant?: string): Kept | undefined {
    const at = NAME.exec(`${id}.sealed`)?.[1];
    if (at === undefined || Number(at) + limits.ms <= clock()) return undefined;
    const sealed = readPrivate(join(dir, `${id}.sealed`), { cap: limits.bytes });
    // The id is part of the context: a file under another name does not open.
    const plain = sealed && open(ring, `${CONTEXT} ${id}`, Buffer.from(sealed).toString('latin1'));
    if (!plain) return undefined;
    const kept = JSON.parse(Buffer.from(plain).toString()) as Kept;
    return tenant === undefined || kept.tenant === tenant ? kept : undefined;
  }

  function write(kept: Kept): Buffer {
    return Buffer.from(seal(ring, `${CONTEXT} ${kept.id}`, Buffer.from(JSON.stringify(kept)), random));
  }

  // Whoever it was kept from, and what it says -> the message that may pass once.
  const free = new Map<string, string>();
  for (const { name } of held) {
    const kept = read(idOf(name));
    if (kept?.released !== undefined) free.set(keyOf(kept), kept.id);
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
        principal: principalOf(call.caller),
        upstream: call.upstream,
        target: call.target.name,
        message,
      };
      const sealed = write(kept);
      if (sealed.length > limits.bytes) throw new Error('the message is larger than the whole quarantine');
      room(sealed.length);
      const name = `${id}.sealed`;
      if (!createPrivate(join(dir, name), sealed)) throw new Error('the random source repeats itself');
      held.push({ name, at, size: sealed.length });
    },
    released(call, message) {
      const { caller, upstream, target } = call;
      const key = keyOf({ principal: principalOf(caller), upstream, target: target.name, message });
      const id = free.get(key);
      if (id === undefined) return undefined;
      // Gone first: it passes once, whatever happens to the file.
      free.delete(key);
      if (!read(id)) return undefined;
      drop(`${id}.sealed`);
      return id;
    },
    list: (tenant) => held.flatMap(({ name }) => read(idOf(name), tenant) ?? []),
    open: (tenant, id) => read(id, tenant),
    discard(tenant, id) {
      const kept = read(id, tenant);
      if (!kept) return false;
      free.delete(keyOf(kept));
      drop(`${id}.sealed`);
      return true;
    },
    release(tenant, id) {
      const kept = read(id, tenant);
      if (!kept) return false;
      replacePrivate(join(dir, `${id}.sealed`), write({ ...kept, released: clock() }));
      free.set(keyOf(kept), id);
      return true;
    },
  };
}

function idOf(name: string): string {
  return name.slice(0, -'.sealed'.length);
}

function keyOf({ principal, upstream, target, message }: Pick<Kept, 'principal' | 'upstream' | 'target' | 'message'>) {
  return JSON.stringify([principal, upstream, target, digest(message)]);
}
