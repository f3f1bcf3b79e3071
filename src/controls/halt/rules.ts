/** The kill switch has no configuration: what is halted lies in the state, where `doorward halt` puts it. */
import type { Code } from '../../core/codes/index.ts';
import type { State } from '../../core/state.ts';
import type { Json } from '../../lib/json/types.ts';

export type Rules = undefined;

/** What a person has stopped. `tools` as `upstream.tool`; `callers` by subject, of whatever tenant. */
export interface Halted {
  readonly all: boolean;
  readonly upstreams: readonly string[];
  readonly tools: readonly string[];
  readonly callers: readonly string[];
}

const SPACE = 'halt';
const KEY = 'now';

/** From the next call on. */
export function setHalted(state: State, halted: Halted): void {
  void state.put(SPACE, KEY, halted as unknown as Json, Number.POSITIVE_INFINITY);
}

/** A promise only where the state is elsewhere. */
export function halted(state: State): ReturnType<State['get']> {
  return state.get(SPACE, KEY);
}

/** Why these names are stopped; the widest reason first. */
export function reason(
  { all, upstreams, tools, callers }: Halted,
  call: { readonly route: string; readonly upstream: string; readonly tool?: string; readonly subject: string },
): Code | undefined {
  if (all) return 'halt.all';
  if (callers.includes(call.subject)) return 'halt.caller';
  // A bundle is halted by the name of its path, a server by its own, whichever path leads to it.
  if (upstreams.includes(call.upstream) || upstreams.includes(call.route)) return 'halt.upstream';
  if (call.tool !== undefined && tools.includes(`${call.upstream}.${call.tool}`)) return 'halt.tool';
  return undefined;
}
