/** `upstreams.<name>.asks`: what a server may ask the client for. Nothing by default. */
import { z } from 'zod';
import type { CallView } from '../../core/call.ts';
import { type AskGrants, type RuleContext, RulesFault } from '../../core/rules.ts';

const HOST = /^[a-z0-9.-]{1,253}(?::[1-9][0-9]{0,4})?$|^\[[0-9a-f:.]{2,45}\](?::[1-9][0-9]{0,4})?$/;

export const schema = z
  .strictObject({
    elicitation: z
      .array(z.enum(['form', 'url']))
      .max(2)
      .default([])
      .describe("what of the client's user: `form` = a few values, `url` = to open a page"),
    hosts: z
      .array(z.string().regex(HOST, 'write a host in lower case, or host:port, and no *'))
      .max(64)
      .default([])
      .describe('hosts of the pages that `url` may open: [accounts.example.com]'),
    sampling: z.boolean().default(false).describe("to ask the client's model; deprecated by MCP"),
    roots: z.boolean().default(false).describe('which folders the client works in; deprecated by MCP'),
  })
  .describe('what the server may ask the client for in the middle of a call; nothing by default');

export interface Rules {
  readonly grants: ReadonlyMap<string, AskGrants>;
  /** Whether a page of this very machine may be opened without TLS. */
  readonly loopback: boolean;
}

/** Throws RulesFault; its path leads to the upstream's block. */
export function compile(context: Pick<RuleContext, 'asks' | 'local'>): Rules {
  const { asks: grants = new Map<string, AskGrants>(), local: loopback = false } = context;
  for (const [name, { elicitation, hosts }] of grants) {
    const path = ['upstreams', name, 'asks'];
    const pages = elicitation.includes('url');
    if (pages && hosts.length === 0)
      throw new RulesFault(path, '`url` without `hosts`', 'name the hosts whose pages may be opened');
    if (!pages && hosts.length > 0)
      throw new RulesFault([...path, 'hosts'], '`hosts` without `url`', 'add url to `elicitation`, or leave it out');
    hosts.forEach((host, i) => {
      if (URL.parse(`https://${host}/`)?.host !== host.replace(/:443$/, ''))
        throw new RulesFault([...path, 'hosts', i], 'not a host as URLs have it', 'write accounts.example.com');
    });
  }
  return { grants, loopback };
}

export function grantOf({ grants }: Rules, { upstream }: CallView): AskGrants | undefined {
  return grants.get(upstream);
}
