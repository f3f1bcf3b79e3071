/** Agents of the tests, and the proofs that they sign for their links. */
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { LINK_TYPE } from '../../src/identity/links.ts';
import { jwt } from './jwt.ts';

export interface Agent {
  readonly id: string;
  readonly key: KeyObject;
  readonly jwk: Readonly<Record<string, unknown>>;
  /** RFC 7638. */
  readonly thumbprint: string;
}

export function agentOf(id: string): Agent {
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { crv, kty, x, y } = createPublicKey(key).export({ format: 'jwk' });
  const thumbprint = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
  return { id, key, jwk: { crv, kty, x, y }, thumbprint };
}

export interface ForWhom {
  readonly iss: string;
  readonly sub: string;
  readonly resource: string;
  /** Seconds since the epoch. */
  readonly at: number;
}

/** The claims of one proof. */
export function saying(agent: Agent, next: string, { iss, sub, at }: ForWhom, prev?: string): Record<string, unknown> {
  return {
    iss: agent.id,
    sub_id: { format: 'iss_sub', iss, sub },
    aud: next,
    iat: at,
    exp: at + 600,
    jti: randomUUID(),
    ...(prev !== undefined && { prev }),
  };
}

export function sign(agent: Agent, claims: object, header: object = {}): string {
  return jwt(claims, { typ: LINK_TYPE, jwk: agent.jwk, ...header }, agent.key);
}

export const digest = (proof: string): string => createHash('sha256').update(proof).digest('base64url');

/** `act` and `act_proofs` of agents, the outermost first. */
export function chained(agents: readonly Agent[], to: ForWhom): { act: object; act_proofs: string[] } {
  const proofs: string[] = [];
  let act: object | undefined;
  for (const [i, agent] of [...agents.entries()].reverse()) {
    const next = i === 0 ? to.resource : agents[i - 1]!.id;
    proofs.unshift(sign(agent, saying(agent, next, to, proofs[0] && digest(proofs[0]))));
    act = { sub: agent.id, ...(act && { act }) };
  }
  return { act: act!, act_proofs: proofs };
}
