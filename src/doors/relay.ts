/**
 * One stdio client and whichever process owns the gateway now. The relay passes lines, remembers how the client
 * introduced itself, and survives the owner: open requests end in an error and are never sent again, the
 * introduction is replayed to the next owner and its answer swallowed (house rule "run --stdio").
 */
import type { Duplex, Readable, Writable } from 'node:stream';
import { CODES } from '../core/codes/index.ts';
import { type Frame, frames, type Id, type ResponseFrame } from '../wire/frame.ts';
import { GOING } from './hello.ts';
import { LineReader } from './line-reader.ts';
import { errorMessage, MAX_MESSAGE } from './message.ts';
import { type After, LAST_ANSWERS, after as realAfter } from './timers.ts';

export interface RelayOptions {
  readonly input: Readable;
  readonly output: Writable;
  /** Finds an owner, or becomes it. `yielding`: the last one handed over, so leave the lock to the one who asked. */
  readonly join: (yielding: boolean) => Promise<Duplex>;
  /** Bytes of one line. */
  readonly maxLine?: number;
  readonly after?: After;
}

/** The owner gives up first. */
const MARGIN = 1_000;

/**
 * Resolves when the client has closed its side and has the answers that came within a moment; rejects when no owner can be found.
 */
export async function relay(options: RelayOptions): Promise<void> {
  const { input, output, join, maxLine = MAX_MESSAGE, after = realAfter } = options;
  /** Requests that an owner has and has not answered; the id as JSON text. */
  const open = new Set<string>();
  /** What the owner asked the client and has no answer to. */
  const asked = new Set<Id>();
  /** Lines that came while nobody was there to take them. */
  const waiting: Uint8Array[] = [];
  let initialize: { line: Uint8Array; id: string; answered: boolean } | undefined;
  let initialized: Uint8Array | undefined;
  let far: Duplex | undefined;
  /** The far end, while it takes no more. */
  let full: Duplex | undefined;
  /** The client has said its last. */
  let last = false;
  /** Ends the wait for last answers. */
  let patience = () => {};
  let over = false;

  const fromClient = new LineReader(maxLine, {
    line(bytes) {
      if (bytes.length === 0) return;
      if (far) forward(far, bytes);
      else waiting.push(Buffer.from(bytes));
    },
    tooLong: () => void output.write(`${errorMessage(undefined, 'frame.json')}\n`),
  });

  /** False: nothing but an answer to an owner that is gone. */
  function note(bytes: Uint8Array): boolean {
    const said = frames(bytes);
    if ('fault' in said) return true;
    if (said.kind === 'response') return settled(said);
    // An introduction is never part of a batch.
    for (const one of said.kind === 'batch' ? said.elements : [said]) if (!('fault' in one)) noteOne(one, bytes);
    return true;
  }

  /** Whether the owner of now waits for this answer, as far as is known. */
  function settled({ id }: ResponseFrame): boolean {
    return id === undefined || asked.delete(id) || typeof id !== 'string' || !OURS.test(id);
  }

  function noteOne(said: Frame, bytes: Uint8Array): void {
    if (said.kind === 'response') settled(said);
    if (said.kind === 'request') {
      const id = JSON.stringify(said.id);
      open.add(id);
      if (said.method === 'initialize') initialize = { line: Buffer.from(bytes), id, answered: false };
    } else if (said.kind === 'notification') {
      if (said.method === 'notifications/initialized') initialized = Buffer.from(bytes);
      if (said.method === 'notifications/cancelled') open.delete(JSON.stringify(said.params.requestId));
    }
  }

  /** What was not forwarded yet is not open: it goes to the next owner instead. */
  function forward(stream: Duplex, bytes: Uint8Array): void {
    if (note(bytes)) toFar(stream, bytes);
  }

  function toFar(stream: Duplex, bytes: Uint8Array): void {
    if (!stream.writable) return;
    stream.cork();
    stream.write(bytes);
    const room = stream.write('\n');
    stream.uncork();
    if (room || full === stream) return;
    full = stream;
    input.pause();
    stream.once('drain', () => {
      full = undefined;
      if (stream === far) input.resume();
    });
  }

  /** Serves one owner until it goes. True when it said that it hands over. */
  function serve(stream: Duplex): Promise<boolean> {
    return new Promise((resolve) => {
      let yielding = false;
      let replaying = initialize !== undefined;
      const ready = () => {
        replaying = false;
        far = stream;
        for (const line of waiting.splice(0)) forward(stream, line);
        if (last) stream.end();
        else if (full !== stream) input.resume();
      };
      const lines = new LineReader(maxLine * 2, {
        line(bytes) {
          if (bytes[0] === 0x21 /* ! */) {
            yielding = Buffer.from(bytes).toString() === GOING.handover;
            return leave();
          }
          const ids = answered(bytes);
          if (replaying && initialize && ids.includes(initialize.id)) {
            const first = !initialize.answered;
            initialize.answered = true;
            if (first) pass(bytes, ids);
            if (initialized) toFar(stream, initialized);
            return ready();
          }
          if (initialize && ids.includes(initialize.id)) initialize.answered = true;
          pass(bytes, ids);
        },
        tooLong: () => stream.destroy(),
      });
      const pass = (bytes: Uint8Array, ids: readonly string[]) => {
        for (const id of ids) open.delete(id);
        if (ids.length === 0) mark(bytes);
        output.cork();
        output.write(bytes);
        const room = output.write('\n');
        output.uncork();
        if (room || stream.isPaused()) return;
        stream.pause();
        output.once('drain', () => stream.resume());
      };
      const leave = () => {
        if (far === stream) far = undefined;
        input.pause();
      };
      const gone = () => {
        leave();
        resolve(yielding);
      };
      stream
        .on('error', () => {})
        .on('data', (chunk: Buffer) => lines.push(chunk))
        .on('end', () => stream.destroy())
        .once('close', gone)
        .resume();
      if (initialize && replaying) toFar(stream, initialize.line);
      else ready();
    });
  }

  const ended = new Promise<void>((resolve) => {
    const end = () => {
      over = true;
      far?.end();
      resolve();
    };
    input.once('error', end).once('close', () => last || end());
    input.once('end', () => {
      last = true;
      if (open.size === 0 && waiting.length === 0) return end();
      far?.end();
      patience = after(LAST_ANSWERS + MARGIN, end);
    });
    output.once('error', end).once('close', end);
  });
  input.on('data', (chunk: Buffer) => fromClient.push(chunk)).pause();

  let yielding = false;
  while (!over) {
    const next = join(yielding);
    const stream = await Promise.race([next, ended]);
    if (!stream) {
      void next.then((late) => late.destroy()).catch(() => {});
      break;
    }
    yielding = (await Promise.race([serve(stream), ended])) ?? false;
    if (over || (last && waiting.length === 0)) {
      patience();
      return void stream.destroy();
    }
    lost();
  }

  /** Remembers what the owner asks, until it takes it back. */
  function mark(bytes: Uint8Array): void {
    const question = questionIn(bytes);
    if (question !== undefined) asked.add(question);
    else if (startsWith(bytes, CANCELLED)) {
      const said = frames(bytes);
      if (!('fault' in said) && said.kind === 'notification') asked.delete(said.params.requestId as Id);
    }
  }

  /** The owner went: whatever it was asked may or may not have happened, and is not asked again. */
  function lost(): void {
    for (const requestId of asked) {
      const params = { requestId, reason: 'the gateway ended' };
      output.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params })}\n`);
    }
    asked.clear();
    for (const id of open) {
      if (id === initialize?.id && !initialize.answered) continue;
      open.delete(id);
      const { rpc, text } = CODES['upstream.lost'];
      const error = JSON.stringify({ code: rpc, message: text.replace('{ref}', 'none') });
      output.write(`{"jsonrpc":"2.0","id":${id},"error":${error}}\n`);
    }
  }
}

const REQUEST = Buffer.from('{"jsonrpc":"2.0","method":"');
const CANCELLED = Buffer.from('{"jsonrpc":"2.0","method":"notifications/cancelled"');
/** Ids of questions.ts; the member comes last. */
const OURS = /^dw-[\w-]{24}$/;
const TAIL = 36;

/** The id of a question that this house wrote. */
function questionIn(line: Uint8Array): string | undefined {
  if (!startsWith(line, REQUEST)) return undefined;
  const tail = Buffer.from(line.buffer, line.byteOffset + Math.max(0, line.length - TAIL), Math.min(TAIL, line.length));
  return /"id":"(dw-[\w-]{24})"\}$/.exec(tail.toString('latin1'))?.[1];
}

function startsWith(line: Uint8Array, start: Buffer): boolean {
  return start.compare(line, 0, Math.min(start.length, line.length)) === 0;
}

const ANSWER = Buffer.from('{"jsonrpc":"2.0","id":');
/** An id holds 256 bytes, six times that when every byte is escaped. */
const HEAD = ANSWER.length + 6 * 256 + 16;

/**
 * The ids of responses that this house wrote, as JSON text: its envelope comes first and is always ours. What answers a
 * batch is rare, and read whole.
 */
function answered(line: Uint8Array): string[] {
  if (line[0] === 0x5b /* [ */) {
    const all = JSON.parse(Buffer.from(line).toString()) as { readonly id?: Id }[];
    return all.flatMap(({ id }) => (id === undefined ? [] : [JSON.stringify(id)]));
  }
  if (!startsWith(line, ANSWER)) return [];
  const head = Buffer.from(line.buffer, line.byteOffset, Math.min(line.length, HEAD)).toString();
  // Inside a string these marks would be escaped, so the first one ends the id.
  const ends = [head.indexOf(',"result":'), head.indexOf(',"error":')].filter((at) => at > 0);
  return ends.length > 0 ? [head.slice(ANSWER.length, Math.min(...ends))] : [];
}
