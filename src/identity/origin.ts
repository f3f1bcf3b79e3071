/**
 * Where a request goes, as clients know it: `listen.url`, else the address that the listener has. Never what a request or
 * its socket says: behind a proxy these are another's, and a listener can have several names.
 */
export interface Place {
  /** Scheme, host and port, without the port of the scheme. */
  readonly origin: string;
  readonly scheme: 'http' | 'https';
  readonly authority: string;
}

/** Undefined until the listener knows where it is. */
export type Where = () => Place | undefined;

export function placeAt(url: string): Place {
  const { origin, protocol, host } = new URL(url);
  return { origin, scheme: protocol === 'https:' ? 'https' : 'http', authority: host };
}

/** The URL of a route: what a token for it has as its audience, and what a proof for it is about. */
export function resourceOf({ origin }: Pick<Place, 'origin'>, route: string): string {
  return `${origin}/${route}`;
}
