/** Formats that are asserted (guarantee IN1): those of ajv-formats, on strings of bounded length. */
import type { Format } from 'ajv';
import { fullFormats } from 'ajv-formats/dist/formats.js';

/** In UTF-16 code units. The expressions of ajv-formats are linear, but deep in V8's backtrack stack on long text. */
const MAX_FORMATTED = 8_192;

/** RFC 4648 section 4. ajv-formats' own has the `m` flag: one good line lets every other line pass. */
function base64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

function bounded(format: Format): Format {
  if (format === true || typeof format === 'string') return format;
  if (format instanceof RegExp) return (text: string) => text.length <= MAX_FORMATTED && format.test(text);
  if (typeof format === 'function') {
    return (text: string) => text.length <= MAX_FORMATTED && (format as (text: string) => boolean)(text);
  }
  if (format.type === 'number') return format;
  return bounded(format.validate as Format);
}

export const FORMATS: ReadonlyMap<string, Format> = new Map<string, Format>([
  ...Object.entries(fullFormats).map(([name, format]): [string, Format] => [name, bounded(format)]),
  ['byte', base64],
]);
