/**
 * What the owner of the state folder does by hand, over the owner's socket and never over MCP: decides about calls that
 * wait for a person, halts and resumes. No credential that can make calls reaches this.
 */
import { z } from 'zod';
import { NAME } from '../controls/approval/rules.ts';
import type { Log } from '../core/ports.ts';
import type { Json, JsonObject } from '../lib/json/types.ts';
import type { QuarantineStore } from '../store/quarantine.ts';
import type { Console, Desk } from './desk.ts';
import { HALT_KINDS, HaltFault, type Halts } from './halts.ts';

const ID = z.string().regex(/^[0-9A-Z]{4,6}$/);
/** As the store names them. */
const KEPT = z.string().regex(/^[0-9]{15}-[0-9a-f]{16}$/);
const target = { kind: z.enum(HALT_KINDS), name: z.string().max(512) };
const person = z.string().regex(NAME);
const request = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('list') }),
  z.strictObject({ do: z.literal('show'), id: ID }),
  z.strictObject({ do: z.enum(['grant', 'deny']), id: ID, key: z.string().max(64).optional() }),
  z.strictObject({ do: z.literal('code'), as: person.optional(), groups: z.array(person).max(16).optional() }),
  z.strictObject({ do: z.literal('kept') }),
  z.strictObject({ do: z.enum(['kept-show', 'release', 'discard']), id: KEPT }),
  z.strictObject({ do: z.literal('halts') }),
  z.strictObject({ do: z.literal('halt'), ...target, reason: z.string().max(500).optional() }),
  z.strictObject({ do: z.literal('resume'), ...target }),
  z.strictObject({ do: z.literal('restore'), revision: z.int(), newest: z.int().optional() }),
]);
export type AdminRequest = z.infer<typeof request>;

/**
 * Why nothing was done. `stale`: asked under other rules. `self`: the one who asked may not approve. `group`: people of
 * a group must. `twice`: agreed already, another must. `console`: there is none.
 */
export type AdminFault = 'request' | 'unknown' | 'decided' | 'self' | 'group' | 'twice' | 'stale' | 'full' | 'console';

export interface AdminOptions {
  readonly desk: Desk;
  readonly halts: Halts;
  readonly quarantine: QuarantineStore;
  readonly log: Pick<Log, 'event'>;
  readonly console: Console | undefined;
  /** OS user, for the log. */
  readonly user: string;
}

/** The subject behind the owner's socket is the local caller. */
const LOCAL = 'local';

/** Answers one request; `{fault}` when nothing was done. */
export function admin({ desk, halts, quarantine, log, console, user }: AdminOptions) {
  return async (asked: JsonObject): Promise<JsonObject> => {
    const read = request.safeParse(asked);
    if (!read.success) return fault('request');
    const wish = read.data;
    switch (wish.do) {
      case 'list':
        return {
          approvals: (await desk.list()).map(({ args: _args, answers: _answers, ...rest }) => plain(rest)),
          rules: desk.rules(),
        };
      case 'show': {
        const found = await desk.find(wish.id);
        return found ? { approval: plain(found), rules: desk.rules() } : fault('unknown');
      }
      case 'grant':
      case 'deny': {
        const decision = wish.do === 'grant' ? 'granted' : 'denied';
        const who = { subject: LOCAL, by: user, groups: [], via: 'terminal' } as const;
        const done = await desk.decide(wish.id, decision, who, wish.key);
        return typeof done === 'string' ? fault(done) : { approval: plain(done) };
      }
      case 'code': {
        if (!console) return fault('console');
        const issued = console.issue({ subject: wish.as ?? LOCAL, groups: wish.groups ?? [] });
        return { ...issued, url: console.url };
      }
      case 'kept':
        return { kept: quarantine.list().map(({ message: _message, ...rest }) => plain(rest)) };
      case 'kept-show': {
        const kept = quarantine.open(undefined, wish.id);
        return kept ? { kept: plain(kept) } : fault('unknown');
      }
      case 'release':
      case 'discard': {
        const kept = quarantine.open(undefined, wish.id);
        const done =
          wish.do === 'release' ? quarantine.release(undefined, wish.id) : quarantine.discard(undefined, wish.id);
        if (!kept || !done) return fault('unknown');
        const { message: _message, ...rest } = kept;
        log.event('event.quarantine', { what: wish.do, by: user, ...plainObject(rest) });
        return { kept: plain(rest) };
      }
      case 'restore': {
        const { revision, newest } = wish;
        log.event('event.vault', restored(user, revision, newest));
        return {};
      }
      case 'halts':
        return { halts: plain(halts.list()) };
      case 'halt':
      case 'resume':
        try {
          const changed = wish.do === 'halt' ? halts.halt(wish, user, wish.reason) : halts.resume(wish, user);
          return { changed, halts: plain(halts.list()) };
        } catch (error) {
          if (error instanceof HaltFault) return fault('full');
          throw error;
        }
    }
  };
}

/** What the log has of a vault that was put back by its owner. */
export function restored(by: string, revision: number, newest: number | undefined): JsonObject {
  return { what: 'restore-accepted', by, revision, ...(newest !== undefined && { newest }) };
}

function fault(why: AdminFault): JsonObject {
  return { fault: why };
}

function plain(value: object): Json {
  return value as Json;
}

function plainObject(value: object): Readonly<Record<string, Json>> {
  return value as Readonly<Record<string, Json>>;
}
