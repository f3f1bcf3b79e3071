/** Ids of calls: 48 bits of time, 80 random bits, Crockford base32 (the ULID layout). Sortable and unguessable. */
import type { Clock, Random } from '../core/state.ts';

const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const PAIRS = Array.from({ length: 1024 }, (_, i) => DIGITS[i >> 5]! + DIGITS[i & 31]!);

export function idMaker(clock: Clock, random: Random): () => string {
  let pool = random(1024);
  let used = 0;
  let last = Number.NaN;
  let begin = '';
  return () => {
    if (used + 10 > pool.length) [pool, used] = [random(1024), 0];
    const now = clock();
    if (now !== last) {
      begin = timeOf(now);
      last = now;
    }
    let text = begin;
    let bits = 0;
    let held = 0;
    for (const end = used + 10; used < end; used++) {
      held = ((held << 8) | pool[used]!) & 0x3ffff;
      for (bits += 8; bits >= 10; bits -= 10) text += PAIRS[(held >>> (bits - 10)) & 1023];
    }
    return text;
  };
}

function timeOf(now: number): string {
  let text = '';
  for (let time = now, i = 0; i < 10; i++, time = Math.floor(time / 32)) text = DIGITS[time % 32] + text;
  return text;
}
