/**
 * One MCP client on a pair of streams, in both eras: the stdio transport, for this process's own stdin and stdout and
 * for every bridge. Nothing that one line holds can end the session; only the end of the input does, and what was read before
 * may still be answered.
 */
import type { Readable, Writable } from 'node:stream';
import type { Entry } from '../core/admit.ts';
import { type Peer, type Resume, STREAM } from '../core/call.ts';
import { Ended } from '../core/ended.ts';
import { type Gate, type Identified, isCaller, isRefused, type Refused } from '../core/gate.ts';
import type { Ending } from '../core/pipeline.ts';
import type { Maybe } from '../core/state.ts';
import { classify } from '../wire/eras/classify.ts';
import type { LegacySession } from '../wire/eras/legacy.ts';
import { BATCHES, MODERN, OVER_LINES } from '../wire/eras/versions.ts';
import { type Batch, type Fault, frames, type ResponseFrame } from '../wire/frame.ts';
import { LineReader } from './line-reader.ts';
import {
  arrays,
  finalMessage,
  interimMessage,
  localMessage,
  MAX_MESSAGE,
  missing,
  oneLine,
  type Parts,
  refusedMessage,
} from './message.ts';
import { Questions, type Unanswered } from './questions.ts';
import { type Heard, hear, hearElement, listening } from './speech.ts';
import { type After, LAST_ANSWERS, after as realAfter } from './timers.ts';
import { identify } from './who.ts';

export interface LinesOptions {
  readonly gate: Gate;
  readonly input: Readable;
  readonly output: Writable;
  /** Name of the route that everything here is about. */
  readonly route: string;
  /** Asked for each message, so that a revoked credential ends what a session may do. */
  readonly who: () => Maybe<Identified>;
  readonly peer?: Peer;
  /** Bytes of one line. */
  readonly maxLine?: number;
  /** Requests open at once; more are refused unheard. */
  readonly maxOpen?: number;
  readonly after?: After;
}

export interface Lines {
  /** Resolves when the input has ended and every call has too. */
  readonly ended: Promise<void>;
  /** Hears nothing more, lets open calls end within `grace` milliseconds, then cancels them. */
  close(grace?: number): Promise<void>;
}

/** Where an answer goes: out, or to the others of its batch. */
type Tell = (parts: Parts) => unknown;

const STDIO: Peer = Object.freeze({ listener: 'stdio', address: '-' });

