/** A console over a book of its own, with a clock by hand, and a browser's way of talking to it. */
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { openConsole } from '../../src/console/open.ts';
import type { Approval } from '../../src/controls/approval/book.ts';
import { approval } from '../../src/controls/approval/index.ts';
import { compile, schema } from '../../src/controls/approval/rules.ts';
import type { Call, Caller } from '../../src/core/call.ts';
import type { Log, Snapshot } from '../../src/core/ports.ts';
import { type Desk, openDesk } from '../../src/gateway/desk.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { memoryState } from '../../src/store/memory.ts';
import { view } from '../controls/cases.ts';
import { TOOL } from '../core/fakes.ts';

export interface Page {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}
export type Change = Partial<Omit<Call, 'caller'>> & { caller?: Partial<Caller>; tool?: Partial<typeof TOOL> };

const ALICE = { ...view({ target: TOOL }).caller, subject: 'alice', how: 'key' as const };

export async function world(config: object = {}, use: <T extends Desk>(desk: T) => Desk = (desk) => desk) {
  let now = 1_000_000;
  let rules = 'rules-1';
  const state = memoryState(() => now);
  const events: { code: string; data: JsonObject }[] = [];
  const log = { event: (code: string, data: object) => void events.push({ code, data: data as JsonObject }) };
  const desk = use(openDesk(state, log as unknown as Log, () => ({ id: rules }) as Snapshot));
  const console = await openConsole({
    port: 0,
    desk,
    log: log as unknown as Log,
    clock: () => now,
    random: (n) => randomBytes(n),
  });
  const own = compile(schema.parse(config));
  const host = new URL(console.url).host;

  function ask(
    path: string,
    form?: Readonly<Record<string, string>> | string,
    headers: object = {},
    method = form === undefined ? 'GET' : 'POST',
  ): Promise<Page> {
    const body = form === undefined || typeof form === 'string' ? form : new URLSearchParams(form).toString();
    const sent = {
      host,
      ...(body !== undefined && { origin: console.url, 'content-type': 'application/x-www-form-urlencoded' }),
      ...headers,
    };
    return new Promise((resolve, reject) => {
      const req = request(console.url + path, { method, headers: sent, agent: false }, (res) => {
        let text = '';
        res.on('data', (chunk: Buffer) => (text += chunk.toString()));
        res.on('end', () => resolve({ status: res.statusCode!, headers: res.headers, text }));
      });
      req.on('error', reject).end(body);
    });
  }
  return {
    console,
    events,
    ask,
    desk,
    rules: (id: string) => void (rules = id),
    pass: (ms: number) => void (now += ms),
    /** A call that waits; its approval as it is written down. */
    async waits({ caller, tool, ...change }: Change = {}): Promise<Approval> {
      const call = view({
        asked: ['policy.ask'],
        rulesId: rules,
        ...change,
        caller: { ...ALICE, ...caller },
        target: { ...TOOL, ...tool },
      });
      const verdict = await approval.decide!(call, own, state);
      if (verdict.kind !== 'ask') throw new Error(`not asked: ${JSON.stringify(verdict)}`);
      return (await desk.find(verdict.question.id))!;
    },
    /** Signs in; the page, and the secret of its session. */
    async signIn(as = 'bob', groups: readonly string[] = [], id?: string): Promise<Page & { session: string }> {
      const { code } = console.issue({ subject: as, groups });
      const page = await ask('/sign-in', { code, ...(id !== undefined && { id }) });
      return { ...page, session: sessionOf(page) };
    },
  };
}

export function sessionOf({ text }: Page): string {
  return /name="session" value="([^"]+)"/.exec(text)?.[1] ?? '';
}
