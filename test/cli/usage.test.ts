import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/audit/entry.ts';
import { usage } from '../../src/cli/review/usage.ts';
import type { Config } from '../../src/config/schema.ts';

const DAY = 86_400_000;
const NOW = Date.parse('2026-11-20T12:00:00Z');
const entry = (days: number, upstream: string, name: string, subject = 'alice', more: object = {}): Entry =>
  ({
    kind: 'intent',
    at: new Date(NOW - days * DAY).toISOString(),
    tenant: 'acme',
    who: { subject },
    upstream,
    target: { kind: 'tool', name },
    ...more,
  }) as unknown as Entry;
const policy = [
  { to: { tenant: 'acme' }, allow: ['files.read', 'files.write'], ask: ['mail.send'] },
  { to: { subject: 'bob' }, allow: ['files.read', 'notes.prompt:weekly'], ask: [] },
] as unknown as Config['policy'];
const said = (entries: Entry[]) =>
  usage({ policy }, entries, NOW - 30 * DAY, NOW).findings.map(({ code, path }) => `${code} ${path.join('.')}`);

describe('grants beside what was called', () => {
  it('names what nobody called, and what one of many called', () => {
    expect(
      said([
        entry(1, 'files', 'read'),
        entry(2, 'files', 'read'),
        entry(1, 'mail', 'send'),
        entry(1, 'mail', 'send', 'bob'),
      ]),
    ).toEqual(['usage.broad policy.0.allow.0', 'usage.unused policy.0.allow.1', 'usage.unused policy.1.allow.1']);
  });

  it('counts what lies in the time, and calls that were let through', () => {
    const old = entry(31, 'files', 'write');
    const outcome = entry(1, 'files', 'write', 'alice', { kind: 'outcome' });
    const attempt = entry(1, 'files', 'write', 'alice', { kind: 'attempt', target: undefined });
    expect(said([old, outcome, attempt])).toContain('usage.unused policy.0.allow.1');
  });

  it('tells prompts from tools', () => {
    const prompt = entry(1, 'notes', 'weekly', 'bob', { target: { kind: 'prompt', name: 'weekly' } });
    expect(said([prompt])).not.toContain('usage.unused policy.1.allow.1');
    expect(said([entry(1, 'notes', 'weekly', 'bob')])).toContain('usage.unused policy.1.allow.1');
  });
});
