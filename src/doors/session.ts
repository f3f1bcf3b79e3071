/**
 * Sessions of the revisions up to 2025-11-25. The id is a sealed text, so that no table of sessions exists and any replica
 * can read it; it is bound to the principal who began it and useless to anyone else (guarantee ID9).
 */
import type { Caller, Claimed } from '../core/call.ts';
import { principalOf } from '../core/principal.ts';
import type { Clock, Random, State } from '../core/state.ts';
import { base64url, equal, sha256Hex } from '../lib/bytes.ts';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import { type KeyRing, open, seal } from '../lib/seal.ts';
import { escapeText, utf8Length } from '../lib/text.ts';
import type { LegacyEra } from '../wire/eras/versions.ts';

const CONTEXT = 'doorward.session.1';
export const ENDED = 'session.ended';
const LEVEL = 'session.level';
/** Longest id that is looked at, in characters; ours stay far below. */
const MAX_ID = 4096;
/** What a client may say of itself and have kept, in bytes of JSON: the id travels in a header of every request. */
const MAX_CLAIMS = 1024;

export interface Session {
  /** SHA-256 of the id in hex: names the session where the id itself must not appear. */
  readonly digest: string;
  readonly era: LegacyEra;
  readonly claimed: Claimed;
  /** The lowest level of log messages that its client wants. */
  readonly level?: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

export interface SessionOptions {
  readonly ring: KeyRing;
  readonly clock: Clock;
  readonly random: Random;
  /** Remembers the sessions that were ended before their time. Shared by replicas. */
  readonly state: Pick<State, 'get' | 'put'>;
  /** Life of a session in milliseconds, also never longer than its credential. Default 24 h. */
  readonly life?: number;
}

export class Sessions {
  readonly #options: SessionOptions;
  readonly #life: number;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#life = options.life ?? 24 * 3_600_000;
  }

  /** A new session id: visible ASCII, unguessable. */
  mint(caller: Caller, route: string, era: LegacyEra, claimed: Claimed): string {
    const { ring, clock, random } = this.#options;
    const plain: Json = {
      principal: principalOf(caller),
      route,
      era,
      claimed: keep(claimed),
      expiry: Math.min(clock() + this.#life, caller.expires ?? Infinity),
      nonce: base64url(random(16)),
    };
    return seal(ring, CONTEXT, Buffer.from(JSON.stringify(plain)), random);
  }

  /** The session behind an id; undefined alike for unknown, foreign, expired and ended ones. Throws when state fails. */
  async open(id: string, caller: Caller, route: string): Promise<Session | undefined> {
    const session = this.#read(id, caller, route);
    if (!session) return undefined;
    const { state } = this.#options;
    const ended = state.get(ENDED, session.digest);
    if ((ended instanceof Promise ? await ended : ended) !== undefined) return undefined;
    const said = state.get(LEVEL, session.digest);
    const level = said instanceof Promise ? await said : said;
    return typeof level === 'string' ? { ...session, level } : session;
  }

  /** `logging/setLevel`. The id is sealed and cannot change, so this is remembered beside it. Throws when state fails. */
  async setLevel({ digest, expires }: Session, level: string): Promise<void> {
    await this.#options.state.put(LEVEL, digest, level, expires - this.#options.clock());
  }

  /** Ends a session for every replica. False when there is none. */
  async end(id: string, caller: Caller, route: string): Promise<Session | undefined> {
    const session = await this.open(id, caller, route);
    if (session) await this.#options.state.put(ENDED, session.digest, true, this.#life);
    return session;
  }

  #read(id: string, caller: Caller, route: string): Session | undefined {
    if (id.length > MAX_ID) return undefined;
    const plain = open(this.#options.ring, CONTEXT, id);
    if (!plain) return undefined;
    // Only this class seals under this context, so the text has the shape that `mint` gave it.
    const said = JSON.parse(Buffer.from(plain).toString()) as JsonObject;
    if (!equal(said.principal as string, principalOf(caller)) || said.route !== route) return undefined;
    if (this.#options.clock() >= (said.expiry as number)) return undefined;
    const { era, claimed, expiry } = said as unknown as { era: LegacyEra; claimed: Claimed; expiry: number };
    return { digest: sha256Hex(id), era, claimed, expires: expiry };
  }
}

/** The client's name and version, and its capabilities when they are short; nothing decides by them. */
function keep(claimed: Claimed): JsonObject {
  const text = (value: Json | undefined) => (typeof value === 'string' ? escapeText(value, 128) : '');
  const capabilities = claimed.capabilities as JsonObject;
  const kept: JsonObject = {
    capabilities: utf8Length(JSON.stringify(capabilities)) <= MAX_CLAIMS ? capabilities : {},
  };
  if (isObject(claimed.client)) {
    kept.client = { name: text(claimed.client.name), version: text(claimed.client.version) };
  }
  return kept;
}
