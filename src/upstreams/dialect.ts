/** How one Call is put to a server of either era, and how its answer becomes ours. */
import type { Call, Result, RpcError } from '../core/call.ts';
import type { JsonObject } from '../lib/json/types.ts';
import * as legacy from '../wire/eras/legacy.ts';
import * as modern from '../wire/eras/modern.ts';
import { ownBytes } from './own-bytes.ts';
import type { Reply } from './stdio.ts';

export interface Dialect {
  ask(call: Call): { readonly method: string; readonly params: JsonObject };
  heard(method: string, reply: Reply): Result | RpcError;
}

/** Servers up to 2025-11-25. */
export const LEGACY: Dialect = {
  ask: legacy.ask,
  heard: (method, reply) =>
    reply.kind === 'error' ? legacy.heardError(reply) : legacy.heard(method, reply.value, reply.bytes),
};

/** Servers of 2026-07-28. `client` = what we say of ourselves. */
export function modernDialect(client: JsonObject): Dialect {
  return {
    ask: (call) => modern.ask(call, client),
    heard(method, reply) {
      if (reply.kind === 'error') return legacy.heardError(reply);
      const heard = modern.heard(method, reply.value);
      const bytes = reply.bytes && heard.kind === 'result' ? ownBytes(reply.value, reply.bytes) : undefined;
      return bytes && heard.kind === 'result' ? { ...heard, bytes } : heard;
    },
  };
}
