/** How a request says where it goes. The door has let no Host pass that is not one of its own. */
import type { Evidence } from '../core/gate.ts';

export interface Origin {
  readonly scheme: 'http' | 'https';
  /** In lower case, without the port of the scheme. */
  readonly authority: string;
}

export function originOf({ peer, header }: Evidence): Origin {
  const scheme = peer.tls ? 'https' : 'http';
  const host = (header('host') ?? '').toLowerCase();
  const usual = scheme === 'https' ? ':443' : ':80';
  return { scheme, authority: host.endsWith(usual) ? host.slice(0, -usual.length) : host };
}

/** The URL of the route that a request is for: what a token for it has as its audience. */
export function resourceOf(evidence: Evidence): string {
  const { scheme, authority } = originOf(evidence);
  return `${scheme}://${authority}/${evidence.request?.route ?? ''}`;
}
