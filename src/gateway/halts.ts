/**
 * What a person has halted: in a file of the state folder, so that it survives a restart, and in the state, where the
 * control `halt` looks. Only the owner of the folder writes it: the running gateway, or `doorward halt` while none runs.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { type Halted, setHalted } from '../controls/halt/rules.ts';
import type { Log } from '../core/ports.ts';
import type { Clock, State } from '../core/state.ts';

export const HALT_KINDS = ['all', 'upstream', 'tool', 'caller'] as const;
export interface Target {
  readonly kind: (typeof HALT_KINDS)[number];
  /** Upstream or bundle, `upstream.tool`, or subject; empty for `all`. */
  readonly name: string;
}

const record = z.strictObject({
  kind: z.enum(HALT_KINDS),
  name: z.string().max(512),
  /** Milliseconds since the epoch. */
  at: z.int().min(0),
  by: z.string().max(256),
  reason: z.string().max(500).optional(),
});
export type Halt = z.infer<typeof record>;
const file = z.strictObject({ 'doorward-halts': z.literal(1), halts: z.array(record).max(1000) });
const CAP = 2 * 1024 * 1024;

export interface HaltFiles {
  read(path: string, how: { readonly cap: number }): Uint8Array | undefined;
  /** Whole or not at all, mode 0600. */
  replace(path: string, bytes: Uint8Array): void;
}

export class HaltFault extends Error {}

export interface HaltsOptions {
  /** The state folder. */
  readonly dir: string;
  readonly files: HaltFiles;
  readonly clock: Clock;
  readonly log: Log;
  readonly state?: State;
  /** Called after each change that stops more, to end what runs without an end of its own. */
  readonly onHalt?: (halted: Halted) => void;
}

export interface Halts {
  readonly list: () => readonly Halt[];
  /** False when it was so before. Durable when this returns. Throws HaltFault when the file takes no more. */
  halt(target: Target, by: string, reason?: string): boolean;
  resume(target: Target, by: string): boolean;
}

/** Throws when the file cannot be read: what was halted is not known then, so nothing may start. */
export function openHalts({ dir, files, clock, log, state, onHalt }: HaltsOptions): Halts {
  const path = join(dir, 'halts.json');
  let halts = readHalts(path, files);
  if (state && halts.length > 0) setHalted(state, halted(halts));

  function put(next: readonly Halt[], what: string, { kind, name }: Target, by: string, reason?: string): void {
    if (next.length > 1000) throw new HaltFault('1000 things are halted: halt all');
    files.replace(path, Buffer.from(`${JSON.stringify({ 'doorward-halts': 1, halts: next })}\n`));
    halts = next;
    const now = halted(halts);
    if (state) setHalted(state, now);
    log.event('event.halt', { what, kind, name, by, ...(reason !== undefined && { reason }) });
    if (what === 'halt') onHalt?.(now);
  }

  const same = (target: Target) => (one: Halt) => one.kind === target.kind && one.name === target.name;
  return {
    list: () => halts,
    halt({ kind, name }, by, reason) {
      const target = { kind, name };
      if (halts.some(same(target))) return false;
      const made = record.safeParse({ ...target, at: clock(), by, ...(reason !== undefined && { reason }) });
      if (!made.success) throw new HaltFault('a name has at most 512 characters, a reason 500');
      put([...halts, made.data], 'halt', target, by, reason);
      return true;
    },
    resume(target, by) {
      if (!halts.some(same(target))) return false;
      put(
        halts.filter((one) => !same(target)(one)),
        'resume',
        target,
        by,
      );
      return true;
    },
  };
}

/** Puts what is halted into a state that nothing is changed by: for questions. Throws like `openHalts`. */
export function recallHalts(dir: string, files: Pick<HaltFiles, 'read'>, state: State): void {
  const halts = readHalts(join(dir, 'halts.json'), files);
  if (halts.length > 0) setHalted(state, halted(halts));
}

/** Throws HaltFault. */
function readHalts(path: string, files: Pick<HaltFiles, 'read'>): readonly Halt[] {
  const bytes = files.read(path, { cap: CAP });
  if (!bytes) return [];
  try {
    return file.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).halts;
  } catch {
    throw new HaltFault(`${path}: is not a list of halts; remove it, then halt again what must stay halted`);
  }
}

function halted(halts: readonly Halt[]): Halted {
  const of = (kind: Halt['kind']) => halts.filter((one) => one.kind === kind).map(({ name }) => name);
  return { all: of('all').length > 0, upstreams: of('upstream'), tools: of('tool'), callers: of('caller') };
}
