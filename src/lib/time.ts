/** Durations as people write them, and instants as logs do. */

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `250ms`, `30s`, `10m`, `8h`, `7d` -> milliseconds. Undefined for anything else, and above `Number.MAX_SAFE_INTEGER`. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = /^(0|[1-9][0-9]{0,15})(ms|s|m|h|d)$/.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const ms = Number(digits) * UNITS[unit!]!;
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** RFC 3339 in UTC with milliseconds. `ms` since the epoch; throws RangeError outside what a Date can hold. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
