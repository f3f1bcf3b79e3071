import type { Caller } from '../core/call.ts';
import type { Code } from '../core/codes/index.ts';
import type { Maybe } from '../core/state.ts';

/** Who speaks, or the code of the refusal. Identity that fails is no identity, never a pass. */
export function identify(ask: () => Maybe<Caller | Code>): Maybe<Caller | Code> {
  try {
    const said = ask();
    return said instanceof Promise ? said.catch((): Code => 'identity.unavailable') : said;
  } catch {
    return 'identity.unavailable';
  }
}
