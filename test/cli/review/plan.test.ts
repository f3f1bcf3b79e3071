import { expect, it } from 'vitest';
import { plan } from '../../../src/cli/review/plan.ts';
import { EMPTY_LOCK, type PackagePin, withUpstream } from '../../../src/inventory/lock.ts';

const pack = (digit: string): PackagePin => ({ name: 'x', version: '1.0.0', digest: `sha256:${digit.repeat(64)}` });

it('that a package is stateless is said of the package that was reviewed, not of the next one', () => {
  const lock = withUpstream(EMPTY_LOCK, 'files', { package: pack('0'), stateless: true, things: [] });
  const listing = { tools: [], prompts: [], resources: [], templates: [] };
  const next = (digit: string) => plan(lock, 'files', listing, { package: pack(digit) }).next.upstreams.get('files')!;
  expect(next('0').stateless).toBe(true);
  expect(next('1')).not.toHaveProperty('stateless');
});
