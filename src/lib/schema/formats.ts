/** Formats that are asserted (guarantee IN1): those of ajv-formats, bounded, and our own where theirs fail. */
import type { Format } from 'ajv';
import { fullFormats } from 'ajv-formats/dist/formats.js';
import { spend } from './meter.ts';

/** In UTF-16 code units: a longer text fits no format, base64 apart. */
const MAX_FORMATTED = 4_096;

type Check = (text: string) => boolean;

/** RFC 4648 section 4. ajv-formats' own has the `m` flag: one good line lets every other line pass. */
const base64: Check = (text) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
/** An absolute URL of the web, as WHATWG parses it. ajv-formats' own takes 140 ms for 8 kB. */
const url: Check = (text) => /^(?:https?|ftp):\/\/\S+$/i.test(text) && URL.canParse(text);

/** Some expressions of ajv-formats backtrack in the square of the length, about 0.2 ns each: counted as such. */
function bounded(check: Check): Check {
  return (text) => {
    if (text.length > MAX_FORMATTED) return false;
    spend((text.length * text.length) >> 4);
    return check(text);
  };
}

function ours(format: Format): Format {
  if (typeof format === 'boolean' || typeof format === 'string') return format;
  if (format instanceof RegExp) return bounded((text) => format.test(text));
  if (typeof format === 'function') return bounded(format as Check);
  return format.type === 'number' ? format : ours(format.validate as Format);
}

export const FORMATS: ReadonlyMap<string, Format> = new Map<string, Format>([
  ...Object.entries(fullFormats).map(([name, format]): [string, Format] => [name, ours(format)]),
  ['byte', base64],
  ['url', bounded(url)],
]);
