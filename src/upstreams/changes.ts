/**
 * The stream on which a server tells that what it offers has changed: `subscriptions/listen` of the newer revision, GET
 * of the older one. A convenience: what is missed here is seen when the listing is next taken, within a minute of use.
 */
import { isObject, type JsonObject } from '../lib/json/types.ts';
import type { Abort } from '../net/dialler.ts';

/** Milliseconds before the next try, and how long a stream must live to start anew with the shortest. */
const WAIT = 1_000;
const WAIT_MAX = 60_000;
const LIVED = 60_000;

export interface ChangesOptions {
  /** Opens the stream. `ended` is called once; `again` = another try could have more luck. */
  readonly open: (ended: (again: boolean) => void) => Abort;
  /** Nothing was heard for a while. */
  readonly onGap: () => void;
}

/** Which changes a server says it will tell of, as the filter of the newer revision. Undefined: none. */
export function announced(capabilities: JsonObject): JsonObject | undefined {
  const filter: JsonObject = {};
  for (const things of ['tools', 'prompts', 'resources']) {
    const capability = capabilities[things];
    if (isObject(capability) && capability['listChanged'] === true) filter[`${things}ListChanged`] = true;
  }
  return Object.keys(filter).length > 0 ? filter : undefined;
}

export class Changes {
  readonly #options: ChangesOptions;
  #abort: Abort | undefined;
  #timer: NodeJS.Timeout | undefined;
  #wait = WAIT;
  #over = false;

  constructor(options: ChangesOptions) {
    this.#options = options;
    this.#open();
  }

  stop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#abort?.();
  }

  #open(): void {
    const began = performance.now();
    this.#abort = this.#options.open((again) => {
      if (this.#over || !again) return;
      this.#options.onGap();
      this.#wait = performance.now() - began > LIVED ? WAIT : Math.min(WAIT_MAX, this.#wait * 2);
      this.#timer = setTimeout(() => this.#open(), this.#wait);
      this.#timer.unref();
    });
  }
}
