import { exposed as isExposed, lacks } from '../../doors/rules.ts';
import { identifies } from '../../identity/rules.ts';
import type { Check, Finding } from './finding.ts';

/** Guarantees TR1, TR2, TR5: what others can reach has TLS, identities, and a credential that cannot just be copied. */
export const exposed: Check = ({ config: { listen, identity, unsafe } }) => {
  if (!isExposed(listen)) return [];
  const required = listen.tls?.required === true;
  const missing = lacks({
    host: listen.host,
    url: listen.url,
    tls: listen.tls !== undefined,
    identities: identifies(identity) || required,
  });
  // Every token that is accepted is bound to a key.
  const bound = !identity.keys && !identity.spiffe && identity.oauth?.require === 'bound';
  const where = listen.url ?? listen.host;
  const path = ['listen', listen.url === undefined ? 'host' : 'url'];
  const found: Finding[] = [];
  if (missing.length > 0)
    found.push({
      code: 'posture.exposed',
      severity: 'critical',
      path,
      text: `others can reach ${where}, without ${missing.join(' and ')}`,
      fix: 'set listen.tls (cert, key) and identity.keys, or listen on 127.0.0.1',
    });
  else if (!required && !bound && !identity.signatures?.required && unsafe['bearer-only'] === undefined)
    found.push({
      code: 'posture.bearer-only',
      severity: 'critical',
      path,
      text: `others can reach ${where} with a key or token alone: whoever steals one is that caller`,
      fix: 'take bound tokens alone (identity.oauth: require: bound), demand client certificates (listen.tls: clients, required), or take the risk by name: unsafe: { bearer-only: "why" }',
    });
  if (!identifies(identity) && missing.length === 0)
    found.push({
      code: 'posture.nobody',
      severity: 'high',
      path,
      text: 'nobody can sign in over HTTP: the local token is not accepted there, and a client certificate signs nobody in',
      fix: 'set identity: { keys: true } and make keys: doorward key create',
    });
  return found;
};
