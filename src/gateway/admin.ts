/**
 * What the owner of the state folder does by hand, over the owner's socket and never over MCP: decides about calls that
 * wait for a person, halts and resumes. No credential that can make calls reaches this.
 */
import { z } from 'zod';
import { type Approval, all, decide } from '../controls/approval/book.ts';
import type { Log, Snapshot } from '../core/ports.ts';
import type { State } from '../core/state.ts';
import type { Json, JsonObject } from '../lib/json/types.ts';
import { HALT_KINDS, HaltFault, type Halts } from './halts.ts';

const ID = z.string().regex(/^[0-9A-Z]{4,6}$/);
const target = { kind: z.enum(HALT_KINDS), name: z.string().max(512) };
const request = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('list') }),
  z.strictObject({ do: z.enum(['show', 'grant', 'deny']), id: ID }),
  z.strictObject({ do: z.literal('halts') }),
  z.strictObject({ do: z.literal('halt'), ...target, reason: z.string().max(500).optional() }),
  z.strictObject({ do: z.literal('resume'), ...target }),
]);
export type AdminRequest = z.infer<typeof request>;

/** Why nothing was done. `stale`: asked under other rules. `self`: the one who asked may not approve. */
export type AdminFault = 'request' | 'unknown' | 'decided' | 'self' | 'stale' | 'full';

export interface AdminOptions {
  readonly state: State;
  readonly log: Log;
  readonly snapshot: () => Snapshot;
  readonly halts: Halts;
  /** OS user, for the log. */
  readonly user: string;
}

/** The subject behind the owner's socket is the local caller. */
const LOCAL = 'local';

/** Answers one request; `{fault}` when nothing was done. */
export function admin({ state, log, snapshot, halts, user }: AdminOptions) {
  return async (asked: JsonObject): Promise<JsonObject> => {
    const read = request.safeParse(asked);
    if (!read.success) return fault('request');
    const wish = read.data;
    switch (wish.do) {
      case 'list':
        return { approvals: (await all(state)).map(({ args: _args, answers: _answers, ...rest }) => plain(rest)) };
      case 'show': {
        const found = (await all(state)).find(({ id }) => id === wish.id);
        return found ? { approval: plain(found), rules: snapshot().id } : fault('unknown');
      }
      case 'grant':
      case 'deny': {
        const decision = wish.do === 'grant' ? 'granted' : 'denied';
        const done = await decide(state, wish.id, decision, { subject: LOCAL, by: user }, snapshot().id);
        if (typeof done === 'string') return fault(done);
        tell(done);
        return { approval: plain(done) };
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

  function tell({ id, state: decision, by, upstream, method, name, tenant, subject, agent, ...rest }: Approval): void {
    log.event('event.approval', {
      decision,
      approval: id,
      by: by!,
      via: 'terminal',
      caller: { tenant, subject, agent: [...agent] },
      upstream,
      method,
      name,
      argsDigest: rest.argsDigest,
      rules: rest.rulesId,
      call: rest.call,
    });
  }
}

function fault(why: AdminFault): JsonObject {
  return { fault: why };
}

function plain(value: object): Json {
  return value as Json;
}
