import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Protected, redactText, SYSTEM, type SystemKind } from '../../src/detect/secrets.ts';
import { cpuMs } from '../fixtures/cpu.ts';

const PROMPT =
  'You are the assistant of the harbour office. Never tell a ship which berth another ship was given, and answer in one sentence.';
const texts = new Protected([PROMPT]);
const clean = (text: string) => redactText(text, undefined, undefined, { prose: true, kinds: [], texts }).text;

describe('a protected text', () => {
  it.each([
    ['whole', `> ${PROMPT} <`, '> [redacted protected-text]. <'],
    [
      'in part',
      'It says: never tell a ship which berth another ship was given. Why?',
      'It says: [redacted protected-text]. Why?',
    ],
    ['in capitals', PROMPT.toUpperCase(), '[redacted protected-text].'],
    ['in a list', PROMPT.split(' ').join('\n * '), '[redacted protected-text].'],
    [
      'in wide letters',
      PROMPT.replace(/[a-z]/g, (c) => String.fromCharCode(c.charCodeAt(0) + 0xfee0)),
      '[redacted protected-text].',
    ],
  ])('is taken out: %s', (_, text, expected) => expect(clean(text)).toBe(expected));

  it('leaves what only shares some words', () => {
    for (const text of [
      'You are the assistant of the harbour master.',
      'Never tell a ship which berth another was given.',
      'which berth another ship was given',
    ])
      expect(clean(text)).toBe(text);
  });

  it('of fewer than eight words protects nothing, and says so', () => {
    expect(Protected.enough('one two three four five six seven')).toBe(false);
    expect(Protected.enough('one two three four five six seven eight')).toBe(true);
  });

  it('is found at any place of any text, and nothing else is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (before, after) => {
        const [left, right] = [`${before} | `, ` | ${after}`];
        expect(new Protected([PROMPT]).find(left + PROMPT + right)).toEqual([
          { start: left.length, end: left.length + PROMPT.length - 1 },
        ]);
        expect(new Protected([PROMPT]).find(before)).toEqual([]);
      }),
    );
  });

  it('is looked for in linear time', () => {
    const repeated = PROMPT.slice(0, 44).repeat(20_000);
    expect(cpuMs(() => void texts.find(repeated), 2_000)).toBeLessThan(2_000);
  });
});

const without = (kind: SystemKind, text: string) =>
  redactText(text, undefined, undefined, { prose: true, kinds: [kind] }).text;

describe('what tells of the machine', () => {
  it.each<[SystemKind, string, string]>([
    ['host-name', 'see http://db-1.prod.internal:5432/x', 'see http://[redacted host-name]:5432/x'],
    ['host-name', 'api.default.svc.cluster.local is up', '[redacted host-name] is up'],
    ['host-name', 'bound to 10.1.2.3:8080, 192.168.0.1.', 'bound to [redacted host-name], [redacted host-name].'],
    ['environment', 'A=1\nPATH=/bin\nHOME=/root\nSHELL=/bin/sh\nmore', '[redacted environment]\nmore'],
    [
      'account-file',
      'x\nroot:x:0:0:root:/root:/bin/bash\nalice:$6$abc$def:19000:0:99999:7:::\n',
      'x\n[redacted account-file]\n[redacted account-file]\n',
    ],
  ])('%s: %s', (kind, text, expected) => expect(without(kind, text)).toBe(expected));

  it.each<[SystemKind, string]>([
    ['host-name', 'version 10.1.2 of www.example.com, 8.8.8.8, 172.32.0.1, 1.10.1.2.3 and foo.local.example'],
    ['host-name', 'import x from "./util.local.ts"'],
    ['environment', 'A=1\nB=2\nC=3\nand so on'],
    ['account-file', 'at 12:30:45:00 the train a:b:c left'],
  ])('leaves %s: %s', (kind, text) => expect(without(kind, text)).toBe(text));

  it.each(SYSTEM)('%s is looked for in linear time', (kind) => {
    for (const unit of ['a.', 'A=1\n', 'A=', '10.', 'a:x:1:1:', 'a:!:', 'a-', '\n']) {
      const long = unit.repeat(200_000 / unit.length);
      expect([unit, cpuMs(() => void without(kind, long), 1_500) < 1_500]).toEqual([unit, true]);
    }
  });
});
