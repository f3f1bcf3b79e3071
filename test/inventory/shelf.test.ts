import { describe, expect, it } from 'vitest';
import type { Family, PinKind, Pinned } from '../../src/core/call.ts';
import { READS } from '../../src/inventory/guess.ts';
import { Holds } from '../../src/inventory/holds.ts';
import { EMPTY_LOCK, withUpstream } from '../../src/inventory/lock.ts';
import { shelf } from '../../src/inventory/shelf.ts';

const pin = (kind: PinKind, name: string): Pinned => ({
  kind,
  upstream: 'files',
  name,
  digest: `sha256:${'0'.repeat(64)}`,
  descriptor: {},
  facts: READS,
  exceptions: {},
});
const LOCK = withUpstream(EMPTY_LOCK, 'files', {
  instructions: 'Be kind.',
  things: [
    pin('tool', 'read'),
    pin('tool', '__proto__'),
    pin('prompt', 'ask'),
    pin('resource', 'file:///a/one.txt'),
    pin('resource', 'file:///b/*'),
    pin('resource', 'file:///b/c/*'),
    pin('template', 'db://{table}/rows/{id}'),
  ],
});

const FIND: readonly (readonly [family: Family, name: string, found: string])[] = [
  ['call', 'read', 'read'],
  ['call', '__proto__', '__proto__'],
  ['call', 'constructor', 'unknown'],
  ['call', 'ask', 'unknown'],
  ['get', 'ask', 'ask'],
  ['get', 'read', 'unknown'],
  ['read', 'file:///a/one.txt', 'file:///a/one.txt'],
  ['read', 'file:///a/two.txt', 'unknown'],
  ['read', 'file:///b/x', 'file:///b/*'],
  ['read', 'file:///b/c/x', 'file:///b/c/*'],
  ['read', 'file:///b/', 'unknown'],
  ['read', 'file:///b/*', 'file:///b/*'],
  ['read', 'file:///b/../etc/passwd', 'unknown'],
  ['read', 'file:///b/%2e%2e/etc/passwd', 'unknown'],
  ['read', 'file:///b/%252e%252e/etc', 'unknown'],
  ['read', 'file:///b/x\u0000', 'unknown'],
  ['read', 'file:///b/\u202ex', 'unknown'],
  ['read', 'FILE:///b/x', 'unknown'],
  ['read', 'db://users/rows/1', 'db://{table}/rows/{id}'],
  ['read', 'db://users/rows/1/2', 'unknown'],
  ['read', 'db://a/b/rows/1', 'unknown'],
  ['read', 'db://users/rows/..', 'unknown'],
  ['read', 'db://users/rows/a%2fb', 'unknown'],
  ['complete', 'ask', 'ask'],
  ['complete', 'db://{table}/rows/{id}', 'db://{table}/rows/{id}'],
  ['list', 'read', 'unknown'],
];

describe('the shelf', () => {
  it.each(FIND)('%s %s: %s', (family, name, expected) => {
    const found = shelf(LOCK, new Holds()).find('files', family, '', name);
    expect(found.kind === 'pinned' ? found.target.name : found.kind).toBe(expected);
    if (found.kind === 'pinned' && family === 'read') expect(found.target.uri).toBe(name);
  });

  it('knows nothing of other upstreams', () => {
    const made = shelf(LOCK, new Holds());
    expect(made.find('other', 'call', '', 'read').kind).toBe('unknown');
    expect(made.list('other', 'tool')).toEqual([]);
    expect(made.instructions('other')).toBeUndefined();
    expect(made.instructions('files')).toBe('Be kind.');
  });

  it('hides what is held, at once', () => {
    const holds = new Holds();
    const made = shelf(LOCK, holds);
    holds.hold('files', 'tool', 'read');
    holds.hold('files', 'tool', 'never_pinned');
    expect(made.find('files', 'call', '', 'read').kind).toBe('held');
    expect(made.find('files', 'call', '', 'never_pinned').kind).toBe('held');
    expect(made.list('files', 'tool').map((thing) => thing.name)).toEqual(['__proto__']);
    expect(made.find('files', 'get', '', 'ask').kind).toBe('pinned');
    holds.holdAll('files');
    expect(made.find('files', 'get', '', 'ask').kind).toBe('held');
    expect(made.list('files', 'prompt')).toEqual([]);
    holds.release('files');
    expect(made.find('files', 'call', '', 'read').kind).toBe('pinned');
  });

  it('is bounded: a server that lists without end holds itself', () => {
    const holds = new Holds();
    for (let i = 0; i < 20_000; i++) holds.hold('files', 'tool', `t${i}`);
    expect(holds.list('files').length).toBeLessThanOrEqual(10_001);
    expect(holds.has('files', 'prompt', 'ask')).toBe(true);
  });
});
