/** How a refusal looks over HTTP: recorded by the house first, then the fixed status and text of its code. */
import { CODES } from '../core/codes/index.ts';
import type { Gate, Refused } from '../core/gate.ts';
import type { JsonObject } from '../lib/json/types.ts';
import type { Id } from '../wire/frame.ts';
import type { Knock, Refusal } from './door.ts';
import { refusedMessage } from './message.ts';
import type { Reply } from './reply.ts';

/** `misdirected`: who has no good credential learns no more than at a wrong authority (guarantee TR6). */
export function refuse(gate: Gate, knock: Knock, reply: Reply, refusal: Refusal, misdirected = false): void {
  const { id, at, peer, caller, route } = knock;
  const entry = { id, at, peer, ...(caller && { caller }), ...(route !== '' && { route }) };
  const refused = gate.refuse(entry, refusal.stage, refusal.code, refusal.name);
  for (let i = 0; refusal.headers && i < refusal.headers.length; i += 2) {
    reply.header(refusal.headers[i]!, refusal.headers[i + 1]!);
  }
  if (misdirected && CODES[refused.code].http === 401) return reply.final(CODES['door.authority'].http, []);
  const retryAfter = refused.retryAfter ?? refusal.wait;
  const full = retryAfter === undefined ? refused : { ...refused, retryAfter };
  writeRefused(reply, full, refusal.id, refusal.data, refusal.challenge);
}

const CHALLENGE = ['Bearer'];

/** `data` is that of the error, `challenge` what a 401 offers. */
export function writeRefused(
  reply: Reply,
  refused: Refused,
  id: Id | undefined,
  data?: JsonObject,
  challenge: readonly string[] = CHALLENGE,
): void {
  const { http, text } = CODES[refused.code];
  if (http === 401) for (const value of challenge) reply.header('WWW-Authenticate', value);
  if (http === 429) reply.header('Retry-After', String(refused.retryAfter ?? 1));
  // An authority that is not served gets no hint of what lives here (guarantee TR6).
  reply.final(http, text === '' ? [] : [refusedMessage(id, refused.message, data)]);
}
