/** Asks the audit log which grants were used. */
import { existsSync } from 'node:fs';
import { all } from '../../audit/read.ts';
import type { Site } from '../../gateway/site.ts';
import { iso, parseDuration } from '../../lib/time.ts';
import { stateFolder } from '../../store/folder.ts';
import { count, Trouble, talk } from '../terminal.ts';
import { type UsageFinding, usage } from './usage.ts';

const DAY = 86_400_000;

/** Throws Trouble when there is no log to ask. */
export function unusedOf(site: Site, time: string): readonly UsageFinding[] {
  const ms = parseDuration(time);
  if (ms === undefined || ms === 0) throw new Trouble(`\`${time}\` is no time`, 'write --usage 30d');
  const { audit } = stateFolder(site.stateDir);
  if (!existsSync(audit)) throw new Trouble('there is no audit log to ask', 'doorward run, and use it for a while');
  const now = Date.now();
  const found = usage(site.config, all(audit), now - ms, now);
  talk(`${count(found.calls, 'call')} since ${iso(found.from)}`);
  if (found.from > now - ms + DAY)
    talk(`the log does not reach back ${time}: what it does not hold may have been used before`);
  return found.findings;
}
