import type { Check, Finding } from './finding.ts';

/** Guarantees ID2, TR6: clients find the issuer by a 401, and only what an issuer made for access is an access token. */
export const oauth: Check = ({ config: { listen, identity, unsafe } }) => {
  if (!identity.oauth) return [];
  const found: Finding[] = [];
  if (listen.unauthenticated === 'misdirected')
    found.push({
      code: 'posture.misdirected',
      severity: 'critical',
      path: ['listen', 'unauthenticated'],
      text: 'clients find where to sign in by the 401 that `misdirected` replaces: to them a 421 is a broken server',
      fix: 'remove listen.unauthenticated, or identity.oauth',
    });
  identity.oauth.issuers.forEach(({ type }, i) => {
    if (type === 'at+jwt' || unsafe['untyped-tokens'] !== undefined) return;
    found.push({
      code: 'posture.untyped-tokens',
      severity: 'critical',
      path: ['identity', 'oauth', 'issuers', i, 'type'],
      text: 'any JWT of this issuer with the right audience would count as an access token',
      fix: 'have the issuer write the type at+jwt (RFC 9068), or take the risk by name: unsafe: { untyped-tokens: "why" }',
    });
  });
  return found;
};
