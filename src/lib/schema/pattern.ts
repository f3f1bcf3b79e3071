/** `pattern` and `patternProperties` in linear time (guarantee IN8): RE2's algorithm, counted against the meter. */
import { RE2JS } from 're2js';
import { PatternRefused, toRe2 } from './ecma.ts';
import { spend } from './meter.ts';

/** Longest pattern, in UTF-16 code units. */
const MAX_PATTERN = 2_048;
/** Largest compiled program, in instructions. `^([a-z0-9]{1,63}){1,10}$` has 1,283. */
const MAX_PROGRAM = 1_500;

/** What ajv asks of a compiled pattern. */
export interface LinearPattern {
  test(text: string): boolean;
  toString(): string;
}

/** Throws PatternRefused for what has no linear-time meaning, or is too large. */
export function linearPattern(source: string): LinearPattern {
  if (source.length > MAX_PATTERN) throw new PatternRefused(`longer than ${MAX_PATTERN} characters`);
  const translated = toRe2(source);
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(translated);
  } catch {
    throw new PatternRefused('not a regular expression');
  }
  const size = compiled.programSize();
  if (size > MAX_PROGRAM) throw new PatternRefused(`too large when compiled (${size} > ${MAX_PROGRAM})`);
  return {
    test(text) {
      spend((text.length + 1) * size);
      return compiled.test(text);
    },
    // ajv keeps compiled patterns by this text: without it every pattern would be the first one.
    toString: () => `re2/${source}`,
  };
}
