/** One message over HTTP, from its body to its answer. What came before is `door.ts`. */
import type { ServerResponse } from 'node:http';
import { retryAfter } from '../controls/limits/index.ts';
import type { Entry } from '../core/admit.ts';
import type { Caller, Resume } from '../core/call.ts';
import { CODES } from '../core/codes/index.ts';
import { Ended } from '../core/ended.ts';
import { type Gate, isRefused, type Refused } from '../core/gate.ts';
import type { Ending } from '../core/pipeline.ts';
import { classify } from '../wire/eras/classify.ts';
import { BATCHES, MODERN } from '../wire/eras/versions.ts';
import { type Batch, type Fault, type Frame, frames, type Id } from '../wire/frame.ts';
import { type Headers, matchesBody, protocolHeaders } from '../wire/headers.ts';
import { type BodyLimits, readBody } from './body.ts';
import type { Knock } from './door.ts';
import { arrays, finalMessage, interimMessage, localMessage, missing, type Parts, refusedMessage } from './message.ts';
import { Questions, type QuestionsOptions } from './questions.ts';
import { refuse, writeRefused } from './refusal.ts';
import type { Reply } from './reply.ts';
import type { Session, Sessions } from './session.ts';
import { type Heard, hear, hearElement, listening, mirrored } from './speech.ts';
import type { After } from './timers.ts';

export interface ExchangeOptions {
  readonly gate: Gate;
  readonly sessions: Sessions;
  readonly body: BodyLimits;
  readonly after: After;
  /** Values of WWW-Authenticate for a call that lacks scopes of `scopes`. */
  readonly insufficient?: (route: string, scopes: readonly string[], error?: string) => readonly string[];
  readonly questions?: Pick<QuestionsOptions, 'max' | 'within'>;
}

/** RFC 9470 section 3. */
const WEAK = 'insufficient_user_authentication';

/** Longest time that a timer of Node takes, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1;

/** A request of a caller who has signed in. */
export interface Visit {
  readonly knock: Knock;
  readonly caller: Caller;
  readonly res: ServerResponse;
  readonly reply: Reply;
}

export class Exchange {
  readonly #options: ExchangeOptions;
  /** Open calls of legacy sessions, so that another request of the same session can cancel them. */
  readonly #cancels = new Map<string, AbortController>();
  /** The open stream of each legacy session. */
  readonly #streams = new Map<string, AbortController>();
  readonly #questions: Questions;
  #open = 0;
  #idle: (() => void)[] = [];

  constructor(options: ExchangeOptions) {
    this.#options = options;
    const { gate, after } = options;
    this.#questions = new Questions({ clock: gate.clock, random: gate.random, after, ...options.questions });
  }

  /** Answers one POST, GET or DELETE. */
  async answer(visit: Visit): Promise<void> {
    let parts = 2;
    const leave = () => {
      if (--parts > 0 || --this.#open > 0) return;
      for (const done of this.#idle.splice(0)) done();
    };
    this.#open++;
    visit.res.once('close', leave);
    try {
      const { method } = visit.knock.req;
      await (method === 'POST' ? this.#post(visit) : method === 'GET' ? this.#listen(visit) : this.#end(visit));
    } finally {
      leave();
    }
  }

  /** Resolves when no exchange is open, or after `within` milliseconds. */
  idle(within = Infinity): Promise<void> {
    if (this.#open === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const stop = within === Infinity ? () => {} : this.#options.after(within, resolve);
      this.#idle.push(() => {
        stop();
        resolve();
      });
    });
  }

