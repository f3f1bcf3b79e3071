/**
 * Which arguments of a tool are paths, guessed from their names for a review (guarantee IN5). Like every guess it lies
 * in the lockfile for a person to correct; a wrong one refuses too much, never too little.
 */
import type { Exceptions } from '../core/call.ts';
import { isObject, type JsonObject } from '../lib/json/types.ts';
import { pointer } from '../lib/schema/index.ts';

const PATH_NAME = /(?:^|_)(?:path|file|filename|dir|directory|folder|source|destination|src|dest|root)s?(?:_|$)/;
const MAX_GUESSED = 32;

type Guess = NonNullable<Exceptions['paths']>[number];

/** Top-level strings, and lists of strings, whose name says path. `root` is the folder inside the sandbox. */
export function guessPaths(tool: JsonObject, root: string): Guess[] {
  const { inputSchema } = tool;
  if (!isObject(inputSchema) || !isObject(inputSchema.properties)) return [];
  const guessed: Guess[] = [];
  for (const [name, schema] of Object.entries(inputSchema.properties)) {
    const plain = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
    if (!PATH_NAME.test(plain) || !isObject(schema)) continue;
    if (schema.type === 'string') guessed.push({ pointer: pointer([name]), root });
    else if (schema.type === 'array' && isObject(schema.items) && schema.items.type === 'string')
      guessed.push({ pointer: `${pointer([name])}/*`, root });
  }
  return guessed.slice(0, MAX_GUESSED);
}
