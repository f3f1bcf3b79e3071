/** Work in slices finds what work in one go finds: at each pause another text is looked at. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Slices, whole } from '../../src/core/slices.ts';
import { mayHolding, RULES, redacting, redactingJson, redactText } from '../../src/detect/secrets.ts';
import { USUAL } from '../../src/detect/source.ts';

const SECTION = 16 * 1024;
const fingerprint = (secret: string) => String(secret.length);
const OTHER = `${'token=zW8kq2LmP0xV7nB4 '.repeat(4000)}\u200b`;

/** How often it paused, and its answer. Two others go on, step by step, whenever it pauses. */
function interleaved<T>(make: () => Slices<T>, other: () => Slices<unknown>): { value: T; pauses: number } {
  const work = make();
  let others = [make(), other()];
  for (let pauses = 0; ; pauses++) {
    const step = work.next();
    if (step.done) return { value: step.value, pauses };
    others = others.filter((one) => !one.next().done);
    if (others.length === 0) others = [other()];
  }
}

const EXAMPLES = RULES.flatMap(({ example }) => example);
const FILL = ['a ', 'lorem ipsum ', '\n', '4 1 ', 'key ', 'é', '中', '[', '<', 'AKIA'];
/** Texts over the size of one go, with secrets and flood pieces anywhere. */
const long = fc
  .tuple(
    fc.constantFrom(...FILL),
    fc.array(
      fc.tuple(
        fc.integer({ min: 0, max: 90_000 }),
        fc.oneof(fc.constantFrom(...EXAMPLES), fc.string({ maxLength: 40 })),
      ),
      { maxLength: 12 },
    ),
  )
  .map(([fill, pieces]) => {
    let text = fill.repeat(Math.ceil(90_000 / fill.length));
    for (const [at, piece] of pieces) text = `${text.slice(0, at)} ${piece} ${text.slice(at)}`;
    return text;
  });
const RUNS = { numRuns: Number(process.env['DOORWARD_SLICES'] ?? 40) };

describe('redaction in slices', () => {
  const redact = (text: string) => () => redacting(text, fingerprint, undefined, USUAL);

  it('finds the same with others between', () => {
    fc.assert(
      fc.property(long, (text) => {
        const { value, pauses } = interleaved(redact(text), redact(OTHER));
        expect(pauses).toBeGreaterThan(3);
        expect(value).toEqual(redactText(text, fingerprint));
      }),
      RUNS,
    );
  });

  it('walks values and bytes the same', () => {
    fc.assert(
      fc.property(fc.array(long, { minLength: 1, maxLength: 2 }), fc.jsonValue(), (texts, rest) => {
        const value = { content: texts.map((text) => ({ type: 'text', text })), rest: rest as null };
        const json = () => redactingJson(value, fingerprint, USUAL);
        expect(interleaved(json, redact(OTHER)).value).toEqual(whole(json()));
        const bytes = Buffer.from(JSON.stringify(value));
        expect(interleaved(() => mayHolding(bytes), redact(OTHER)).value).toBe(whole(mayHolding(bytes)));
      }),
      { numRuns: Math.ceil(RUNS.numRuns / 4) },
    );
  });

  it.each([
    ['a key', 'ghp_zQ8kW2LmP0xV7nB4rT6yU1iO3pA5sD9fG2hJ'],
    ['a card', '4111 1111 1111 1111'],
  ])('takes %s out wherever an edge cuts it', (_, secret) => {
    const alone = redactText(`card ${secret} end`).found;
    expect(alone).toHaveLength(1);
    for (let before = 4 * SECTION - secret.length - 40; before <= 4 * SECTION + 40; before++) {
      const text = `${'.'.repeat(before)} card ${secret} end${'.'.repeat(SECTION)}`;
      const { found } = interleaved(redact(text), redact(OTHER)).value;
      expect(found).toMatchObject(
        alone.map(({ rule, start, end }) => ({ rule, start: start + before + 1, end: end + before + 1 })),
      );
    }
  });
});
