/** Where it is worth looking: a fast pass over bytes for words that injections need, and for texts that are encoded. */
import { isAscii } from 'node:buffer';
import { Keywords } from '../probe.ts';

/** Parts of words; an injection that holds none of them is not found. */
const NEEDED = [
  'instruct',
  'directive',
  'prompt',
  'ignor',
  'disregard',
  'forget',
  'overrid',
  'bypass',
  'vergiss',
  'olvida',
  'task',
  'following',
  'important',
  'urgent',
  'attention',
  'system',
  'admin',
  'developer',
  'assistant',
  'security',
  'tell ',
  'mention',
  'inform',
  'notify',
  'reveal',
  'disclos',
  'secretly',
  'covert',
  'discreet',
  'unnoticed',
  'passwd',
  'id_rsa',
  '.ssh',
  '.aws',
  'credential',
  'exfil',
  'suspend',
  'disable',
  'precedence',
  'supersede',
  'todo',
  'longer',
  'im_start',
  'endoftext',
  '[inst',
  'jailbreak',
  'unrestricted',
  'conversation',
  'recipient',

  'redirect',
  'you must',
  'must call',
  'must use',
  'you are now',
  'strictly',
  'otherwise',
  'trigger',
  'orders',
  'bcc',

  // The same thirteen letters on.
  'vafgehpg',
  'cerivbhf',
  'flfgrz',
];
const words = new Keywords(NEEDED);

const BLOB = new Uint8Array(256);
for (const c of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/') BLOB[c.charCodeAt(0)] = 1;
const RUN = 24;
const SPACE = 0x20;
const MARKS = ['&#', '\\u', '\\x', '%6', '%7', '%2', '%e'];

/** False: nothing in this JSON text, or text, is worth a look. About 600 MB/s on clean text. */
export function mayInstruct(bytes: Uint8Array): boolean {
  if (words.each(bytes, bytes.length, yes)) return true;
  return !isAscii(bytes) || encoded(bytes);
}
const yes = () => true;

/** Blobs, pairs of hex digits and letters set apart show by what stands at every so many bytes. */
function encoded(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (MARKS.some((mark) => buffer.includes(mark, 0, 'latin1'))) return true;
  const last = bytes.length - RUN;
  for (let i = 0; i < last; i += RUN) {
    if (BLOB[bytes[i]!] === 1) {
      let from = i;
      while (from > 0 && i - from < RUN && BLOB[bytes[from - 1]!] === 1) from--;
      let to = i + 1;
      while (to - from < RUN && BLOB[bytes[to]!] === 1) to++;
      if (to - from >= RUN) return true;
    }
    let space = i;
    while (space < i + 3 && bytes[space] !== SPACE) space++;
    if (space === i + 3) continue;
    if (bytes[space + 3] === SPACE && bytes[space + 6] === SPACE && bytes[space + 9] === SPACE) return true;
    if (bytes[space + 2] === SPACE && bytes[space + 4] === SPACE && bytes[space + 6] === SPACE) return true;
  }
  return false;
}

/** Blocks of a long text, and how far each reaches into the next, in UTF-16 code units. */
const BLOCK = 2_048;
const LAP = 512;

/** The blocks of a long text with the most different words that injections need, in order, `most` code units in all. */
export function suspects(text: string, most: number): string {
  const bytes = Buffer.from(text, 'latin1');
  const kinds = new Uint8Array(Math.ceil(text.length / BLOCK));
  const seen = new Int32Array(NEEDED.length).fill(-1);
  words.each(bytes, bytes.length, (keyword, start) => {
    const block = Math.floor(start / BLOCK);
    if (seen[keyword] !== block) {
      seen[keyword] = block;
      kinds[block] = Math.min(255, kinds[block]! + 2);
    }
    return false;
  });
  // What is encoded shows no words; one such block is worth as much as one word.
  for (let block = 0; block < kinds.length; block++) {
    if (kinds[block] === 0 && encoded(bytes.subarray(block * BLOCK, (block + 1) * BLOCK))) kinds[block] = 1;
  }
  const ranked = Array.from(kinds.keys()).filter((block) => kinds[block]! > 0);
  ranked.sort((a, b) => kinds[b]! - kinds[a]! || a - b);
  const taken = ranked.slice(0, Math.max(1, Math.floor(most / (BLOCK + LAP)))).sort((a, b) => a - b);
  return taken.map((block) => text.slice(block * BLOCK, (block + 1) * BLOCK + LAP)).join('\n');
}
