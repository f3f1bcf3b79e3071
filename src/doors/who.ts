import type { Identified } from '../core/gate.ts';
import type { Maybe } from '../core/state.ts';

/** Who speaks, or why nobody does. Identity that fails is no identity, never a pass. */
export function identify(ask: () => Maybe<Identified>): Maybe<Identified> {
  try {
    const said = ask();
    return said instanceof Promise ? said.catch((): Identified => 'identity.unavailable') : said;
  } catch {
    return 'identity.unavailable';
  }
}
