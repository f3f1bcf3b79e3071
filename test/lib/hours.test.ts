import { describe, expect, it } from 'vitest';
import { parseHours } from '../../src/lib/hours.ts';

const WORK = 'Mon-Fri 07:00-19:00 Europe/Berlin';

describe('opening hours', () => {
  it.each([
    [WORK, '2026-11-20T06:00:00Z', true, 'Friday, 07:00 in winter: the start is inside'],
    [WORK, '2026-11-20T05:59:59.999Z', false, 'a moment before'],
    [WORK, '2026-11-20T17:59:59.999Z', true, 'a moment before the end'],
    [WORK, '2026-11-20T18:00:00Z', false, 'the end is outside'],
    [WORK, '2026-07-17T05:00:00Z', true, 'Friday, 07:00 in summer'],
    [WORK, '2026-07-17T17:00:00Z', false, '19:00 in summer'],
    [WORK, '2026-11-21T12:00:00Z', false, 'Saturday'],
    ['Sat-Mon 00:00-24:00 UTC', '2026-11-22T23:59:00Z', true, 'over the end of the week'],
    ['Sat-Mon 00:00-24:00 UTC', '2026-11-24T00:00:00Z', false, 'Tuesday'],
    ['Mon,Wed,Fri-Sun 10:00-11:00 UTC', '2026-11-18T10:30:00Z', true, 'a list of days'],
    ['Mon,Wed,Fri-Sun 10:00-11:00 UTC', '2026-11-19T10:30:00Z', false, 'not in the list'],
    ['Fri 22:00-06:00 UTC', '2026-11-20T23:00:00Z', true, 'the evening of a night'],
    ['Fri 22:00-06:00 UTC', '2026-11-21T05:59:00Z', true, 'its morning, on Saturday'],
    ['Fri 22:00-06:00 UTC', '2026-11-20T05:00:00Z', false, 'the morning before belongs to Thursday'],
    ['Mon-Sun 00:00-12:00 Asia/Kathmandu', '2026-11-20T06:14:59Z', true, 'a zone of 5:45'],
    ['Mon-Sun 00:00-12:00 Asia/Kathmandu', '2026-11-20T06:15:00Z', false, 'noon there'],
    ['Sun 02:00-03:00 Europe/Berlin', '2026-03-29T01:30:00Z', false, 'the hour that spring skips'],
    ['Sun 02:00-03:00 Europe/Berlin', '2026-10-25T00:30:00Z', true, 'the hour that autumn has twice'],
    ['Sun 02:00-03:00 Europe/Berlin', '2026-10-25T01:30:00Z', true, 'and again'],
  ])('%s at %s: %s (%s)', (text, at, open) => expect(parseHours(text)!.open(Date.parse(at))).toBe(open));

  it('answers by the time it is given, in any order', () => {
    const hours = parseHours(WORK)!;
    const times = ['2026-11-20T12:00:10Z', '2026-11-21T12:00:10Z', '2026-11-20T12:00:10Z'];
    expect(times.map((at) => hours.open(Date.parse(at)))).toEqual([true, false, true]);
  });

  it.each([
    '',
    'Mon-Fri',
    'Mon-Fri 07:00-19:00',
    'Mon-Fri 7:00-19:00 UTC',
    'Mon-Fri 07:00-25:00 UTC',
    'Mon-Fri 24:00-25:00 UTC',
    'Mon-Fri 07:60-19:00 UTC',
    'Mon-Fri 07:00-07:00 UTC',
    'mon-fri 07:00-19:00 UTC',
    'Mon-Wed-Fri 07:00-19:00 UTC',
    'Mon- 07:00-19:00 UTC',
    'Mon,,Tue 07:00-19:00 UTC',
    'Mon-Fri 07:00-19:00 Europe/Nowhere',
    'Mon-Fri 07:00-19:00 UTC x',
    'Mon-Fri 07:00-19:00 +02:00',
  ])('refuses %j', (text) => expect(parseHours(text)).toBeUndefined());
});
