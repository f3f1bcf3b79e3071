/** The other end of the owner's desk: one question to the process that owns the state folder, one answer. */

import { parseJson, REPLY_CAPS } from '../lib/json/scan.ts';
import type { JsonObject } from '../lib/json/types.ts';
import { isObject } from '../lib/json/types.ts';
import { Gather } from './gather.ts';
import type { Hello } from './hello.ts';
import { BridgeRefused, reach } from './join.ts';
import { type After, after as realAfter } from './timers.ts';

/** Milliseconds that an owner may take. */
const WITHIN = 10_000;

/** Undefined when nobody owns the folder. Rejects with BridgeRefused, or when the owner does not answer. */
export async function askOwner(
  dir: string,
  hello: Omit<Hello, 'want' | 'upstream'>,
  question: JsonObject,
  after: After = realAfter,
): Promise<JsonObject | undefined> {
  const far = await reach(dir, { ...hello, want: 'admin', upstream: '' }, after);
  if (far === 'nobody') return undefined;
  if (typeof far === 'string') throw new BridgeRefused(far);
  const held = new Gather(REPLY_CAPS.maxBytes);
  try {
    await new Promise<void>((resolve, reject) => {
      const stop = after(WITHIN, () => reject(new Error('the gateway that owns this state folder does not answer')));
      far
        .on('data', (chunk: Buffer) => void held.add(chunk))
        .on('close', () => {
          stop();
          resolve();
        })
        .on('error', () => {})
        .resume();
      far.write(`${JSON.stringify(question)}\n`);
    });
  } finally {
    far.destroy();
  }
  const parsed = parseJson(held.take(), REPLY_CAPS);
  if (!parsed.ok || !isObject(parsed.value)) throw new Error('the gateway that owns this state folder gave no answer');
  return parsed.value;
}
