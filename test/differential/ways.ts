/** The ways in: one caller in every revision, over HTTP and over the bridge. Each asks one thing and gives the answer. */
import { createInterface } from 'node:readline';
import { events, http, META } from '../doors/client.ts';
import type { Site } from '../e2e/site.ts';

export interface Asked {
  readonly upstream: string;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}
/** A JSON-RPC response without its id. */
export type Answered = Readonly<Record<'result' | 'error', Record<string, any> | undefined>>;

export interface Way {
  readonly name: string;
  readonly era: string;
  /** Who asks: the same in the log, and in what the policy knows, as every other way of this caller. */
  readonly caller: string;
  ask(asked: Asked): Promise<Answered>;
  close(): void;
}

const MODERN = '2026-07-28';
const introduce = (protocolVersion: string) => ({
  protocolVersion,
  capabilities: {},
  clientInfo: { name: 'test', version: '1' },
});
const nameOf = ({ method, params }: Asked) =>
  method === 'resources/read' ? params['uri'] : method === 'completion/complete' ? undefined : params['name'];

/** A header's own way to say what is not plain. */
const coded = (value: unknown): string => {
  const text = String(value);
  return /^[\x21-\x7e]+$/.test(text) ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
};

/** `batched`: each request in an array of its own. */
export function overHttp(url: string, token: string, era: string, { batched = false, caller = 'local' } = {}): Way {
  const sessions = new Map<string, Promise<string>>();
  let id = 0;
  const post = (upstream: string, body: object, headers: Record<string, string> = {}) =>
    http(url, {
      path: `/${upstream}`,
      headers: { authorization: `Bearer ${token}`, ...headers },
      body: JSON.stringify(body),
    });
  const open = async (upstream: string) => {
    const { headers } = await post(upstream, { jsonrpc: '2.0', id: 0, method: 'initialize', params: introduce(era) });
    return String(headers['mcp-session-id']);
  };
  return {
    name: `${caller} over HTTP, ${era}${batched ? ' in batches' : ''}`,
    era,
    caller,
    async ask(asked) {
      const { upstream, method, params } = asked;
      const message = { jsonrpc: '2.0', id: ++id, method, params };
      let said: Awaited<ReturnType<typeof post>>;
      if (era === MODERN) {
        const name = nameOf(asked);
        const args = (params['arguments'] ?? {}) as Record<string, unknown>;
        const mirrored = Object.entries({ 'mcp-param-region': args['region'], 'mcp-param-zone': args['zone'] });
        said = await post(
          upstream,
          { ...message, params: { ...params, _meta: META } },
          {
            'mcp-protocol-version': MODERN,
            'mcp-method': method,
            ...(name !== undefined && { 'mcp-name': coded(name) }),
            ...(params['name'] === 'region' &&
              Object.fromEntries(
                mirrored.filter(([, value]) => value != null).map(([key, value]) => [key, coded(value)]),
              )),
          },
        );
      } else {
        let session = sessions.get(upstream);
        if (!session) sessions.set(upstream, (session = open(upstream)));
        said = await post(upstream, batched ? [message] : message, { 'mcp-session-id': await session });
      }
      const { text } = said;
      const parsed = text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : events(text).at(-1);
      return (batched && Array.isArray(parsed) ? parsed[0] : parsed) as Answered;
    },
    close() {},
  };
}

export function overBridge(site: Site, era: string): Way {
  const children = new Map<string, (message: object, id?: number) => Promise<Answered>>();
  const ends: (() => void)[] = [];
  let id = 0;
  async function start(upstream: string) {
    const child = site.spawn('run', '--stdio', upstream);
    ends.push(() => child.kill('SIGKILL'));
    const waiting = new Map<number, (answer: Answered) => void>();
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const message = JSON.parse(line);
      waiting.get(message.id)?.(message);
    });
    const say = (message: object, own?: number): Promise<Answered> => {
      child.stdin!.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
      return own === undefined ? Promise.resolve({} as Answered) : new Promise((done) => waiting.set(own, done));
    };
    if (era !== MODERN) {
      await say({ id: 0, method: 'initialize', params: introduce(era) }, 0);
      await say({ method: 'notifications/initialized' });
    }
    children.set(upstream, say);
    return say;
  }
  return {
    name: `local over stdio, ${era}`,
    era,
    caller: 'local',
    async ask({ upstream, method, params }) {
      const say = children.get(upstream) ?? (await start(upstream));
      const own = ++id;
      return say({ id: own, method, params: era === MODERN ? { ...params, _meta: META } : params }, own);
    },
    close: () => ends.forEach((end) => end()),
  };
}
