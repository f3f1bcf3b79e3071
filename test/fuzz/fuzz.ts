/**
 * Bounded fuzzing on fast-check: `FUZZ_SECONDS` for each target, about one by default. A counterexample is shrunk and
 * printed; its input then belongs into `corpus/<target>.json`, base64, where it is tried first from then on.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';

const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 1);

export function fuzz<T>(input: fc.Arbitrary<T>, property: (value: T) => void): void {
  fc.assert(
    fc.property(input, (value) => {
      property(value);
    }),
    { numRuns: 10_000_000, interruptAfterTimeLimit: SECONDS * 1000, markInterruptAsFailure: false },
  );
}

/** Vitest's limit for one target, in milliseconds. */
export const TIMEOUT = SECONDS * 2000 + 30_000;

export function corpus(target: string): Buffer[] {
  const file = join(import.meta.dirname, 'corpus', `${target}.json`);
  if (!existsSync(file)) return [];
  return (JSON.parse(readFileSync(file, 'utf8')) as string[]).map((line) => Buffer.from(line, 'base64'));
}

/** Bytes near `seeds`: pieces cut out, doubled, overwritten, and `tokens` put in. */
export function near(seeds: readonly string[], tokens: readonly string[]): fc.Arbitrary<Buffer> {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat(4),
    put: fc.oneof(
      fc.constantFrom(...tokens).map((token) => Buffer.from(token)),
      fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
    ),
    times: fc.constantFrom(1, 1, 1, 2, 40),
  });
  return fc.tuple(fc.constantFrom(...seeds), fc.array(edit, { maxLength: 6 })).map(([seed, edits]) => {
    let bytes = Buffer.from(seed);
    for (const { at, cut, put, times } of edits) {
      const start = Math.floor(at * bytes.length);
      bytes = Buffer.concat([bytes.subarray(0, start), ...Array(times).fill(put), bytes.subarray(start + cut)]);
    }
    return bytes;
  });
}

export const JSON_TOKENS = [
  '{ } [ ] , : " \\ / \\u \\ud83d \\ude00 \\u0061 \\/ \\" \\n "a" "a": "__proto__": {} [] null true false 0 - . e + 1e999 -0'.split(
    ' ',
  ),
  ['12345678901234567890', '0.1234567890123456', '9007199254740993', '\u00e9', '\ufeff', '\0', '\x1f', ' ', '\n'],
  ['x'.repeat(30)],
].flat();

export const YAML_TOKENS = [
  ...JSON_TOKENS,
  ...'\n|  |- |: |# |>-\n|&a |*a|<<: |!!js |? |---\n|...\n|%YAML 1.1\n|true|no|~|0x1|1_000|\t|\u202e|\u2028'.split('|'),
  '|\n',
];
