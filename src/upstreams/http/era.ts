/** Which revision a server speaks, found at the server itself (protocol 2026-07-28, basic/versioning), and remembered. */
import type { RpcError } from '../../core/call.ts';
import type { Clock } from '../../core/state.ts';
import { Generations } from '../../lib/generations.ts';
import { isObject, type JsonObject } from '../../lib/json/types.ts';
import { MODERN } from '../../wire/eras/versions.ts';
import { VERSIONS } from '../handshake.ts';
import type { Answered } from './answer.ts';

export type Era = 'modern' | 'legacy';

/** A verdict that nothing would ever contradict must grow old: a server that was updated still serves older clients. */
const LEGACY_AGE = 3_600_000;
const MAX_SERVERS = 1000;

/** Verdicts by what is configured of a server, dated. */
export class Eras {
  readonly #clock: Clock;
  readonly #known = new Generations<{ readonly era: Era; readonly at: number } | undefined>(MAX_SERVERS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(server: string): Era | undefined {
    const known = this.#known.get(server);
    const old = known?.era === 'legacy' && this.#clock() - known.at > LEGACY_AGE;
    return old ? undefined : known?.era;
  }

  set(server: string, era: Era): void {
    this.#known.set(server, { era, at: this.#clock() });
  }

  forget(server: string): void {
    this.#known.set(server, undefined);
  }
}

export type Verdict =
  | { readonly era: 'modern'; readonly discovered: JsonObject }
  | { readonly era: 'legacy' }
  /** No evidence either way: sign-in, overload, redirects, header trouble. For the log. */
  | { readonly era?: never; readonly why: string };

/** What the answer to `server/discover` says about the server. */
export function judge(answered: Answered): Verdict {
  if (answered.kind === 'reply' && answered.reply.kind === 'result') {
    const { value } = answered.reply;
    const { supportedVersions } = value;
    if (!Array.isArray(supportedVersions)) return { era: 'legacy' };
    if (supportedVersions.includes(MODERN)) return { era: 'modern', discovered: value };
    return older(supportedVersions);
  }
  const error: RpcError | undefined =
    answered.kind === 'status' ? answered.error : answered.reply.kind === 'error' ? answered.reply : undefined;
  const { status } = answered.kind === 'status' ? answered : answered.head;
  if (error?.code === -32022) return older(isObject(error.data) ? error.data['supported'] : undefined);
  if (error && (error.code === -32020 || error.code === -32021)) return { why: `error ${error.code} to discover` };
  if (status >= 500 || (status >= 300 && status < 400) || NO_EVIDENCE.has(status)) return { why: `HTTP ${status}` };
  return { era: 'legacy' };
}
const NO_EVIDENCE: ReadonlySet<number> = new Set([401, 403, 407, 408, 421, 429]);

function older(supported: unknown): Verdict {
  const known = Array.isArray(supported) && VERSIONS.some((version) => supported.includes(version));
  return known ? { era: 'legacy' } : { why: 'the server speaks none of our revisions' };
}