  async #post(visit: Visit): Promise<void> {
    const { knock, caller, reply } = visit;
    const { gate, body, after } = this.#options;
    const bytes = await (knock.body ??= readBody(knock.req, body, after));
    if (bytes === 'gone') return;
    if (typeof bytes === 'string') {
      reply.unread(knock.req, true);
      return refuse(gate, knock, reply, { stage: 'door', code: bytes });
    }
    const said = frames(bytes);
    if ('fault' in said) return this.#fault(visit, said);
    if (said.kind === 'batch') return this.#batch(visit, said);
    const headers = protocolHeaders(knock.req.rawHeaders);
    if (typeof headers === 'string') return this.#fault(visit, named(said, headers));
    const era = classify(said, headers);
    if (typeof era !== 'string') return this.#fault(visit, era);
    if (said.kind === 'response') {
      const found = await this.#session(visit, headers);
      if (typeof found === 'string') return this.#fault(visit, { fault: found });
      if (this.#questions.take(said, found.digest, caller, knock.at)) return reply.send(202);
      return this.#fault(visit, { fault: 'frame.request' });
    }

    let session: Session | undefined;
    if (era === 'modern') {
      const params = mirrored(said, caller, knock.route, knock.at, gate.snapshot());
      const mismatch = matchesBody(headers, said, params);
      if (mismatch) return this.#fault(visit, named(said, mismatch));
    } else if (said.method !== 'initialize') {
      const found = await this.#session(visit, headers);
      if (typeof found === 'string') return this.#fault(visit, named(said, found));
      session = found;
    }
    const heard = hear(said, era, session);
    if ('fault' in heard) return this.#fault(visit, heard);
    switch (heard.kind) {
      case 'call':
        return this.#call(visit, heard, session);
      case 'local':
        if (session && heard.level !== undefined) await this.#options.sessions.setLevel(session, heard.level);
        return reply.send(200, [localMessage(heard.id, heard.result)]);
      case 'cancel':
        // In the modern era closing the response stream is the cancel: ids of a caller's clients may be equal there.
        if (session) this.#cancels.get(cancelKey(session, heard.id))?.abort(new Ended('cancel', 'run.cancelled'));
        return reply.send(202);
      default:
        return reply.send(202);
    }
  }

  async #call(visit: Visit, heard: Heard & { kind: 'call' }, session: Session | undefined): Promise<void> {
    const { knock, caller, reply } = visit;
    const { id, method, said, codec } = heard;
    const end = await this.#run(visit, heard, session);
    if ('fault' in end) return this.#fault(visit, end);
    if (isRefused(end)) return writeRefused(reply, end, id, missing(end, said));
    if (method === 'initialize' && said.era !== MODERN && end.message.kind === 'result') {
      reply.header('Mcp-Session-Id', this.#options.sessions.mint(caller, knock.route, said.era, said.claimed));
    }
    const status = statusOf(end);
    if (status === 429) reply.header('Retry-After', String(retryAfter(end.outcome.detail) ?? 1));
    this.#stepUp(reply, knock.route, end.outcome);
    reply.final(status, finalMessage(codec, method, id, end.message));
  }

