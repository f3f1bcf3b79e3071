/** The revisions that are served, newest first. */
import type { JsonObject } from '../../lib/json/types.ts';
import { escapeText } from '../../lib/text.ts';

export const MODERN = '2026-07-28';
export const LEGACY = '2025-11-25';
export const SUPPORTED: readonly string[] = [MODERN, LEGACY];

/** `data` of error -32022. The specification wants the refused version named; it is escaped and cut. */
export function versionData(requested: string): JsonObject {
  return { supported: [...SUPPORTED], requested: escapeText(requested, 64) };
}
