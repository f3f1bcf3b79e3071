/**
 * How well callers must have proved who they are for a grant to count (guarantees ID6, ID8, TR2). A tool that is short of
 * that alone stays listed: whoever signs in better can call it (RFC 9470).
 */
import { z } from 'zod';
import type { Caller } from '../../core/call.ts';
import type { MayAnswer } from '../../core/ports.ts';
import { iso, parseDuration } from '../../lib/time.ts';

/** A value of `acr_values`: no space, quote or backslash (RFC 9470 section 3). */
const value = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/, 'visible ASCII without spaces, quotes and backslashes');
const values = z.union([value.transform((one) => [one]), z.array(value).min(1).max(16)]);
const age = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 1000) return ms;
  context.addIssue({ code: 'custom', message: 'not a duration of a second and more; write 60s, 10m or 24h' });
  return z.NEVER;
});

export const require = z
  .strictObject({
    acr: values.optional().describe('context of the sign-in: one of these'),
    amr: values.optional().describe('methods of the sign-in, one of these: mfa; hwk or phr resist phishing'),
    'max-age': age.optional().describe('how long ago the sign-in may have been'),
    bound: z.literal(true).optional().describe('the credential is bound to a key that the request proves'),
    signed: z.literal(true).optional().describe('the request is signed'),
    certificate: z.literal(true).optional().describe('the connection has a client certificate'),
  })
  .refine((all) => Object.keys(all).length > 0, 'name at least one of acr, amr, max-age, bound, signed, certificate');

export type Require = z.infer<typeof require>;
/** What must hold beside the policy for its permit to count. */
export interface Demand extends Require {
  /** Milliseconds since the epoch: from then on it does not. */
  readonly until?: number | undefined;
}
export type Shortfall = NonNullable<MayAnswer['short']>;

/** What the caller is short of at the time `at`; undefined when it is nothing. Only verified facts are looked at. */
export function shortOf(caller: Caller, wanted: Demand, at: number): Shortfall | undefined {
  const { strength, proofs, key } = caller;
  const { acr, amr, bound, signed, certificate, until } = wanted;
  if (until !== undefined && at >= until) return { code: 'policy.expired', detail: `ended ${iso(until)}` };
  const missing = [
    ...(bound && key === undefined ? ['bound'] : []),
    ...(signed && proofs?.signature === undefined ? ['signed'] : []),
    ...(certificate && proofs?.certificate === undefined ? ['certificate'] : []),
  ];
  if (missing.length > 0) return { code: 'policy.proof', detail: missing.join(' ') };
  const most = wanted['max-age'];
  const weak =
    (acr !== undefined && !acr.some((one) => one === strength.acr)) ||
    (amr !== undefined && !amr.some((one) => strength.amr.includes(one))) ||
    (most !== undefined && (strength.at === undefined || at - strength.at > most));
  if (!weak) return undefined;
  // Parameters of a challenge; nothing of a request is in them.
  const params = [
    ...(acr ? [`acr_values="${acr.join(' ')}"`] : []),
    ...(most === undefined ? [] : [`max_age="${Math.floor(most / 1000)}"`]),
  ];
  return { code: 'policy.strength', detail: params.join(', ') };
}

/** An answer with the permits alone that count for this caller now. */
export function strong(
  answer: MayAnswer,
  required: ReadonlyMap<string, Demand>,
  caller: Caller,
  at: number,
): MayAnswer {
  if (!answer.allow || required.size === 0) return answer;
  let short: Shortfall | undefined;
  const met = answer.reasons.filter((id) => {
    const wanted = required.get(id);
    const lack = wanted && shortOf(caller, wanted, at);
    short ??= lack;
    return lack === undefined;
  });
  if (met.length === answer.reasons.length) return answer;
  if (met.length > 0) return { ...answer, reasons: met };
  return { allow: false, ask: false, reasons: answer.reasons, ...(short && { short }) };
}

/** Rights common to all links of a chain (guarantee ID10): each is asked as the agent that acts, and each must be let. */
export function everyLink(caller: Caller, ask: (as: Caller) => MayAnswer): MayAnswer {
  const { agent } = caller;
  if (agent.length < 2) return ask(caller);
  const said: MayAnswer[] = [];
  for (const [i, link] of agent.entries()) {
    const one = ask(i === 0 ? caller : { ...caller, agent: [link, ...agent.toSpliced(i, 1)] });
    if (!one.allow) return one;
    said.push(one);
  }
  return {
    allow: true,
    ask: said.some((one) => one.ask),
    reasons: [...new Set(said.flatMap((one) => one.reasons))],
    links: said.map((one) => one.reasons),
  };
}
