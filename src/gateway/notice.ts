/**
 * Tells another system that a call waits for a person: one signed POST (Standard Webhooks 1.0), with who wants what, and a
 * link that shows nothing without a sign-in. Neither arguments nor secrets are in it, nothing in the answer is read, and
 * no call waits for it.
 */
import { createHmac } from 'node:crypto';
import { resolve as resolvePath } from 'node:path';
import type { Approval } from '../controls/approval/book.ts';
import type { NoticeConfig } from '../controls/approval/rules.ts';
import type { Log } from '../core/ports.ts';
import { RulesFault } from '../core/rules.ts';
import type { Clock } from '../core/state.ts';
import { Generations } from '../lib/generations.ts';
import { iso } from '../lib/time.ts';
import type { Resolve } from '../net/connect.ts';
import { type Destination, destination, isFault } from '../net/destination.ts';
import { Dialler } from '../net/dialler.ts';
import { fixOf, type Places, parseReference, resolveReference } from '../secrets/references.ts';

const PATH = ['approval', 'notice'];
/** Bytes of a key (Standard Webhooks, "Signature scheme"). */
const [SHORT_KEY, LONG_KEY] = [24, 64];
/** Milliseconds before each try. */
const TRIES = [0, 1_000, 5_000, 30_000, 120_000];
const WITHIN = 10_000;
/** Notices on their way; what comes beyond is told to the log alone. */
const MAX_OPEN = 100;
/** Approvals that were told, so that each is told once. */
const TOLD = 400;

export interface NoticeSpec {
  readonly to: Destination;
  readonly key: Uint8Array;
}

/** Where notices go, checked; looks up no secret. Throws RulesFault. */
export function noticeTo({ url, private: named, ca }: NoticeConfig, base: string): Destination {
  const made = destination({
    url,
    ...(named && { private: named }),
    ...(ca !== undefined && { tls: { ca: resolvePath(base, ca) } }),
  });
  if (!isFault(made)) return made;
  const at = made.at[0] === 'tls' ? ['ca'] : made.at;
  throw new RulesFault([...PATH, ...at], made.fault, made.fix);
}

/** The same with its key. Throws RulesFault, whose text never holds a value. */
export function noticeSpec(config: NoticeConfig, base: string, places: Places): NoticeSpec {
  const at = [...PATH, 'key'];
  let text: string;
  try {
    text = resolveReference(parseReference(config.key, base), places);
  } catch (error) {
    const why = error instanceof Error ? error.message : 'cannot be read';
    throw new RulesFault(at, why, fixOf(error) ?? 'check the file');
  }
  const key = text.startsWith('whsec_') ? Buffer.from(text.slice(6), 'base64') : Buffer.from(text);
  if (key.length < SHORT_KEY || key.length > LONG_KEY)
    throw new RulesFault(at, 'a key has 24 to 64 bytes', 'openssl rand -base64 32, with whsec_ before it');
  return { to: noticeTo(config, base), key };
}

export interface NoticeOptions {
  readonly spec: NoticeSpec;
  readonly resolve: Resolve;
  readonly clock: Clock;
  readonly log: Pick<Log, 'event'>;
  readonly find: (id: string) => Promise<Approval | undefined>;
  /** Link to the page of an approval; undefined without a console. */
  readonly page: (id: string) => string | undefined;
  readonly after: (ms: number, run: () => void) => () => void;
}

export interface Notices {
  /** The log, with an eye on the calls that begin to wait. */
  watch(log: Log): Log;
  close(): Promise<void>;
}

export function openNotices({ spec, resolve, clock, log, find, page, after }: NoticeOptions): Notices {
  const dialler = new Dialler(spec.to, { resolve, connections: 2 });
  const told = new Generations<true>(TOLD);
  const waits = new Set<() => void>();
  let open = 0;
  let closed = false;

  const wait = (ms: number) =>
    new Promise<void>((done) => {
      const stop = after(ms, finish);
      function finish() {
        stop();
        waits.delete(finish);
        done();
      }
      waits.add(finish);
    });

  async function tell(id: string, call: string): Promise<void> {
    let why = 'no answer';
    for (const ms of TRIES) {
      if (ms > 0) await wait(ms);
      const waiting = await find(id);
      // Decided or expired meanwhile: nobody need be told any more.
      if (closed || waiting?.state !== 'waiting') return;
      const said = await post(spec, dialler, call, clock(), bodyOf(waiting, page(id), clock()));
      if (said === undefined) return log.event('event.notice', { what: 'sent', approval: id });
      why = said;
    }
    log.event('event.notice', { what: 'given up', approval: id, why });
  }

  function begin(id: string, call: string): void {
    if (closed || told.get(id)) return;
    told.set(id, true);
    if (open >= MAX_OPEN) return log.event('event.notice', { what: 'too many', approval: id });
    open++;
    tell(id, call)
      .catch(() => log.event('event.notice', { what: 'given up', approval: id, why: 'a defect' }))
      .finally(() => open--);
  }

  return {
    watch: (inner) => ({
      intent: (call, trail) => inner.intent(call, trail),
      attempt: (attempt) => inner.attempt(attempt),
      event: (code, data) => inner.event(code, data),
      outcome(call, trail, outcome) {
        const last = outcome.kind === 'ask' ? trail.at(-1)?.verdict : undefined;
        if (last?.kind === 'ask') begin(last.question.id, call.id);
        return inner.outcome(call, trail, outcome);
      },
    }),
    async close() {
      closed = true;
      for (const finish of waits) finish();
      await dialler.close();
    },
  };
}

/** What anybody may read who receives it. A resource is named as it was reviewed: the URI is of the caller. */
function bodyOf(one: Approval, link: string | undefined, now: number): string {
  const { id, until, tenant, subject, agent, upstream, method, thing, codes, count, approvers } = one;
  return JSON.stringify({
    type: 'approval.waiting',
    timestamp: iso(now),
    data: {
      id,
      ...(link !== undefined && { link }),
      until: iso(until),
      caller: { tenant, subject, agent },
      upstream,
      method,
      name: thing,
      why: codes,
      count,
      approvers,
    },
  });
}

/** Undefined: taken. Otherwise why not, in our own words. */
function post({ to, key }: NoticeSpec, dialler: Dialler, id: string, now: number, body: string) {
  const timestamp = String(Math.floor(now / 1000));
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return new Promise<string | undefined>((done) => {
    let status = 0;
    dialler.send(
      {
        method: 'POST',
        path: to.url.pathname + to.url.search,
        headers: Object.entries({
          'content-type': 'application/json',
          'user-agent': 'doorward',
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': `v1,${signature}`,
        }).flat(),
        body,
        caps: { body: 65_536, head: WITHIN, idle: WITHIN, total: WITHIN },
      },
      {
        head: (head) => (status = head.status),
        data() {},
        end: () => done(status >= 200 && status < 300 ? undefined : `status ${status}`),
        fail: (fault) => done(fault.reason),
      },
    );
  });
}
