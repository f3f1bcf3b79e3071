/** A person with a terminal and a browser: gets a code from the owner, signs in on the page of a link, decides there. */
import { realpathSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { askOwner } from '../../src/doors/ask-owner.ts';
import { VERSION } from '../../src/gateway/version.ts';
import { sha256Hex } from '../../src/lib/bytes.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import type { Site } from './site.ts';

export interface Look {
  readonly status: number;
  readonly text: string;
}

/** What `doorward approve` says to the running gateway, without a process for it. */
export async function owner(site: Site, request: JsonObject): Promise<JsonObject> {
  const hello = { version: VERSION, config: sha256Hex(realpathSync(site.config)), token: site.token() };
  const said = await askOwner(realpathSync(join(site.dir, '.doorward')), hello, request);
  if (!said || said['fault'] !== undefined) throw new Error(`the owner says ${JSON.stringify(said)}`);
  return said;
}

/** `XXXX-XXXX`. */
export async function codeFor(site: Site, person: { as?: string; groups?: string[] } = {}): Promise<string> {
  return (await owner(site, { do: 'code', ...person }))['code'] as string;
}

/** GET, or POST of a form as a browser sends it. */
export function browse(url: string, form?: Readonly<Record<string, string>>): Promise<Look> {
  const { origin, host } = new URL(url);
  const headers = form ? { origin, 'content-type': 'application/x-www-form-urlencoded' } : {};
  return new Promise((resolve, reject) => {
    const req = request(url, { method: form ? 'POST' : 'GET', headers: { host, ...headers }, agent: false }, (res) => {
      let text = '';
      res.on('data', (chunk: Buffer) => (text += chunk.toString()));
      res.on('end', () => resolve({ status: res.statusCode!, text }));
    });
    req.on('error', reject).end(form && new URLSearchParams(form).toString());
  });
}

const field = ({ text }: Look, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? '';

/** Follows the link, signs in, looks, and presses the button; the page that was looked at. */
export async function decides(site: Site, link: string, wish: 'grant' | 'deny', as = 'bob'): Promise<Look> {
  const { origin } = new URL(link);
  const door = await browse(link);
  const seen = await browse(`${origin}/sign-in`, { code: await codeFor(site, { as }), id: field(door, 'id') });
  const form = { session: field(seen, 'session'), id: field(seen, 'id'), key: field(seen, 'key'), do: wish };
  const said = await browse(`${origin}/decide`, form);
  if (said.status !== 200) throw new Error(`${said.status} ${said.text}`);
  return seen;
}
