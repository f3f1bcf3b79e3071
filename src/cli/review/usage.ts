/**
 * Grants beside what was really called: tools that nobody called, and grants to more callers than ever came (guarantee
 * NV3). Read from the audit log; what a log does not reach back to is not said.
 */
import type { Entry } from '../../audit/entry.ts';
import type { Config } from '../../config/schema.ts';

export interface Usage {
  /** Milliseconds since the epoch: the oldest entry that was looked at, and now. */
  readonly from: number;
  readonly until: number;
  readonly calls: number;
  readonly findings: readonly UsageFinding[];
}

export interface UsageFinding {
  readonly code: 'usage.unused' | 'usage.broad' | 'usage.ungranted';
  readonly severity: 'medium' | 'low';
  /** Path into the configuration. */
  readonly path: readonly (string | number)[];
  readonly text: string;
  readonly fix: string;
}

interface Seen {
  readonly subjects: Set<string>;
  calls: number;
}
/** Different callers of one tool that are told apart. */
const MAX_SUBJECTS = 1000;
/** A grant to a whole tenant of which one person makes use is broad. */
const FEW = 1;

/** `entries` in any order; only calls that were let through count as use. */
export function usage(config: Pick<Config, 'policy'>, entries: Iterable<Entry>, since: number, now: number): Usage {
  const seen = new Map<string, Seen>();
  let [from, calls] = [now, 0];
  for (const entry of entries) {
    const at = Date.parse(entry.at);
    if (!(at >= since)) continue;
    from = Math.min(from, at);
    const name = nameOf(entry);
    if (name === undefined) continue;
    calls++;
    let one = seen.get(name);
    if (!one) seen.set(name, (one = { subjects: new Set(), calls: 0 }));
    one.calls++;
    if (one.subjects.size < MAX_SUBJECTS) one.subjects.add(`${entry.tenant}/${entry.who?.subject ?? ''}`);
  }
  const findings: UsageFinding[] = [];
  for (const [i, { to, allow = [], ask = [] }] of config.policy.entries()) {
    for (const [word, names] of [['allow', allow] as const, ['ask', ask] as const]) {
      for (const [j, name] of names.entries()) {
        const used = seen.get(name);
        const path = ['policy', i, word, j];
        if (!used) {
          const text = `nobody called ${name} in this time`;
          findings.push({ code: 'usage.unused', severity: 'medium', path, text, fix: 'take it out of the grant' });
        } else if (isBroad(to) && used.subjects.size <= FEW) {
          const [only] = used.subjects;
          const text = `${name} is granted to many and only ${only} calls it`;
          findings.push({ code: 'usage.broad', severity: 'low', path, text, fix: 'grant it to a subject or a group' });
        }
      }
    }
  }
  return { from, until: now, calls, findings };
}

/** Whether a grant names no subject, group or agent. */
function isBroad(to: Config['policy'][number]['to']): boolean {
  return to !== 'local' && to.subject === undefined && to.group === undefined && to.agent === undefined;
}

/** `upstream.tool` of a call that was sent or answered; undefined for all else. */
function nameOf({ kind, upstream, target, outcome }: Entry): string | undefined {
  const used = kind === 'intent' || (kind === 'call' && outcome?.kind === 'reply');
  if (!used || upstream === undefined || !target || target.kind === 'route') return undefined;
  return target.kind === 'tool' ? `${upstream}.${target.name}` : `${upstream}.${target.kind}:${target.name}`;
}
