/** Token bucket arithmetic. Who keeps the buckets, and how many, is up to the room that has them. */

/** `tokens` as of `at` (milliseconds). */
export interface Bucket {
  tokens: number;
  at: number;
}

/** Doubles lose a hair on every refill; less than this is no missing token. */
const HAIR = 1e-9;

export function full(burst: number, now: number): Bucket {
  return { tokens: burst, at: now };
}

/**
 * Refills, then takes `amount` if it is there. Answers the milliseconds until it will be: 0 when it was taken, Infinity
 * when it never can be. `amount` 0 asks for one token without taking it. A clock that went back refills nothing.
 */
export function draw(bucket: Bucket, perSecond: number, burst: number, amount: number, now: number): number {
  const passed = Math.max(0, now - bucket.at);
  bucket.tokens = Math.min(burst, bucket.tokens + (passed * perSecond) / 1000);
  bucket.at = now;
  const wanted = amount > 0 ? amount : 1;
  const missing = wanted - bucket.tokens;
  if (missing <= HAIR) {
    bucket.tokens -= amount;
    return 0;
  }
  return wanted > burst || perSecond <= 0 ? Infinity : Math.ceil((missing * 1000) / perSecond);
}
