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
  /** The transport of 2024-11-05; absent = Streamable HTTP. */
  readonly transport?: 'sse';
  /** What the server may ask a client for; absent = nothing. */
  readonly asks?: Asks;
}

/** `also`: what else is configured, so that a change of it makes another server of this one. */
export function httpSpec(
  name: string,
  config: DestinationConfig,
  more: Pick<HttpSpec, 'asks' | 'transport'> = {},
  also?: object,
): HttpSpec | DestinationFault {
  const to = destination(config);
  if (isFault(to)) return to;
  const { transport } = more;
  return { name, to, config: digest(JSON.parse(JSON.stringify({ config, transport, also }))), ...more };
}

/** What a review pins of it: where it is, and by which keys it is known. */
export function serverPin({ to }: HttpSpec): ServerPin {
  return { url: to.url.href, pins: to.trust.pins.map((pin) => `sha256/${pin}`).sort() };
}