export function serveLines(options: LinesOptions): Lines {
  const { gate, input, output, route, who, peer = STDIO, maxOpen = 256, after = realAfter } = options;
  const open = new Map<string, AbortController>();
  /** Those of `open` that have no end of their own. */
  const streams = new Set<AbortController>();
  const questions = new Questions({ clock: gate.clock, random: gate.random, after });
  let session: LegacySession | undefined;
  /** Lines behind an `initialize` that is not answered yet: what they mean depends on it. */
  let behind: Uint8Array[] | undefined;
  /** Batches whose answers are not together yet, and lines that are being taken. */
  let joining = 0;
  let over = false;
  /** Nothing is answered any more. */
  let cut = false;
  /** While the other end does not read: settled when it does. */
  let blocked: Promise<void> | undefined;
  let finish: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const settle = () => {
    if (over && open.size === 0 && joining === 0 && !behind) finish();
  };

  const reader = new LineReader(options.maxLine ?? MAX_MESSAGE, {
    line: (bytes) => {
      if (bytes.length === 0) return;
      if (behind && behind.length < maxOpen) behind.push(Buffer.from(bytes));
      else take(bytes);
    },
    tooLong: () => refuse({ fault: 'frame.json' }),
  });

  function take(bytes: Uint8Array): void {
    const said = frames(bytes);
    if ('fault' in said) return refuse(said);
    if (said.kind === 'batch')
      return session?.era === BATCHES ? void batch(said, session) : refuse({ fault: 'frame.batch' });
    if (said.kind === 'response') return void answered(said);
    const era = classify(said);
    if (typeof era !== 'string') return refuse(era);
    const heard = hear(said, era, session, OVER_LINES);
    if ('fault' in heard) return refuse(heard);
    void act(heard, write);
  }

  /** A response is never answered, not even one to what nobody asked. */
  async function answered(said: ResponseFrame): Promise<void> {
    const known = identify(who);
    const caller = known instanceof Promise ? await known : known;
    if (session && isCaller(caller) && questions.take(said, session.digest, caller)) return;
    gate.refuse(entry(), 'frame', 'frame.request');
  }

  /** Each request is a call of its own; their answers come together. */
  async function batch({ elements }: Batch, agreed: LegacySession): Promise<void> {
    const answers: Parts[] = [];
    const tell = (parts: Parts) => void answers.push(parts);
    joining++;
    await Promise.all(
      elements.map((element) => {
        const heard = hearElement(element, undefined, agreed);
        if (!('fault' in heard)) return act(heard, tell);
        // What asks for nothing is never answered.
        return refuse(heard, 'fault' in element || element.kind === 'request' ? tell : () => {});
      }),
    );
    for (const parts of arrays(answers, MAX_MESSAGE)) write(oneLine(parts));
    joining--;
    settle();
  }

  function act(heard: Heard, tell: Tell): Promise<void> | void {
    if (heard.kind === 'call') return call(heard, tell);
    if (heard.kind === 'local') {
      if (session && heard.level !== undefined) session = { ...session, level: heard.level };
      tell([localMessage(heard.id, heard.result)]);
    } else if (heard.kind === 'answer') return answered(heard.said);
    else if (heard.kind === 'ready') void listen();
    else if (heard.kind === 'cancel') open.get(JSON.stringify(heard.id))?.abort(CANCEL());
  }

  /** What a client of an older revision hears without asking. It cannot ask again: a stream that ended goes on anew. */
  async function listen(): Promise<void> {
    if (!session || open.has(LISTENS)) return;
    const { said, codec, wishes } = listening(session);
    for (let begun = true; begun && !over; ) {
      begun = false;
      const cancel = new AbortController();
      open.set(LISTENS, cancel);
      const known = identify(who);
      const caller = known instanceof Promise ? await known : known;
      if (!isCaller(caller)) break;
      await gate.call(
        { ...entry(), caller, said },
        (note) => {
          begun = true;
          const text = interimMessage(codec, note, wishes);
          return text === undefined ? undefined : write([text]);
        },
        cancel,
      );
      if (caller.expires !== undefined && caller.expires <= gate.clock()) break;
    }
    open.delete(LISTENS);
    settle();
  }

  async function call({ id, method, said, codec, wishes }: Heard & { kind: 'call' }, tell: Tell): Promise<void> {
    const key = JSON.stringify(id);
    // An answer with this id would be taken for that of the first request.
    if (open.has(key)) return refuse({ fault: 'frame.request' }, tell);
    if (open.size >= maxOpen) return refuse({ fault: 'limits.concurrency', id }, tell);
    const cancel = new AbortController();
    open.set(key, cancel);
    if (said.method === STREAM) streams.add(cancel);
    if (method === 'initialize' && !behind) {
      behind = [];
      input.pause();
    }
    try {
      const known = identify(who);
      const caller = known instanceof Promise ? await known : known;
      if (!isCaller(caller)) return refuse({ fault: typeof caller === 'string' ? caller : caller.code, id }, tell);
      const at = entry();
      const make = (entry: Omit<Entry, 'said'>, resume?: Resume) =>
        gate.call(
          { ...entry, said: resume ? { ...said, resume } : said },
          (note) => {
            const text = interimMessage(codec, note, wishes);
            return text === undefined ? undefined : write([text]);
          },
          cancel,
        );
      let end: Ending | Refused | Unanswered = await make({ ...at, caller });
      if (session && said.session === session.digest) {
        end = await questions.settle(end, {
          caller,
          session,
          signal: cancel.signal,
          send: (text) => write([text]),
          again: (resume, by) => make({ ...entry(), ...by }, resume),
          waits: (call) => gate.waits(call, cancel),
          stop: () => cancel.abort(new Ended('stop', 'asks.unanswered')),
        });
        if (end === 'run.cancelled') return void gate.refuse({ ...entry(), caller }, 'door', end);
        if (typeof end === 'string') return refuse({ fault: end, id }, tell);
      }
      // Nobody waits for the answer to a cancelled request (basic/utilities/cancellation).
      if (cancel.signal.aborted && (cancel.signal.reason as Ended).kind === 'cancel') return;
      if (isRefused(end)) return void tell([refusedMessage(id, end.message, missing(end, said))]);
      if (method === 'initialize' && said.era !== MODERN && end.message.kind === 'result') {
        session = { digest: at.id, era: said.era, claimed: said.claimed };
      }
      tell(oneLine(finalMessage(codec, method, id, end.message)));
    } finally {
      open.delete(key);
      streams.delete(cancel);
      if (method === 'initialize') goOn();
      settle();
    }
  }

  function goOn(): void {
    const lines = behind ?? [];
    behind = undefined;
    // What was said before the end of the input is still heard, unless nobody is there to answer to.
    if (cut) return;
    // Nothing is over before the last of them was taken.
    joining++;
    for (const [at, line] of lines.entries()) {
      take(line);
      // Another introduction: the rest waits for that one.
      if (!behind) continue;
      (behind as Uint8Array[]).push(...lines.slice(at + 1));
      break;
    }
    joining--;
    if (behind) return;
    if (!blocked && !over) input.resume();
  }

  function refuse({ fault, id, data }: Fault, tell: Tell = write): void {
    const at = entry();
    const stage = fault.startsWith('identity.') ? 'identity' : fault.startsWith('frame.') ? 'frame' : 'door';
    tell([refusedMessage(id, gate.refuse(at, stage, fault).message, data)]);
  }

  function entry() {
    return { id: gate.id(), at: gate.clock(), peer, route };
  }

  /** One line. While the other end does not read, nothing more is heard from it. */
  function write(parts: Parts): Maybe<void> {
    if (!output.writable) return;
    output.cork();
    for (const part of parts) output.write(part);
    const room = output.write('\n');
    output.uncork();
    if (room) return;
    input.pause();
    blocked ??= new Promise((resolve) => {
      const done = () => {
        output.off('drain', done).off('close', done);
        blocked = undefined;
        if (!over && !behind) input.resume();
        resolve();
      };
      output.on('drain', done).on('close', done);
    });
    return blocked;
  }

  function stop(): void {
    if (over) return;
    over = true;
    open.get(LISTENS)?.abort(CANCEL());
    input.off('data', onData);
    settle();
  }
  function end(): void {
    cut = true;
    stop();
    for (const cancel of open.values()) cancel.abort(CANCEL());
  }
  /** The client says no more; it may still listen. */
  function last(): void {
    if (over) return;
    stop();
    for (const stream of streams) stream.abort(CANCEL());
    if (session) questions.end(session.digest);
    void ended.then(after(LAST_ANSWERS, end));
  }
  const onData = (chunk: Uint8Array) => reader.push(chunk);
  input.on('data', onData).on('end', last).on('error', end);
  input.on('close', () => over || end());
  output.on('close', end).on('error', end);
  input.resume();

  return {
    ended,
    async close(grace = 0) {
      stop();
      const patience = after(grace, end);
      await ended;
      patience();
    },
  };
}

/** No id as JSON text is empty. */
const LISTENS = '';
const CANCEL = (): Ended => new Ended('cancel', 'run.cancelled');
