/** Grants that end, and why one for another agent must (guarantee AZ9). */
import { z } from 'zod';
import { RulesFault } from '../../../core/rules.ts';
import { iso } from '../../../lib/time.ts';

const SHAPE = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d)(?::(\d\d))?Z)?$/;
const DAY = 86_400_000;

/** `2027-03-31` (that day is the last) or `2027-03-31T18:00Z` -> milliseconds since the epoch; undefined for all else. */
export function parseInstant(text: string): number | undefined {
  const [, day, time, seconds = '00'] = SHAPE.exec(text) ?? [];
  if (day === undefined) return undefined;
  const full = `${day}T${time ?? '00:00'}:${seconds}.000Z`;
  const ms = Date.parse(full);
  // The 31st of February would be a day in March.
  if (Number.isNaN(ms) || iso(ms) !== full) return undefined;
  return time === undefined ? ms + DAY : ms;
}

export const UNTIL = 'write 2027-03-31, whose end is meant, or 2027-03-31T18:00Z';

export const instant = z.string().transform((text, context) => {
  const ms = parseInstant(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: 'custom', message: `not a day or a time in UTC; ${UNTIL}` });
  return z.NEVER;
});

interface Lasting {
  readonly to: 'local' | Readonly<Record<string, string | undefined>>;
  readonly until?: number | undefined;
}

/** Throws RulesFault where a grant lets agents meet and has no end, or leaves open who they are. `how`: see `meeting`. */
export function refuseLasting(
  { to, until }: Lasting,
  name: string,
  how: string | undefined,
  path: readonly (string | number)[],
): void {
  if (how === undefined) return;
  if (until === undefined)
    throw new RulesFault(path, `\`${name}\` ${how}: a grant for it must end`, `add \`until\`: ${UNTIL}`);
  if (to !== 'local' && to.agent === undefined && to.subject === undefined)
    throw new RulesFault(
      path,
      `\`${name}\` ${how}: a grant for it names who may reach it`,
      'name `agent` or `subject` under `to`',
    );
}
