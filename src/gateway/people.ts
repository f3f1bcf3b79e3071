/** What people have to do with calls: the desk where they decide, the console, and the notice that somebody is needed. */
import { ConfigError } from '../config/fault.ts';
import type { Asks } from '../core/asks.ts';
import type { Log, Snapshot } from '../core/ports.ts';
import { RulesFault } from '../core/rules.ts';
import type { Clock, Random, State } from '../core/state.ts';
import type { KeyRing } from '../lib/seal.ts';
import { systemResolve } from '../net/connect.ts';
import type { Places } from '../secrets/references.ts';
import { asking } from './asking.ts';
import { type Console, type Desk, type OpenConsole, openDesk, pageOf } from './desk.ts';
import { type NoticeSpec, noticeSpec, openNotices } from './notice.ts';
import type { Site } from './site.ts';

export interface PeopleOptions {
  readonly site: Site;
  readonly state: State;
  readonly log: Log;
  readonly snapshot: () => Snapshot;
  readonly clock: Clock;
  readonly random: Random;
  readonly ring: KeyRing;
  readonly places: Places;
  readonly open: OpenConsole | undefined;
}

export interface People {
  readonly desk: Desk;
  readonly asking: Asks;
  /** The log, with an eye on calls that begin to wait. */
  readonly log: Log;
  readonly console: Console | undefined;
  close(): Promise<void>;
}

/** Rejects with ConfigError, or when the port of the console cannot be had. */
export async function openPeople(options: PeopleOptions): Promise<People> {
  const { site, state, snapshot, clock, random, ring } = options;
  const { console: wanted, approval } = site.config;
  let opened: Console | undefined;
  const page = (id: string) => opened && pageOf(opened.url, id);
  const spec = approval.notice && specOf(site, approval.notice, options.places);
  const notices =
    spec &&
    openNotices({
      spec,
      resolve: systemResolve,
      clock,
      log: options.log,
      find: (id) => desk.find(id),
      page,
      after(ms, run) {
        const timer = setTimeout(run, ms).unref();
        return () => clearTimeout(timer);
      },
    });
  const log = notices ? notices.watch(options.log) : options.log;
  const desk = openDesk(state, log, snapshot);
  if (wanted) {
    try {
      opened = await options.open?.({ port: wanted.port, desk, log, clock, random });
    } catch (error) {
      await notices?.close();
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      throw new ConfigError([
        site.source.fault(['console', 'port'], `port ${wanted.port} is taken`, 'name another, or 0 for a free one'),
      ]);
    }
  }
  return {
    desk,
    asking: asking({ ring, random, page }),
    log,
    console: opened,
    async close() {
      await Promise.all([opened?.close(), notices?.close()]);
    },
  };
}

function specOf(site: Site, config: Parameters<typeof noticeSpec>[0], places: Places): NoticeSpec {
  try {
    return noticeSpec(config, site.dir, places);
  } catch (error) {
    if (error instanceof RulesFault) throw new ConfigError([site.source.fault(error.path, error.message, error.fix)]);
    throw error;
  }
}
