/**
 * The console: pages for people, who sign in with a one-time code from the terminal. It can narrow or answer, never
 * widen: what waits is shown, granted or denied, and nothing else can be done here (guarantees AP3, OP5, IS11).
 */
import type { Decided } from '../controls/approval/book.ts';
import type { Console, ConsoleParts } from '../gateway/desk.ts';
import { type Bucket, draw, full } from '../lib/bucket.ts';
import { Codes } from './codes.ts';
import { type Answer, type Asked, listen } from './listener.ts';
import { approvalPage, listPage, type Notice, plainPage, type Signed, signInPage } from './pages.ts';
import { Sessions } from './sessions.ts';
import { STYLE } from './style.ts';

const LINK = /^\/approvals\/([0-9A-Za-z]{4,6})$/;
const ID = /^[0-9A-Z]{4,6}$/;
/** Failed sign-ins that the log tells one by one; what comes faster is counted in the next. */
const FAILURES = { burst: 10, perSecond: 1 / 6 } as const;

const REFUSED: Readonly<Record<Extract<Decided, string>, string>> = {
  unknown:
    'No such approval waits any more: it was used, has expired, or the gateway was started anew. The call can be made again.',
  decided: 'This approval is decided already.',
  self: 'Whoever asked may not approve it: somebody else must.',
  group: 'An approver of another group is needed.',
  twice: 'You agreed already: somebody else must agree too.',
  stale: 'The rules changed since this was asked: a grant would be good for nothing. The caller must ask again.',
};

/** Rejects when the port cannot be had. */
export async function openConsole({ port, desk, log, clock, random }: ConsoleParts): Promise<Console> {
  const codes = new Codes(clock, random);
  const sessions = new Sessions(clock, random);
  const failures: Bucket = full(FAILURES.burst, clock());
  let untold = 0;

  const ok = (body: string): Answer => ({ status: 200, body });

  function failed(id: string | undefined): Answer {
    if (draw(failures, FAILURES.perSecond, FAILURES.burst, 1, clock()) === 0) {
      log.event('event.console', { what: 'sign-in refused', ...(untold > 0 && { before: untold }) });
      untold = 0;
    } else untold++;
    const text = 'This code is not valid: it was mistyped, used, tried too often, or is older than two minutes.';
    return { status: 403, body: signInPage(id, { kind: 'bad', text }) };
  }

  async function list(signed: Signed, notice?: Notice): Promise<Answer> {
    return ok(listPage(signed, await desk.list(), clock(), notice));
  }

  async function show(signed: Signed, id: string, notice?: Notice): Promise<Answer> {
    const found = await desk.find(id);
    if (!found) return list(signed, notice ?? { kind: 'bad', text: REFUSED.unknown });
    return ok(approvalPage(signed, found, desk.rules(), clock(), notice));
  }

  function signIn(form: Asked['form']): Answer | Promise<Answer> {
    const id = idOf(form);
    const person = codes.take(form.get('code') ?? '');
    if (!person) return failed(id);
    const signed = { person, secret: sessions.begin(person) };
    log.event('event.console', { what: 'sign-in', by: person.subject, groups: [...person.groups] });
    return id === undefined ? list(signed) : show(signed, id);
  }

  async function decided(signed: Signed, form: Asked['form']): Promise<Answer> {
    const [id, key, wish] = [idOf(form), form.get('key'), form.get('do')];
    if (id === undefined || key === undefined || (wish !== 'grant' && wish !== 'deny')) return unknown();
    const { subject, groups } = signed.person;
    const who = { subject, by: subject, groups, via: 'console' } as const;
    const said = await desk.decide(id, wish === 'grant' ? 'granted' : 'denied', who, key);
    if (typeof said === 'string') return show(signed, id, { kind: 'bad', text: REFUSED[said] });
    const text = {
      granted: 'Granted: the caller may make this very call again, and it passes once.',
      denied: 'Denied: this very call is refused until the approval expires.',
      waiting: 'You agreed. Somebody else must agree too.',
    }[said.state];
    return show(signed, id, { kind: said.state === 'denied' ? 'note' : 'good', text });
  }

  function post(path: string, form: Asked['form']): Answer | Promise<Answer> {
    if (path === '/sign-in') return signIn(form);
    const secret = form.get('session') ?? '';
    const person = sessions.who(secret);
    if (!person) {
      const text = 'You are not signed in any more. Sign in again.';
      return { status: 403, body: signInPage(idOf(form), { kind: 'note', text }) };
    }
    const signed = { person, secret };
    switch (path) {
      case '/approvals':
        return list(signed);
      case '/approval':
        return show(signed, idOf(form) ?? '');
      case '/decide':
        return decided(signed, form);
      case '/sign-out':
        sessions.end(secret);
        log.event('event.console', { what: 'sign-out', by: person.subject });
        return ok(signInPage(undefined, { kind: 'note', text: 'You are signed out.' }));
      default:
        return unknown();
    }
  }

  const { url, close } = await listen(port, async ({ method, path, form }) => {
    if (method === 'POST') return post(path, form);
    if (path === '/style.css') return { status: 200, body: STYLE, type: 'text/css' };
    // Known or not, it is the same page: a link reveals nothing to who is not signed in.
    const id = path === '/' ? undefined : LINK.exec(path)?.[1]?.toUpperCase();
    return path === '/' || id !== undefined ? ok(signInPage(id)) : unknown();
  });

  return {
    url,
    close,
    issue(person) {
      const issued = codes.issue(person);
      log.event('event.console', { what: 'code', for: person.subject, groups: [...person.groups] });
      return issued;
    },
  };
}

function idOf(form: Asked['form']): string | undefined {
  const id = form.get('id');
  return id !== undefined && ID.test(id) ? id : undefined;
}

function unknown(): Answer {
  return { status: 404, body: plainPage('Not found', 'There is no such page.') };
}
