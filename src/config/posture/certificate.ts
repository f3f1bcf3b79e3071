import type { Check, Finding } from './finding.ts';

const DAY = 86_400_000;

/** Guarantee TR4: a certificate that ends soon is told in time; a key that others can read is none. */
export const certificate: Check = ({ certificate: facts, now }) => {
  if (!facts) return [];
  const { fault, until, lists, keyMode = 0 } = facts;
  const found: Finding[] = [];
  const at = (file: string) => ['listen', 'tls', file];
  if (fault)
    found.push({
      code: 'posture.certificate',
      severity: 'critical',
      path: at(fault.file),
      text: fault.text,
      fix: fault.fix,
    });
  const days = Math.floor(((until ?? Infinity) - now) / DAY);
  if (days < 30)
    found.push({
      code: 'posture.certificate-ends',
      severity: days < 7 ? 'high' : 'note',
      path: at('cert'),
      text: `the certificate ends in ${days === 1 ? '1 day' : `${days} days`}`,
      fix: 'renew it: the new files are taken without a restart',
    });
  if (lists && now >= lists.until)
    found.push({
      code: 'posture.crl-ended',
      severity: lists.refuse ? 'high' : 'medium',
      path: at('crl'),
      text: `a list of revoked certificates is over: ${lists.refuse ? 'client certificates of its issuer are refused' : 'what was revoked since is not known'}`,
      fix: 'fetch the newest list: it is taken without a restart',
    });
  if ((keyMode & 0o077) !== 0)
    found.push({
      code: 'posture.certificate-key',
      severity: (keyMode & 0o007) !== 0 ? 'high' : 'medium',
      path: at('key'),
      text: `others of this machine can use the private key (mode ${keyMode.toString(8).padStart(3, '0')})`,
      fix: 'chmod 600, and get a new certificate with a new key if others could read it',
    });
  return found;
};
