import { rpc } from './row.ts';

export const limits = {
  'limits.rate': rpc(429, -31040, 'too many requests', 'the caller is over its token bucket'),
  'limits.concurrency': rpc(429, -31041, 'too many requests at once', 'the caller has too many calls in flight'),
} as const;
