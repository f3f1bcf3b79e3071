/** How the calls of one lane are put to its server, of either era and over whatever transport; and what it answers. */
import type { Call, Io, Result, RpcError } from '../core/call.ts';
import { Ended } from '../core/ended.ts';
import type { JsonObject } from '../lib/json/types.ts';
import { misfit, undeclared } from '../wire/eras/asks.ts';
import { louder } from '../wire/eras/interim.ts';
import * as legacy from '../wire/eras/legacy.ts';
import { method as lookUp } from '../wire/eras/methods.ts';
import * as modern from '../wire/eras/modern.ts';
import { allAccepted, linksAsked } from '../wire/eras/older-asks.ts';
import type { Ask } from './asking.ts';
import type { Greeting } from './handshake.ts';
import { ownBytes } from './own-bytes.ts';
import { isParked, type Parking } from './parking.ts';
import type { Reply } from './stdio.ts';
import { Talk } from './talk.ts';

/** What a lane is started for. */
export interface Terms {
  /** What the server may ask the client for, as capabilities. */
  readonly offered: JsonObject;
  /** Several callers use the server: nothing that names no call reaches any of them, and none sets anything of it. */
  readonly shared?: boolean;
}

export interface CallsOptions extends Terms {
  readonly greeting: Greeting;
  /** What we say of ourselves. */
  readonly client: JsonObject;
  readonly parking: Parking;
  /** One request. Rejects with Ended, or the reason of the signal. */
  readonly ask: (method: string, params: JsonObject, how: Ask, call?: Call) => Promise<Reply>;
}

/** The state of a call that the server refused until links were followed: its retry is the first one it takes. */
const LINKS = 'doorward:links';

export interface Calls {
  /** Rejects with Ended, or the reason of the signal. */
  make(call: Call, io: Io): Promise<Result | RpcError>;
}

/** A server of 2026-07-28. */
export function modernCalls({ client, offered, ask }: CallsOptions): Calls {
  return {
    async make(call, io) {
      const { method, params } = modern.ask(call, client, offered);
      const reply = await ask(method, params, io, call);
      if (reply.kind === 'error') {
        const data = undeclared(reply, call.claimed.capabilities);
        if (data) throw new Ended('stop', 'asks.capability', 'the server needs it', undefined, data);
        return legacy.heardError(reply);
      }
      const heard = modern.heard(method, reply.value, call.extensions?.includes('tasks'));
      if (heard.kind === 'error') return heard;
      if (heard.value['resultType'] === 'input_required') {
        const fault = isParked(heard.value['requestState'] as string)
          ? 'a state of ours'
          : misfit(heard.value, offered);
        if (fault !== undefined) throw new Ended('stop', 'upstream.asked', fault);
        return heard;
      }
      const bytes = reply.bytes && ownBytes(reply.value, reply.bytes);
      return bytes ? { ...heard, bytes } : heard;
    },
  };
}

/** A server up to 2025-11-25. */
export function olderCalls({ greeting, offered, shared, parking, ask }: CallsOptions): Calls {
  const { version } = greeting;
  /** Only some requests can be answered with a question. */
  const mayAsk = (call: Call) => Object.keys(offered).length > 0 && lookUp(call.method)?.resumes === true;
  let level: string | undefined;

  async function once(call: Call, how: Ask): Promise<Result | RpcError> {
    const { method, params } = legacy.ask(call);
    const reply = await ask(method, params, how, call);
    if (reply.kind === 'result') return legacy.heard(method, reply.value, reply.bytes);
    const inputRequests = mayAsk(call) ? linksAsked(version, offered, reply) : undefined;
    if (inputRequests === undefined) return legacy.heardError(reply);
    return { kind: 'result', value: { resultType: 'input_required', inputRequests, requestState: LINKS } };
  }

  /** The lane is one caller's, whose calls may want different levels: the lowest is asked for, the codec filters. */
  async function listenTo(wanted: string, signal: AbortSignal): Promise<void> {
    if (greeting.capabilities['logging'] === undefined || (level !== undefined && !louder(level, wanted))) return;
    level = wanted;
    await ask('logging/setLevel', { level: wanted }, { signal });
  }

  return {
    async make(call, io) {
      const { resume } = call;
      if (resume) {
        if (resume.state !== LINKS) throw new Ended('stop', 'upstream.gone', 'the server knows of no question');
        if (!allAccepted(resume.answers)) throw new Ended('stop', 'upstream.declined');
      }
      if (call.logLevel !== undefined && !shared) await listenTo(call.logLevel, io.signal);
      if (!mayAsk(call)) return once(call, io);
      const park = (talk: Talk) => parking.park(call, talk);
      const pause = (run: () => void) => parking.pause(run);
      return new Talk({ version, offered, ask: (how) => once(call, how), park, pause }).round(io);
    },
  };
}
