/**
 * Long work in bounded pieces. A control that looks at a large message is a generator: at each `yield` others may go
 * first. Run whole or in slices it is the same code, so the verdict cannot depend on where it paused. Nothing that is
 * shared between calls may be in use at a `yield`.
 */
import { isRawNumber, type Json } from '../lib/json/types.ts';
import type { Message } from './call.ts';

/** Between two of its `yield`s lies about a millisecond of work at most. */
export type Slices<T> = Generator<undefined, T, undefined>;

/**
 * Undefined: the slice has time left. A promise: wait for the next one. Throws, or rejects with, the reason of the call's
 * signal once that is aborted.
 */
export type Breathe = () => Promise<void> | undefined;

/** UTF-16 code units, or bytes, up to which a message is looked at in one go. */
export const ONE_GO = 64 * 1024;

export function whole<T>(work: Slices<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

export async function sliced<T>(work: Slices<T>, breathe: Breathe): Promise<T> {
  for (;;) {
    const turn = breathe();
    if (turn !== undefined) await turn;
    const step = work.next();
    if (step.done) return step.value;
  }
}

/** Whether it is more than is looked at in one go. */
export function isLarge(message: Message): boolean {
  switch (message.kind) {
    case 'result':
      return message.bytes === undefined ? outweighs(message.value) : message.bytes.length > ONE_GO;
    case 'error':
      return message.message.length > ONE_GO || (message.data !== undefined && outweighs(message.data));
    case 'notification':
      return outweighs(message.params);
  }
}

function outweighs(value: Json): boolean {
  let left = ONE_GO;
  const take = (item: Json): boolean => {
    if (typeof item === 'string') left -= item.length;
    else if (typeof item !== 'object' || item === null || isRawNumber(item)) left -= 8;
    else if (Array.isArray(item)) return item.some(take);
    else
      for (const name in item) {
        left -= name.length;
        if (take(item[name]!)) return true;
      }
    return left < 0;
  };
  return take(value);
}
