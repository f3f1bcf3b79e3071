import { describe, expect, it } from 'vitest';
import { canonical } from '../../src/lib/json/canonical.ts';
import { type Caps, parseJson } from '../../src/lib/json/scan.ts';
import type { Json } from '../../src/lib/json/types.ts';
import { corpus, fuzz, JSON_TOKENS, near, TIMEOUT } from './fuzz.ts';

const CAPS: Caps = { maxBytes: 2000, maxDepth: 12, maxString: 200, maxMembers: 100 };
const SEEDS = [
  '',
  '{"a":1,"b":[true,false,null],"c":{"d":"e"}}',
  '[1.5e-7,-0,12345678901234567890,0.1]',
  '{"a\\u0062":"\\ud83d\\ude00\\n\\\\","\u00e9":"\u4f60\u597d"}',
  `{"text":"${'lorem ipsum \\n dolor '.repeat(8)}","n":[]}`,
  '{"__proto_":1,"x":{"__proto":2}}',
  '[[[[[[[[[[[[]]]]]]]]]]]]',
];

interface Reading {
  readonly names: boolean;
  readonly depth: number;
}

/** What an unhurried reader sees in a valid text: equal names (`names`), and levels of nesting. */
function reference(text: string): Reading {
  const open: (Set<string> | undefined)[] = [];
  let repeated = false;
  let depth = 0;
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\]]|[:,]|[^\s{}[\]:,"]+/gs) ?? [];
  tokens.forEach((token, i) => {
    if (token === '{' || token === '[') depth = Math.max(depth, open.push(token === '{' ? new Set() : undefined));
    else if (token === '}' || token === ']') open.pop();
    else if (tokens[i + 1] === ':') {
      const name = JSON.parse(token) as string;
      const names = open.at(-1)!;
      repeated ||= names.has(name);
      names.add(name);
    }
  });
  return { names: repeated, depth };
}

/** What JSON.stringify would print as null is told apart. */
const show = (value: Json) =>
  JSON.stringify(value, (_, x: unknown) => (Math.abs(x as number) === Infinity ? `${x}` : x));

function check(bytes: Buffer): void {
  const parsed = parseJson(bytes, CAPS);
  let text: string | undefined;
  let read: Json | undefined;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    read = JSON.parse(text) as Json;
  } catch {}

  if (!parsed.ok) {
    expect(parsed.at).toBeGreaterThanOrEqual(0);
    expect(parsed.at).toBeLessThanOrEqual(bytes.length);
    if (parsed.why === 'utf8') expect(text).toBeUndefined();
    else if (['syntax', 'trailing', 'bom'].includes(parsed.why)) expect(read).toBeUndefined();
    else if (parsed.why === 'duplicate') expect(reference(text!).names).toBe(true);
    else if (parsed.why === 'proto') expect(text).toMatch(/_|\\u005f/i);
    return;
  }

  expect(read).not.toBeUndefined();
  const { facts, value } = parsed;
  if (facts.exact) expect(value).toEqual(read);
  expect(show(JSON.parse(JSON.stringify(value)) as Json)).toBe(show(read!));
  expect(reference(text!)).toEqual({ names: false, depth: facts.depth });
  expect(facts.ascii).toBe([...bytes].every((b) => b < 0x80));
  expect(facts.escapes).toBe(/\\[u/]/.test(text!.replaceAll(/\\[^u/]/gs, '')));
  expect(JSON.stringify(value)).not.toMatch(/\\ud[89a-f]/i);
  const again = parseJson(Buffer.from(canonical(value)), { ...CAPS, maxBytes: 100_000, maxString: 20_000 });
  expect(again.ok && canonical(again.value)).toBe(canonical(value));
}

describe('fuzzing the scanner', () => {
  it('keeps what was found', () => corpus('scanner').forEach(check));
  it('agrees with slower readers', { timeout: TIMEOUT }, () => fuzz(near(SEEDS, JSON_TOKENS), check));
});
