/** An upstream that is reached by URL. */
import type { ServerPin } from '../../inventory/lock.ts';
import { digest } from '../../lib/json/canonical.ts';
import {
  type Destination,
  type DestinationConfig,
  type DestinationFault,
  destination,
  isFault,
} from '../../net/destination.ts';
import type { Asks } from '../../wire/eras/asks.ts';

export interface HttpSpec {
  readonly name: string;
  readonly to: Destination;
  /** Digest of all that is configured of it. What is remembered of a server is remembered under this. */
  readonly config: string;
  /** What the server may ask a client for; absent = nothing. */
  readonly asks?: Asks;
}

/** `more`: what else is configured, so that a change of it makes another server of this one. */
export function httpSpec(name: string, config: DestinationConfig, more?: object): HttpSpec | DestinationFault {
  const to = destination(config);
  return isFault(to) ? to : { name, to, config: digest(JSON.parse(JSON.stringify(more ? { config, more } : config))) };
}

/** What a review pins of it: where it is, and by which keys it is known. */
export function serverPin({ to }: HttpSpec): ServerPin {
  return { url: to.url.href, pins: to.trust.pins.map((pin) => `sha256/${pin}`).sort() };
}