  /** Runs one call. What comes before its end goes out at once. */
  async #run(
    visit: Visit,
    { id, method, said, codec, wishes }: Heard & { kind: 'call' },
    session: Session | undefined,
  ): Promise<Ending | Refused | Fault> {
    const { knock, caller, res, reply } = visit;
    const { gate } = this.#options;
    const key = session && cancelKey(session, id);
    // An answer with this id would be taken for that of the first request.
    if (key !== undefined && this.#cancels.has(key)) return { fault: 'frame.request' };

    const cancel = new AbortController();
    if (key !== undefined) this.#cancels.set(key, cancel);
    const gone = () => {
      if (!res.writableEnded) cancel.abort(new Ended('cancel', 'run.cancelled'));
    };
    if (res.destroyed) gone();
    else res.once('close', gone);
    const { peer, route } = knock;
    const make = (at: Pick<Entry, 'id' | 'at' | 'caller'>, resume?: Resume) =>
      gate.call(
        { ...at, peer, route, said: resume ? { ...said, resume } : said },
        (note) => {
          const text = method === 'initialize' ? undefined : interimMessage(codec, note, wishes);
          return text === undefined ? undefined : reply.interim(text);
        },
        cancel,
      );
    try {
      const first = await make({ id: knock.id, at: knock.at, caller });
      if (!session) return first;
      const end = await this.#questions.settle(first, {
        caller,
        session,
        signal: cancel.signal,
        send: (text) => reply.interim(text),
        again: (resume, by) => make({ id: gate.id(), ...by }, resume),
        waits: (call) => gate.waits(call, cancel),
        stop: () => cancel.abort(new Ended('stop', 'asks.unanswered')),
      });
      return typeof end === 'string' ? { fault: end, id } : end;
    } finally {
      if (key !== undefined) this.#cancels.delete(key);
    }
  }

  /**
   * Several messages of a session of 2025-03-26 in one body. Each request is a call of its own, with its own verdict;
   * their answers come together.
   */
  async #batch(visit: Visit, { elements }: Batch): Promise<void> {
    const { knock, res, reply } = visit;
    const { gate } = this.#options;
    const headers = protocolHeaders(knock.req.rawHeaders);
    if (typeof headers === 'string') return this.#fault(visit, { fault: headers });
    if (headers.session === undefined) return this.#fault(visit, { fault: 'frame.batch' });
    const session = await this.#session(visit, headers);
    if (typeof session === 'string') return this.#fault(visit, { fault: session });
    if (session.era !== BATCHES) return this.#fault(visit, { fault: 'frame.batch' });
    // Each call ends when its client leaves.
    res.setMaxListeners(0);
    const told = elements.map((element) => {
      const own: Visit = { ...visit, knock: { ...knock, id: gate.id() } };
      return this.#element(own, element, headers, session);
    });
    const answers = (await Promise.all(told)).filter((answer) => answer !== undefined);
    if (answers.length === 0) return reply.send(202);
    reply.final(200, arrays(answers)[0]!);
  }

  /** The answer to one message of a batch; undefined when it has none. */
  async #element(visit: Visit, element: Frame | Fault, headers: Headers, session: Session): Promise<Parts | undefined> {
    const heard = hearElement(element, headers, session);
    if ('fault' in heard) return this.#refused(visit, heard, 'fault' in element || element.kind === 'request');
    switch (heard.kind) {
      case 'call': {
        const { id, method, said, codec } = heard;
        const end = await this.#run(visit, heard, session);
        if ('fault' in end) return this.#refused(visit, end, true);
        if (isRefused(end)) return [refusedMessage(id, end.message, missing(end, said))];
        return finalMessage(codec, method, id, end.message);
      }
      case 'local':
        if (heard.level !== undefined) await this.#options.sessions.setLevel(session, heard.level);
        return [localMessage(heard.id, heard.result)];
      case 'answer':
        if (this.#questions.take(heard.said, session.digest, visit.caller, visit.knock.at)) return undefined;
        return this.#refused(visit, { fault: 'frame.request' }, false);
      case 'cancel':
        this.#cancels.get(cancelKey(session, heard.id))?.abort(new Ended('cancel', 'run.cancelled'));
        return undefined;
      default:
        return undefined;
    }
  }

  /** Records the refusal of one message; its text where one is due. */
  #refused({ knock }: Visit, { fault, id, data }: Fault, due: boolean): Parts | undefined {
    const { at, peer, caller, route } = knock;
    const { message } = this.#options.gate.refuse(
      { id: knock.id, at, peer, ...(caller && { caller }), route },
      'frame',
      fault,
    );
    return due ? [refusedMessage(id, message, data)] : undefined;
  }

  /**
   * GET: what a session of an older revision hears besides answers. No event has an id: a stream that broke is begun
   * anew, and the newest of a session takes the place of the one before.
   */
  async #listen(visit: Visit): Promise<void> {
    const { knock, caller, res, reply } = visit;
    const { gate, after } = this.#options;
    const headers = protocolHeaders(knock.req.rawHeaders);
    if (typeof headers === 'string') return this.#fault(visit, { fault: headers });
    const session = await this.#session(visit, headers);
    if (typeof session === 'string') return this.#fault(visit, { fault: session });
    const cancel = new AbortController();
    const gone = () => cancel.abort(new Ended('cancel', 'run.cancelled'));
    if (res.destroyed) return;
    res.once('close', gone);
    this.#streams.get(session.digest)?.abort(new Ended('cancel', 'run.cancelled'));
    this.#streams.set(session.digest, cancel);
    const expiry = after(Math.min(session.expires - gate.clock(), MAX_TIMER), gone);
    const { said, codec, wishes } = listening(session);
    try {
      const end = await gate.call(
        { id: knock.id, at: knock.at, peer: knock.peer, caller, route: knock.route, said },
        (note) => {
          reply.open();
          const text = interimMessage(codec, note, wishes);
          return text === undefined ? undefined : reply.interim(text);
        },
        cancel,
      );
      if (reply.streaming) return reply.close();
      if (isRefused(end)) return writeRefused(reply, end, undefined);
      const status = statusOf(end);
      if (status === 429) reply.header('Retry-After', String(retryAfter(end.outcome.detail) ?? 1));
      // A client takes this for: there is no stream here.
      reply.send(status === 200 ? 405 : status);
    } finally {
      expiry();
      if (this.#streams.get(session.digest) === cancel) this.#streams.delete(session.digest);
    }
  }

  /** DELETE: the client is done with its session. */
  async #end(visit: Visit): Promise<void> {
    const { knock, caller, reply } = visit;
    reply.unread(knock.req);
    const headers = protocolHeaders(knock.req.rawHeaders);
    if (typeof headers === 'string') return this.#fault(visit, { fault: headers });
    const found = await this.#session(visit, headers);
    if (typeof found === 'string') return this.#fault(visit, { fault: found });
    await this.#options.sessions.end(headers.session!, caller, knock.route);
    const over = new Ended('cancel', 'run.cancelled', 'its session was ended');
    this.#streams.get(found.digest)?.abort(over);
    this.#questions.end(found.digest);
    for (const [key, cancel] of this.#cancels) if (key.startsWith(cancelKey(found))) cancel.abort(over);
    reply.send(204);
  }

  /** What the client is to come back with: all scopes of the operation at once, or a better sign-in. */
  #stepUp(reply: Reply, route: string, { code, detail = '' }: Ending['outcome']): void {
    if (code !== 'policy.scope' && code !== 'policy.strength') return;
    // RFC 9470 section 3: `detail` holds its parameters, as the configuration has them.
    const weak = code === 'policy.strength';
    const { insufficient = () => [] } = this.#options;
    const offered = weak ? insufficient(route, [], WEAK) : insufficient(route, detail.split(' '));
    const more = weak && detail !== '' ? `, ${detail}` : '';
    for (const challenge of offered.length > 0 || !weak ? offered : [`Bearer error="${WEAK}"`])
      reply.header('WWW-Authenticate', `${challenge}${more}`);
  }

  /** A header may be absent, as it was in the oldest revision; it must not contradict what was agreed on. */
  async #session({ knock, caller }: Visit, { session: id, version }: Headers) {
    if (id === undefined) return 'frame.session-missing';
    const session = await this.#options.sessions.open(id, caller, knock.route);
    if (!session) return 'frame.session-unknown';
    return version === undefined || version === session.era ? session : 'frame.header-mismatch';
  }

  #fault({ knock, reply }: Visit, { fault, id, data }: Fault): void {
    const stage = fault.startsWith('frame.') ? 'frame' : 'door';
    refuse(this.#options.gate, knock, reply, {
      stage,
      code: fault,
      ...(id !== undefined && { id }),
      ...(data && { data }),
    });
  }
}

function named(said: Frame, fault: Fault['fault']): Fault {
  return said.kind === 'request' ? { fault, id: said.id } : { fault };
}

/** Without an id, what the keys of all calls of the session begin with. */
function cancelKey({ digest }: Session, id?: Id): string {
  return `${digest} ${id === undefined ? '' : JSON.stringify(id)}`;
}

/** A refusal has the status of its code; what an upstream answered, error or not, is in band. */
function statusOf({ outcome, message, call }: Ending): number {
  // The newer revision has a status for this; an older client would not read the error behind it.
  if (outcome.code === 'asks.capability' && call.era !== MODERN) return 200;
  return outcome.code !== undefined && message.kind === 'error' ? CODES[outcome.code].http : 200;
}
