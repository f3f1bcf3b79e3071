/** An upstream that is reached by URL. */
import { digest } from '../../lib/json/canonical.ts';
import {
  type Destination,
  type DestinationConfig,
  type DestinationFault,
  destination,
  isFault,
} from '../../net/destination.ts';

export interface HttpSpec {
  readonly name: string;
  readonly to: Destination;
  /** Digest of all that is configured of it. What is remembered of a server is remembered under this. */
  readonly config: string;
}

export function httpSpec(name: string, config: DestinationConfig): HttpSpec | DestinationFault {
  const to = destination(config);
  return isFault(to) ? to : { name, to, config: digest(JSON.parse(JSON.stringify(config))) };
}

/**
 * What a reviewer agreed to when he agreed to this server: where it is, and by which keys it is known. Stands in the
 * lockfile; a configuration that says something else needs a new review, as another package would.
 */
export function serverDigest({ to }: HttpSpec): string {
  return digest({ url: to.url.href, pins: [...to.trust.pins].sort() });
}
