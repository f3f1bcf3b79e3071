/** Opening hours as people write them. Policies see them as one boolean each; the time comes from the Call. */

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
const SHAPE = /^([A-Za-z,-]{3,27}) ([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2}) ([A-Za-z][A-Za-z0-9_+/-]{1,39})$/;
const MINUTE = 60_000;
const DAY = 24 * 60;

export interface Hours {
  /** `at` in milliseconds since the epoch. */
  open(at: number): boolean;
}

/**
 * `Mon-Fri 07:00-19:00 Europe/Berlin`; days also as a list (`Mon,Wed,Sat-Sun`), 24:00 as an end. The start is
 * inside, the end outside. An end before the start lies on the next day; a night belongs to the day it began on.
 * Undefined when the text is anything else or the IANA zone is unknown.
 */
export function parseHours(text: string): Hours | undefined {
  const [, dayText, h1, m1, h2, m2, zone] = SHAPE.exec(text) ?? [];
  if (dayText === undefined) return undefined;
  const days = parseDays(dayText);
  const from = Number(h1) * 60 + Number(m1);
  const to = Number(h2) * 60 + Number(m2);
  if (!days || from >= DAY || to > DAY || from === to || Number(m1) > 59 || Number(m2) > 59) return undefined;
  let wall: Intl.DateTimeFormat;
  try {
    wall = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
    });
  } catch {
    return undefined;
  }

  function judge(at: number): boolean {
    const parts: Record<string, string> = {};
    for (const { type, value } of wall.formatToParts(at)) parts[type] = value;
    const day = (DAYS as readonly string[]).indexOf(parts['weekday']!);
    const now = Number(parts['hour']) * 60 + Number(parts['minute']);
    if (from < to) return days!.has(day) && now >= from && now < to;
    return (days!.has(day) && now >= from) || (days!.has((day + 6) % 7) && now < to);
  }

  // Zones differ by whole minutes, so one answer holds for its minute.
  let minute = Number.NaN;
  let answer = false;
  return {
    open(at) {
      const m = Math.floor(at / MINUTE);
      if (m !== minute) [minute, answer] = [m, judge(m * MINUTE)];
      return answer;
    },
  };
}

function parseDays(text: string): Set<number> | undefined {
  const days = new Set<number>();
  for (const part of text.split(',')) {
    const [first, last, more] = part.split('-').map((day) => (DAYS as readonly string[]).indexOf(day));
    if (first === undefined || first < 0 || more !== undefined || (last !== undefined && last < 0)) return undefined;
    for (let day = first; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === (last ?? first)) break;
    }
  }
  return days;
}
