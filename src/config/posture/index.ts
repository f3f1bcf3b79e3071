/** Checks across rooms: one table, shown by `check`, `doctor` and every start. */
import { certificate } from './certificate.ts';
import { ended } from './ended.ts';
import { exposed } from './exposed.ts';
import { type Check, type Finding, type Posture, SEVERITIES } from './finding.ts';
import { oauth } from './oauth.ts';
import { root } from './root.ts';
import { unreviewed } from './unreviewed.ts';
import { unsafe } from './unsafe.ts';
import { unused } from './unused.ts';

const CHECKS: readonly Check[] = [root, exposed, certificate, oauth, unsafe, unreviewed, unused, ended];

/** All findings, the gravest first. */
export function judgePosture(posture: Posture): Finding[] {
  const findings = CHECKS.flatMap((check) => check(posture));
  return findings.sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}
