import { readFileSync } from 'node:fs';

/** The version of this package; the same file lies two folders up in the sources and in what is published. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
