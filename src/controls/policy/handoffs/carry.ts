/** Taint that travels with a call to where agents meet, and back (guarantee AZ9). */
import type { Call, Handler, Taint } from '../../../core/call.ts';
import { Ended } from '../../../core/ended.ts';
import type { State } from '../../../core/state.ts';
import { type Flows, held, mark, marked, put } from '../flows.ts';
import { type Handoffs, there } from './where.ts';

/** `Snapshot.around`. What goes along is marked before anything is sent, what comes back before anything is heard. */
export function carrying(
  call: Call,
  far: Handler,
  found: Taint[],
  rules: Flows & { readonly handoffs: Handoffs },
  state: State,
): Handler | undefined {
  const ends = there(call.target, call.tenant, rules.handoffs);
  if (!ends) return undefined;
  async function away(): Promise<void> {
    if (ends!.left.length === 0) return;
    const own = await held(call, rules, state);
    await put(ends!.left, [...new Set([...own, ...found])], rules.window, state);
  }
  async function back(): Promise<void> {
    const there = await marked(ends!.back, state);
    await mark(call, there, rules, state);
    for (const taint of there) if (!found.includes(taint)) found.push(taint);
  }
  return async (dispatched, { send, signal }) => {
    await sure(away());
    const reply = await far(dispatched, {
      signal,
      async send(message) {
        await sure(back());
        return send(message);
      },
    });
    await sure(back());
    return reply;
  };
}

/** A taint that cannot be kept goes nowhere. */
async function sure(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw new Ended('stop', 'internal.policy', error instanceof Error ? `${error.name}: ${error.message}` : undefined);
  }
}
