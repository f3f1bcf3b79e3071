/** What was kept from models for a person to look at: shown inert, let pass once, or thrown away. */
import type { Command } from 'commander';
import { CODES } from '../../core/codes/index.ts';
import type { AdminRequest } from '../../gateway/admin.ts';
import { readSite } from '../../gateway/site.ts';
import type { JsonObject } from '../../lib/json/types.ts';
import { jsonText } from '../../lib/text.ts';
import { iso } from '../../lib/time.ts';
import type { Kept } from '../../store/quarantine.ts';
import { ownerSays } from '../owner.ts';
import { ask, data, EXIT, json, shown, Trouble, table, talk } from '../terminal.ts';
import { refuseRest, type Verb } from '../verb.ts';

interface Options {
  readonly config: string;
  readonly json?: boolean;
  readonly yes?: boolean;
}
type Listed = Omit<Kept, 'message'>;
/** Longer messages are shown by `--json`. */
const MAX_SHOWN = 64 * 1024;

export const quarantine: Verb = {
  examples: [
    'doorward quarantine',
    'doorward quarantine show 001764244800000-8f3a2b1c0d4e5f60',
    'doorward quarantine release 001764244800000-8f3a2b1c0d4e5f60',
    'doorward quarantine discard 001764244800000-8f3a2b1c0d4e5f60',
  ],
  build(command, done) {
    const verb = (name: string, summary: string) =>
      command
        .command(name)
        .description(summary)
        .argument('<id>', 'as `doorward quarantine` lists it')
        .option('--json', 'machine-readable output');
    command
      .command('list', { isDefault: true })
      .description('what is kept, the oldest first')
      .option('--json', 'machine-readable output')
      .allowExcessArguments()
      .action(async (_own, cmd: Command) => {
        refuseRest(cmd, /^\d{15}-[0-9a-f]{16}$/);
        const options = cmd.optsWithGlobals<Options>();
        const kept = (await told(options, { do: 'kept' }))['kept'] as unknown as readonly Listed[];
        if (options.json) json({ kept });
        else if (kept.length === 0) talk('nothing is kept');
        else data(table(['ID', 'KEPT', 'WHY', 'FROM', 'FOR'], kept.map(row)));
        done(EXIT.yes);
      });
    verb('show', 'all of one message, with everything in it visible').action(async (id: string, _own, cmd: Command) => {
      const options = cmd.optsWithGlobals<Options>();
      show((await told(options, { do: 'kept-show', id: idOf(id) }))['kept'] as unknown as Kept, options);
      done(EXIT.yes);
    });
    verb('release', 'let this very message pass, once, when the same call brings it again')
      .option('--yes', 'release it without asking')
      .action(async (id: string, _own, cmd: Command) => {
        const options = cmd.optsWithGlobals<Options>();
        if (!options.yes) {
          show((await told(options, { do: 'kept-show', id: idOf(id) }))['kept'] as unknown as Kept, options);
          if (!(await ask('let it pass once?'))) return done(EXIT.no);
        }
        report(await told(options, { do: 'release', id: idOf(id) }), options, 'may pass once');
        done(EXIT.yes);
      });
    verb('discard', 'throw it away').action(async (id: string, _own, cmd: Command) => {
      const options = cmd.optsWithGlobals<Options>();
      report(await told(options, { do: 'discard', id: idOf(id) }), options, 'is thrown away');
      done(EXIT.yes);
    });
  },
};

function idOf(text: string): string {
  if (/^[0-9]{15}-[0-9a-f]{16}$/.test(text)) return text;
  throw new Trouble(`\`${shown(text)}\` is no id of a kept message`, 'doorward quarantine lists them');
}

async function told(options: Options, request: AdminRequest): Promise<JsonObject> {
  const said = await ownerSays(readSite(options.config), request);
  if (!said) throw new Trouble('no gateway runs on this configuration', 'doorward run');
  if (said['fault'] === undefined) return said;
  if (said['fault'] === 'unknown')
    throw new Trouble('no such message is kept; it may be too old', 'doorward quarantine lists them', EXIT.no);
  throw new Trouble('the running gateway does not understand this', 'run the same version of doorward');
}

function row({ id, at, code, upstream, target, subject, tenant, released }: Listed): string[] {
  const why = released === undefined ? code : `${code} (may pass once)`;
  return [id, iso(at), why, shown(`${upstream}.${target}`, 80), shown(`${subject} (${tenant})`, 60)];
}

function show(kept: Kept, options: Options): void {
  if (options.json) return json({ kept });
  const { id, at, code, call, upstream, target, subject, tenant, message } = kept;
  const text = jsonText(message, 2);
  data(
    [
      `${id}  kept ${iso(at)}`,
      `  why      ${code} (${CODES[code]?.hint ?? '?'})`,
      `  from     ${shown(`${upstream}.${target}`, 300)}, by call ${shown(call)}`,
      `  for      ${shown(subject)} (tenant ${shown(tenant)})`,
      '  message',
      text.slice(0, MAX_SHOWN).replace(/^/gm, '    '),
      ...(text.length > MAX_SHOWN ? ['    ... (--json shows all of it)'] : []),
    ].join('\n'),
  );
}

function report(said: JsonObject, options: Options, what: string): void {
  if (options.json) return json(said);
  data(`${(said['kept'] as unknown as Listed).id} ${what}`);
}
