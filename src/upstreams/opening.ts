/**
 * The opening of a connection over pipes. Which revision a server speaks is found at the server itself, on the child
 * that will serve the calls (protocol 2026-07-28, basic/versioning).
 */
import type { Code } from '../core/codes/index.ts';
import { Ended } from '../core/ended.ts';
import type { JsonObject } from '../lib/json/types.ts';
import * as legacy from '../wire/eras/legacy.ts';
import * as modern from '../wire/eras/modern.ts';
import { BATCHES } from '../wire/eras/versions.ts';
import { describe } from './catalog.ts';
import { type Era, judgeReply, type Verdict } from './era.ts';
import { discovered, type Greeting, good, greeting } from './handshake.ts';
import type { Connection } from './stdio.ts';

export interface Opened {
  readonly era: Era;
  readonly greeting: Greeting;
}

/** The server ended when it was asked `server/discover`, as some older ones do. */
export class DiedOnProbe extends Error {}

/** Codes that say more than that a start failed. */
const KEPT: ReadonlySet<Code> = new Set<Code>([
  'inventory.package',
  'upstream.address',
  'upstream.tls',
  'upstream.credential',
  'upstream.connect',
]);

export function notStarted(error: unknown): Ended {
  return error instanceof Ended && KEPT.has(error.code) ? error : new Ended('stop', 'upstream.start', describe(error));
}

/** Milliseconds of silence after which `initialize` is said too. */
const SILENCE = 2_000;

/** What we say of ourselves, and the capabilities that an older server is told. */
export interface Introduction {
  readonly client: JsonObject;
  readonly offered: JsonObject;
}

/** `known` legacy = not asked again. Rejects with DiedOnProbe, or an Error for the log. */
export async function openConnection(
  connection: Connection,
  ours: Introduction,
  known: Era | undefined,
  signal: AbortSignal,
  silence: number = SILENCE,
): Promise<Opened> {
  if (known === 'legacy') return initialize(connection, ours, signal);
  const given = new AbortController();
  const probe = discover(connection, ours.client, AbortSignal.any([signal, given.signal]));
  const quiet = pause(silence);
  try {
    const verdict = await Promise.race([probe, quiet.over]);
    if (verdict) return await follow(verdict, () => initialize(connection, ours, signal));
    // A newer server that is slow to start reads both, and answers the first one first.
    const greeted = initialize(connection, ours, signal);
    const answered = greeted.then(() => undefined, nextTurn);
    const late = await Promise.race([probe, answered]);
    return await (late ? follow(late, () => greeted) : greeted);
  } catch (error) {
    throw error instanceof Ended && error.code === 'upstream.lost' ? new DiedOnProbe('ended when asked') : error;
  } finally {
    quiet.end();
    given.abort(new Ended('cancel', 'run.cancelled'));
    probe.catch(() => {});
  }
}

/** What the server says of itself in the newer revision, or that it does not speak it. */
export async function discover(connection: Connection, client: JsonObject, signal: AbortSignal): Promise<Verdict> {
  const { method, params } = modern.handshake(client);
  return judgeReply(await connection.ask(method, params, { signal }));
}

async function follow(verdict: Verdict, older: () => Promise<Opened>): Promise<Opened> {
  if (verdict.era === undefined) throw new Error(verdict.why);
  return verdict.era === 'modern' ? { era: 'modern', greeting: discovered(verdict.discovered) } : older();
}

async function initialize(
  connection: Connection,
  { client, offered }: Introduction,
  signal: AbortSignal,
): Promise<Opened> {
  const { method, params } = legacy.handshake(client, offered);
  const greeted = greeting(good(await connection.ask(method, params, { signal }), method));
  connection.batches = greeted.version === BATCHES;
  connection.notify('notifications/initialized');
  return { era: 'legacy', greeting: greeted };
}

/** Answers that came in one piece are all heard by then. */
const nextTurn = () => new Promise<undefined>((resolve) => setImmediate(resolve, undefined));

function pause(ms: number): { readonly over: Promise<undefined>; end(): void } {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, ms, undefined)));
  return { over, end: () => clearTimeout(timer) };
}
