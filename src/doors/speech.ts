/**
 * What one framed message asks of a door, in whichever era it was said. The same for HTTP and for lines; only where
 * a session is kept differs.
 */
import type { Said } from '../core/admit.ts';
import { type Caller, STREAM } from '../core/call.ts';
import type { Snapshot } from '../core/ports.ts';
import type { JsonObject } from '../lib/json/types.ts';
import { classify } from '../wire/eras/classify.ts';
import { cancelled, type Wishes, wishes } from '../wire/eras/interim.ts';
import * as legacy from '../wire/eras/legacy.ts';
import * as modern from '../wire/eras/modern.ts';
import type { LegacyEra } from '../wire/eras/versions.ts';
import type { Fault, Frame, Id, NotificationFrame, RequestFrame, ResponseFrame } from '../wire/frame.ts';
import type { Headers, ParamHeaders } from '../wire/headers.ts';
import { paramHeaders } from '../wire/mirror.ts';
import { CODECS, type Codec } from './message.ts';

export type Heard =
  /** `method` as the client said it: `initialize` is a `server/discover` inside. */
  | ({ readonly kind: 'call'; readonly id: Id; readonly method: string; readonly said: Said } & Tongue)
  /** Answered at the door. */
  | {
      readonly kind: 'local';
      readonly id: Id;
      readonly result: JsonObject /** To be remembered. */;
      readonly level?: string;
    }
  | { readonly kind: 'cancel'; readonly id: Id }
  /** To what we asked on the stream of a call. */
  | { readonly kind: 'answer'; readonly said: ResponseFrame }
  /** A client of an older revision is ready for messages that it did not ask for. */
  | { readonly kind: 'ready' }
  /** Nothing to do. */
  | { readonly kind: 'noted' };
interface Tongue {
  readonly codec: Codec;
  readonly wishes: Wishes;
}

export function hear(
  frame: RequestFrame | NotificationFrame,
  era: 'modern' | 'legacy',
  session?: legacy.LegacySession,
  served?: readonly LegacyEra[],
): Heard | Fault {
  const { method, params } = frame;
  if (frame.kind === 'notification') {
    if (method === 'notifications/initialized' && era === 'legacy') return { kind: 'ready' };
    const id = method === 'notifications/cancelled' ? cancelled(params) : undefined;
    return id === undefined ? { kind: 'noted' } : { kind: 'cancel', id };
  }
  const { id } = frame;
  if (era === 'legacy') {
    const local = legacy.local(frame);
    if (local && isFault(local)) return local;
    if (local)
      return { kind: 'local', id, result: local, ...(params.level !== undefined && { level: params.level as string }) };
  }
  const said = era === 'modern' ? modern.hear(frame) : legacy.hear(frame, session, served);
  if ('fault' in said) return said;
  let asked = wishes(params);
  if (session?.level !== undefined) asked = { ...asked, logLevel: session.level };
  if (method === STREAM) asked = { ...asked, listen: { id } };
  const { logLevel } = asked;
  const wanted = logLevel === undefined ? said : { ...said, logLevel };
  return { kind: 'call', id, method, said: wanted, codec: CODECS[said.era], wishes: asked };
}

/**
 * One message of a batch. An introduction may not be part of one (2025-03-26, basic/lifecycle), and what claims the
 * newest revision has no batches.
 */
export function hearElement(
  element: Frame | Fault,
  headers: Pick<Headers, 'version'> | undefined,
  session: legacy.LegacySession,
): Heard | Fault {
  if ('fault' in element) return element;
  if (element.kind === 'response') return { kind: 'answer', said: element };
  const named = element.kind === 'request' ? { id: element.id } : {};
  if (element.method === 'initialize') return { fault: 'frame.request', ...named };
  const era = classify(element, headers);
  if (era === 'modern') return { fault: 'frame.batch', ...named };
  return typeof era === 'string' ? hear(element, era, session) : era;
}

/** What a session of an older revision hears besides answers. There is no id: nothing answers it. */
export function listening(session: legacy.LegacySession): { readonly said: Said } & Tongue {
  return { said: legacy.listening(session), codec: CODECS[session.era], wishes: { listen: {} } };
}

function isFault(local: JsonObject | Fault): local is Fault {
  return 'fault' in local;
}

const known = new WeakMap<object, ParamHeaders>();

/**
 * The arguments that a tool's pinned schema wants mirrored in `Mcp-Param-*` headers (SEP-2243); undefined when there
 * are none. A tool that the caller may not list has none either: its schema must not show in a refusal.
 */
export function mirrored(
  frame: RequestFrame | NotificationFrame,
  caller: Caller,
  route: string,
  at: number,
  snap: Snapshot,
): ParamHeaders | undefined {
  const { name } = frame.params;
  const upstream = snap.routes.get(route);
  if (frame.method !== 'tools/call' || typeof name !== 'string' || upstream === undefined) return undefined;
  const found = snap.shelf.find(upstream, 'call', frame.method, name);
  if (found.kind !== 'pinned') return undefined;
  const { descriptor } = found.target;
  let params = known.get(descriptor);
  if (!params) known.set(descriptor, (params = paramHeaders(descriptor.inputSchema)));
  if (params.size === 0 || !snap.may('list', caller, found.target, { at, upstream }).allow) return undefined;
  return params;
}
