/** The revisions that are served. They are dates, and compare as texts. */
import type { Era } from '../../core/call.ts';
import type { JsonObject } from '../../lib/json/types.ts';
import { escapeText } from '../../lib/text.ts';

/** A revision with sessions. */
export type LegacyEra = Exclude<Era, typeof MODERN>;

export const MODERN = '2026-07-28';
/** The newest revision with sessions: what a client gets that asks for one that is not served. */
export const LEGACY = '2025-11-25';
/** The only revision with batches (JSON-RPC 2.0 section 6). */
export const BATCHES = '2025-03-26';

/** Revisions with sessions that are served over Streamable HTTP, newest first; the oldest of all had no such thing. */
export const OVER_HTTP: readonly LegacyEra[] = [LEGACY, '2025-06-18', BATCHES];
export const OVER_LINES: readonly LegacyEra[] = [...OVER_HTTP, '2024-11-05'];
export const SUPPORTED: readonly Era[] = [MODERN, ...OVER_HTTP];

/** What an `initialize` is answered with (2025-11-25, basic/lifecycle, version negotiation). */
export function negotiated(requested: string, served: readonly LegacyEra[]): LegacyEra {
  return served.find((version) => version === requested) ?? LEGACY;
}

/** `data` of error -32022. The specification wants the refused version named; it is escaped and cut. */
export function versionData(requested: string): JsonObject {
  return { supported: [...SUPPORTED], requested: escapeText(requested, 64) };
}
