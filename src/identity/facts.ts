/** What a configuration states of callers that others vouch for: the same members wherever it is done. */
import { z } from 'zod';
import type { Caller } from '../core/call.ts';
import { name, names, tenant, tools } from './keyfile.ts';

export const facts = {
  subject: name.optional(),
  tenant: tenant.optional(),
  agent: names.optional().describe('agents that act, outermost first'),
  groups: names.optional(),
  scopes: names.optional(),
  tools: tools.optional().describe('good for these alone, by the names of policy lines'),
};
const shape = z.strictObject(facts);
export type StatedFacts = z.infer<typeof shape>;

/** `subject` where the configuration names none; `rest` is how it was proved. */
export function callerOf(
  { subject, tenant: of = 'default', agent = [], groups = [], scopes = [], tools: only }: StatedFacts,
  fallback: string,
  rest: Pick<Caller, 'issuer' | 'how' | 'credential'> & Partial<Pick<Caller, 'key' | 'expires' | 'claims'>>,
): Caller {
  return Object.freeze({
    tenant: of,
    subject: subject ?? fallback,
    agent: Object.freeze([...agent]),
    groups: Object.freeze([...groups]),
    scopes: Object.freeze([...scopes]),
    strength: Object.freeze({ amr: Object.freeze([]) }),
    claims: Object.freeze({}),
    ...(only && { tools: Object.freeze([...only]) }),
    ...rest,
  });
}
