/** The kill switch: an upstream, a tool, a caller or everything, at once and until it is resumed. */
import { userInfo } from 'node:os';
import type { AdminRequest } from '../../gateway/admin.ts';
import { haltsAlone } from '../../gateway/alone.ts';
import { type Halt, HaltFault, type Halts, type Target } from '../../gateway/halts.ts';
import { readSite, type Site } from '../../gateway/site.ts';
import { pins } from '../../inventory/lock.ts';
import { closest } from '../../lib/text.ts';
import { iso } from '../../lib/time.ts';
import { byOwner } from '../owner.ts';
import { data, EXIT, json, shown, Trouble, table, talk } from '../terminal.ts';
import type { Verb } from '../verb.ts';

interface Options {
  readonly config: string;
  readonly reason?: string;
  readonly resume?: boolean;
  readonly json?: boolean;
}
interface Told {
  readonly changed?: boolean;
  readonly halts: readonly Halt[];
}

export const halt: Verb = {
  examples: [
    'doorward halt files --reason "odd deletes"',
    'doorward halt files.write_file',
    'doorward halt caller:alice',
    'doorward halt all --resume',
  ],
  build(command, done) {
    command
      .argument('[what]', 'upstream, upstream.tool, caller:SUBJECT or all; without it, what is halted is shown')
      .option('--reason <text>', 'why, for the log and for whoever resumes')
      .option('--resume', 'let it go on')
      .option('--json', 'machine-readable output')
      .action(async (what: string | undefined, _own, cmd) => {
        const options = cmd.optsWithGlobals() as Options;
        const site = readSite(options.config);
        if (what === undefined) {
          if (options.resume || options.reason !== undefined)
            throw new Trouble(
              `name what ${options.resume ? 'goes on' : 'is halted'}`,
              options.resume ? '`doorward halt` shows what is halted' : 'doorward halt files --reason "..."',
            );
          print(await list(site), options);
          return done(EXIT.yes);
        }
        const target = parse(what, site, options.resume === true);
        const { changed, halts } = await change(site, target, options);
        if (options.json) print(halts, options);
        else if (options.resume) data(`${shown(what)} ${changed ? 'goes on' : 'was not halted'}`);
        else data(`${shown(what)} ${changed ? 'is halted' : 'was halted already'}`);
        done(changed || !options.resume ? EXIT.yes : EXIT.no);
      });
  },
};

async function list(site: Site): Promise<readonly Halt[]> {
  return (await anyway(site, { do: 'halts' }, (halts) => ({ halts: halts.list() }))).halts;
}

function change(site: Site, target: Target, { resume, reason }: Options): Promise<Told> {
  const user = userInfo().username;
  const wish = resume
    ? ({ do: 'resume', ...target } as const)
    : ({ do: 'halt', ...target, ...(reason !== undefined && { reason }) } as const);
  return anyway(site, wish, (halts) => ({
    changed: resume ? halts.resume(target, user) : halts.halt(target, user, reason),
    halts: halts.list(),
  }));
}

async function anyway(site: Site, request: AdminRequest, work: (halts: Halts) => Told): Promise<Told> {
  try {
    const said = await byOwner(site, request, (dir, at) => haltsAlone(dir, at, work));
    if ('fault' in said) throw new Trouble('the running gateway refuses this', 'a reason has at most 500 characters');
    return said as Told;
  } catch (error) {
    throw error instanceof HaltFault ? new Trouble(error.message) : error;
  }
}

/** A name that nothing has would stop nothing without a word; one that is halted may always be resumed. */
function parse(what: string, site: Site, resume: boolean): Target {
  if (what === 'all') return { kind: 'all', name: '' };
  if (what.startsWith('caller:')) {
    const name = what.slice('caller:'.length);
    if (name === '') throw new Trouble('name a subject', 'doorward halt caller:alice');
    return { kind: 'caller', name };
  }
  const tools = pins(site.lock).flatMap(({ kind, upstream, name }) => (kind === 'tool' ? [`${upstream}.${name}`] : []));
  const upstreams = [...Object.keys(site.config.upstreams), ...Object.keys(site.config.bundles)];
  const kind = what.includes('.') ? 'tool' : 'upstream';
  const names = kind === 'tool' ? tools : upstreams;
  if (resume || names.includes(what)) return { kind, name: what };
  const near = closest(what, names);
  throw new Trouble(
    `there is no ${kind} \`${shown(what)}\``,
    near ? `did you mean \`${near}\`?` : `one of: ${shown(upstreams.join(', '), 400)}, all`,
  );
}

function print(halts: readonly Halt[], options: Options): void {
  if (options.json) return json({ halts });
  if (halts.length === 0) return talk('nothing is halted');
  data(
    table(
      ['KIND', 'NAME', 'SINCE', 'BY', 'REASON'],
      halts.map(({ kind, name, at, by, reason }) => [
        kind,
        shown(name, 200) || '-',
        iso(at),
        shown(by, 60),
        shown(reason ?? '-', 300),
      ]),
    ),
  );
}
