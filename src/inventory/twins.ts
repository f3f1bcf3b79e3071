/** Tools that pass for others: the same words and arguments under a name that looks alike (guarantee NV1). */
import { isObject, type JsonObject } from '../lib/json/types.ts';

/** A thing that stands beside the one that is judged. */
export interface Other {
  readonly name: string;
  readonly descriptor?: JsonObject;
}
/** copy: says and takes the same under another name; namesake: has the same name and is another thing. */
export type Twin = { readonly how: 'copy' | 'namesake'; readonly name: string };

/** Marks of a newer or better kind: what is left without them is the name that is meant. */
const DRESS =
  /[_.-]?(?:v?\d{1,3}|new|next|latest|pro|plus|secure|safe|official|verified|enhanced|improved|fixed|beta)$/i;
/** Descriptions shorter than this are alike by chance. */
const LEAST = 16;

/** The first of `others` that it is a twin of. Two servers from one package list equal tools: those are none. */
export function twinOf(name: string, descriptor: JsonObject, others: Iterable<Other>): Twin | undefined {
  const mine = portrait(descriptor);
  let namesake: Twin | undefined;
  for (const { name: other, descriptor: its } of others) {
    const theirs = its && portrait(its);
    if (other === name) {
      if (theirs === undefined || theirs.words !== mine.words || theirs.takes !== mine.takes)
        namesake ??= { how: 'namesake', name: other };
    } else if (bare(other) === bare(name)) return { how: 'copy', name: other };
    else if (
      theirs !== undefined &&
      mine.words.length >= LEAST &&
      theirs.words === mine.words &&
      theirs.takes === mine.takes &&
      kin(name, other)
    )
      return { how: 'copy', name: other };
  }
  return namesake;
}

function portrait({ description, inputSchema }: JsonObject): { words: string; takes: string } {
  const properties = isObject(inputSchema) && isObject(inputSchema.properties) ? inputSchema.properties : {};
  const words = typeof description === 'string' ? description.toLowerCase().replace(/\W+/g, ' ').trim() : '';
  return { words, takes: Object.keys(properties).sort().join(' ') };
}

function bare(name: string): string {
  let left = name.slice(0, 128);
  for (let cut = left.replace(DRESS, ''); cut !== left && cut.length > 2; cut = cut.replace(DRESS, '')) left = cut;
  return left.toLowerCase().replace(/[_.-]/g, '');
}

/** Has all words of the other: `create_word_document` and `create_document`. */
function kin(a: string, b: string): boolean {
  const [few, many] = [wordsOf(a), wordsOf(b)].sort((x, y) => x.length - y.length) as [string[], string[]];
  return few.every((word) => many.includes(word));
}

function wordsOf(name: string): string[] {
  return name
    .slice(0, 128)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[_.-]+/);
}
