/**
 * Agents that act for others, one for the other (guarantee ID10): the claims `act` and `may_act` of a verified token
 * (RFC 8693 sections 4.1 and 4.4). An agent is who its configuration says: by the client that presents the token, or
 * the key that it is bound to. What is missing, unknown, repeated or too long is nobody's chain.
 */
import { z } from 'zod';
import type { Caller } from '../core/call.ts';
import { type Identified, isCaller } from '../core/gate.ts';
import type { Clock, Maybe } from '../core/state.ts';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import type { Ask } from './chooser.ts';
import { name } from './keyfile.ts';
import { FULL, proved } from './links.ts';
import type { Once } from './once.ts';

const thumbprint = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'a SHA-256 thumbprint in base64url, 43 characters');

const agent = z
  .strictObject({
    clients: z.array(z.string().min(1).max(256)).min(1).optional().describe('client ids that present its tokens'),
    keys: z
      .array(thumbprint)
      .min(1)
      .optional()
      .describe('thumbprints of the keys (jkt) or certificates (x5t#S256) that its tokens are bound to'),
    signs: z
      .array(thumbprint)
      .min(1)
      .max(16)
      .optional()
      .describe('thumbprints (RFC 7638) of the keys that sign its links; those of `keys` without'),
    issuers: z
      .array(z.string().min(1).max(2048))
      .min(1)
      .optional()
      .describe('who may name it; the issuer of the token without'),
  })
  .refine(
    ({ clients, keys }) => (clients ?? keys) !== undefined,
    'name clients or keys: what tells the agent from others',
  );

export const chains = z
  .strictObject({
    links: z.int().min(1).max(16).default(4).describe('longest chain of agents'),
    require: z
      .enum(['stated', 'signed'])
      .default('stated')
      .describe('signed: each link of a chain has a proof by the key of its agent; stated: the issuer is believed'),
    agents: z.record(name, agent).describe('agent id -> what it is known by; other agents act for nobody'),
  })
  .superRefine(({ require, agents }, context) => {
    for (const [id, one] of Object.entries(agents))
      if (require === 'signed' && signersOf(one).length === 0)
        context.addIssue({
          code: 'custom',
          path: ['agents', id],
          message: 'name in `signs` the key that signs its links',
        });
  });

const signersOf = ({ signs, keys = [] }: z.infer<typeof agent>) => signs ?? keys;

export type ChainRules = z.infer<typeof chains>;
type Agent = ChainRules['agents'][string];

interface Link {
  readonly sub: string;
  readonly iss: string;
  readonly client: string | undefined;
}

const BY_TOKEN: ReadonlySet<Caller['how']> = new Set(['jwt', 'introspection', 'proxy']);

/** The acting agents, outermost first, or why there is no such chain. */
export function chainOf(
  { claims, issuer, subject, key }: Caller,
  { links: most, agents }: ChainRules,
): string[] | { readonly why: string } {
  const chain: Link[] = [];
  for (let at: Json | undefined = claims['act']; at !== undefined; at = (at as JsonObject)['act']) {
    const link = linkOf(at, issuer);
    if (!link) return { why: 'a link without a subject' };
    if (chain.length === most) return { why: 'too long' };
    const again = link.sub === subject && link.iss === issuer;
    if (again || chain.some(({ sub, iss }) => sub === link.sub && iss === link.iss)) return { why: 'a loop' };
    chain.push(link);
  }
  const [first] = chain;
  if (!first) return { why: 'no agent' };
  for (const link of chain) {
    const known = agentOf(agents, link.sub);
    if (!known) return { why: 'an agent that is not known' };
    if (!(known.issuers ?? [issuer]).includes(link.iss)) return { why: 'an agent of another issuer' };
    if (link.client !== undefined && known.clients && !known.clients.includes(link.client))
      return { why: 'another client than that of the agent' };
  }
  if (!presents(agentOf(agents, first.sub)!, claims, key)) return { why: 'presented by another than the agent' };
  const may = claims['may_act'];
  if (may !== undefined) {
    const allowed = linkOf(may, issuer);
    if (!allowed || allowed.sub !== first.sub || allowed.iss !== first.iss) return { why: 'an agent that may not act' };
  }
  return chain.map(({ sub }) => sub);
}

function linkOf(value: Json, issuer: string): Link | undefined {
  if (!isObject(value)) return undefined;
  const { sub, iss = issuer, client_id: client } = value;
  if (!name.safeParse(sub).success || typeof iss !== 'string' || (client !== undefined && typeof client !== 'string'))
    return undefined;
  return { sub: sub as string, iss, client };
}

function agentOf(agents: ChainRules['agents'], id: string): Agent | undefined {
  return Object.hasOwn(agents, id) ? agents[id] : undefined;
}

/** Whether who brings the token is the agent, by all that its configuration names. */
function presents({ clients, keys }: Agent, claims: JsonObject, key: string | undefined): boolean {
  const client = claims['client_id'] ?? claims['azp'];
  const byClient = clients === undefined || (typeof client === 'string' && clients.includes(client));
  return byClient && (keys === undefined || (key !== undefined && keys.includes(key)));
}

interface Judged {
  readonly by: ChainRules | undefined;
  said: Maybe<Identified>;
}

/**
 * Callers by tokens, with the chain of agents that their token proves; `rules` answers what is configured now, and
 * `once` remembers which token a signed link was made for.
 */
export function withChain(ask: Ask, rules: () => ChainRules | undefined, once: Once, clock: Clock): Ask {
  // The same object for the same caller under the same rules: others remember things of it.
  const made = new WeakMap<Caller, Judged>();
  const judge = (said: Identified): Maybe<Identified> => {
    if (!isCaller(said) || !BY_TOKEN.has(said.how)) return said;
    const by = rules();
    let judged = made.get(said);
    if (judged?.by !== by || judged === undefined)
      made.set(said, (judged = { by, said: linked(said, by, once, clock) }));
    const answer = judged.said;
    if (answer instanceof Promise)
      return answer.then((one) => {
        // What did not hold may hold later: a clock was ahead, or memory was full.
        if (isCaller(one)) judged.said = one;
        else made.delete(said);
        return one;
      });
    // A link can end before its token does.
    return isCaller(answer) && answer !== said && clock() >= (answer.expires ?? Infinity) ? 'identity.chain' : answer;
  };
  return (evidence) => {
    const said = ask(evidence);
    return said instanceof Promise ? said.then(judge) : judge(said);
  };
}

function linked(caller: Caller, rules: ChainRules | undefined, once: Once, clock: Clock): Maybe<Identified> {
  if (caller.claims['act'] === undefined) {
    // A client that only has the name of an agent is not that agent.
    const [self] = caller.agent;
    const known = rules && self !== undefined ? agentOf(rules.agents, self) : undefined;
    return !known || presents(known, caller.claims, caller.key) ? caller : 'identity.chain';
  }
  const chain = rules ? chainOf(caller, rules) : { why: 'no agents are configured' };
  if ('why' in chain) return 'identity.chain';
  const agent = Object.freeze(chain);
  if (rules!.require === 'stated') return Object.freeze({ ...caller, agent });
  const links = chain.map((sub) => ({ sub, keys: signersOf(agentOf(rules!.agents, sub)!) }));
  return proved(links, caller, once, clock).then((until) => {
    if (typeof until !== 'number') return until.why === FULL ? 'identity.unavailable' : 'identity.chain';
    return Object.freeze({ ...caller, agent, expires: Math.min(until, caller.expires ?? until) });
  });
}
