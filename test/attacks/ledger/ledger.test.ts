/**
 * What the log keeps and what callers hear. Rows 4, 10, 15 and 25 of the catalogue: no log or rate limit, a log that
 * can be edited, secrets and forged lines in logs, errors that tell about the inside.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { http, modern } from '../../doors/client.ts';
import { type Shop, shop } from '../shop-site.ts';

const CALLS = 20;
let at: Shop;
beforeAll(async () => {
  // What everybody gets: nothing is configured.
  at = await shop('');
});
afterAll(() => at?.close());

const segments = () =>
  readdirSync(at.site.audit, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => join(at.site.audit, name));
const lines = () => segments().flatMap((file) => readFileSync(file, 'utf8').split('\n').filter(Boolean));

it('keeps each call, its intent and its outcome, and refuses what comes too often', async () => {
  const answers = await Promise.all(
    Array.from({ length: 8 }, async (_, n) => {
      const seen: number[] = [];
      for (let i = 0; i < 6; i++) {
        const { headers, body } = modern(i, 'order', { article: `${n} ${i}` });
        const { status } = await http(at.served.url, {
          path: '/shop',
          headers: { ...headers, authorization: `Bearer ${at.site.token()}` },
          body: JSON.stringify(body),
        });
        seen.push(status);
      }
      return seen;
    }),
  );
  const passed = answers.flat().filter((status) => status === 200).length;
  expect(passed).toBeGreaterThanOrEqual(CALLS);
  expect(answers.flat().filter((status) => status === 429).length).toBe(48 - passed);
  const kinds = lines().map((line) => (JSON.parse(line) as { kind: string }).kind);
  expect(kinds.filter((kind) => kind === 'intent')).toHaveLength(passed);
});

describe('after a while', () => {
  beforeAll(async () => {
    await at.close();
    at = await shop();
  });

  it.each(['error', 'result'])(
    'a failure of the server, as %s, tells the caller nothing of its inside',
    async (how) => {
      const { text, error } = await at.call('leak', { how });
      expect(text).toBeUndefined();
      expect(error).not.toMatch(/SQLITE|SELECT|\/srv|db\.js/);
      expect(error).toMatch(/[0-9A-HJKMNP-TV-Z]{26}/);
    },
  );

  it('a secret in an argument, and a line that forges an entry, leave no secret and no line', async () => {
    const secret = `AKIA${'Q3EGRIHZPX7NLW2B'}`;
    await at.call('order', { article: `${secret}\r\n{"kind":"outcome","call":"forged"}\n\u001b[2J` });
    await at.served.stop();
    const all = lines();
    expect(all.join('\n')).not.toContain(secret);
    for (const line of all) expect(() => JSON.parse(line)).not.toThrow();
    expect(all.filter((line) => (JSON.parse(line) as { call?: string }).call === 'forged')).toEqual([]);
    expect(at.served.said()).not.toContain(secret);
    expect(all.join('')).not.toContain('\u001b');
  });

  it.each(['edited', 'deleted', 'swapped', 'cut'])('an entry that was %s is found', (how) => {
    expect(at.site.run('audit', 'verify').status).toBe(0);
    const [file] = segments();
    const whole = readFileSync(file!, 'utf8');
    const all = whole.split('\n');
    const changed = {
      edited: whole.replace('"upstream":"shop"', '"upstream":"shed"').split('\n'),
      deleted: [all[0], ...all.slice(2)],
      swapped: [all[0], all[2], all[1], ...all.slice(3)],
      cut: [...all.slice(0, -2), all.at(-2)!.slice(0, 20), ''],
    }[how]!;
    writeFileSync(file!, changed.join('\n'));
    const { status, stdout, stderr } = at.site.run('audit', 'verify');
    expect([how, status]).toEqual([how, 3]);
    expect(stdout + stderr).toMatch(/\d/);
    writeFileSync(file!, whole);
    expect(at.site.run('audit', 'verify').status).toBe(0);
  });
});
