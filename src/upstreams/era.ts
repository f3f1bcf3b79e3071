/** Which revision a server speaks, found at the server itself (protocol 2026-07-28, basic/versioning), and remembered. */
import type { Clock } from '../core/state.ts';
import { Generations } from '../lib/generations.ts';
import { isObject, type JsonObject } from '../lib/json/types.ts';
import { MODERN } from '../wire/eras/versions.ts';
import { VERSIONS } from './handshake.ts';
import type { Answered } from './http/answer.ts';
import type { Reply } from './stdio.ts';

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
  | {
      readonly era?: never;
      readonly why: string /** It names the very revision that it refused. */;
      readonly again?: true;
    };

/** What the answer to `server/discover` says about a server, whatever it came over. */
export function judgeReply(reply: Reply): Verdict {
  if (reply.kind === 'error') {
    if (reply.code !== -32022) return { era: 'legacy' };
    const supported = isObject(reply.data) ? reply.data['supported'] : undefined;
    if (Array.isArray(supported) && supported.includes(MODERN))
      return { why: 'the server refuses the revision that it names', again: true };
    return older(supported);
  }
  const { supportedVersions } = reply.value;
  if (!Array.isArray(supportedVersions)) return { era: 'legacy' };
  return supportedVersions.includes(MODERN) ? { era: 'modern', discovered: reply.value } : older(supportedVersions);
}

/** The same over HTTP, where a status can be no evidence. */
export function judge(answered: Answered): Verdict {
  const reply: Reply | undefined = answered.kind === 'status' ? answered.error : answered.reply;
  if (reply?.kind === 'result') return judgeReply(reply);
  const { status } = answered.kind === 'status' ? answered : answered.head;
  if (reply?.code === -32022) return judgeReply(reply);
  if (reply && (reply.code === -32020 || reply.code === -32021)) return { why: `error ${reply.code} to discover` };
  if (status >= 500 || (status >= 300 && status < 400) || NO_EVIDENCE.has(status)) return { why: `HTTP ${status}` };
  return { era: 'legacy' };
}
const NO_EVIDENCE: ReadonlySet<number> = new Set([401, 403, 407, 408, 421, 429]);

function older(supported: unknown): Verdict {
  const known = Array.isArray(supported) && VERSIONS.some((version) => supported.includes(version));
  return known ? { era: 'legacy' } : { why: 'the server speaks none of our revisions' };
}
