import { expect, it } from 'vitest';
import { argsDigest } from '../../src/core/args-digest.ts';
import { digest } from '../../src/lib/json/canonical.ts';

it('is that of the arguments as this call has them, also where a caller in process uses one object again', () => {
  const args = { n: 1 };
  expect(argsDigest({ id: 'a', args })).toBe(digest({ n: 1 }));
  args.n = 2;
  expect(argsDigest({ id: 'b', args })).toBe(digest({ n: 2 }));
  expect(argsDigest({ id: 'b', args: { n: 3 } })).toBe(digest({ n: 3 }));
});
