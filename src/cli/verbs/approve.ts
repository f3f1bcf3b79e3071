/** Calls that wait for a person: what they are, exactly, and the decision about them. */
import type { Command } from 'commander';
import { type Approval, asker } from '../../controls/approval/book.ts';
import { NAME } from '../../controls/approval/rules.ts';
import { CODES, type Code } from '../../core/codes/index.ts';
import type { AdminFault, AdminRequest } from '../../gateway/admin.ts';
import { readSite } from '../../gateway/site.ts';
import type { JsonObject } from '../../lib/json/types.ts';
import { jsonText } from '../../lib/text.ts';
import { iso } from '../../lib/time.ts';
import { ownerSays } from '../owner.ts';
import { ask, data, EXIT, type Exit, json, shown, Trouble, table, talk } from '../terminal.ts';
import { refuseRest, type Verb } from '../verb.ts';

interface Options {
  readonly config: string;
  readonly json?: boolean;
  readonly yes?: boolean;
}
interface CodeOptions extends Options {
  readonly as?: string;
  readonly groups?: string;
}
interface Issued {
  readonly code: string;
  readonly until: number;
  readonly url: string;
}
const ID = /^[0-9A-Za-z]{4,6}$/;
type Listed = Omit<Approval, 'args' | 'answers'>;

export const approve: Verb = {
  examples: [
    'doorward approve',
    'doorward approve show K7QD',
    'doorward approve grant K7QD',
    'doorward approve code --as alice --groups sre',
  ],
  build(command, done) {
    const verb = (name: string, summary: string, act: (id: string, options: Options) => Promise<Exit>) =>
      command
        .command(name)
        .description(summary)
        .argument('<id>', 'the short id that the caller was told')
        .option('--json', 'machine-readable output')
        .action(async (id: string, _own, cmd: Command) => {
          if (!ID.test(id))
            throw new Trouble(`\`${shown(id)}\` is no id of an approval`, 'doorward approve lists them');
          done(await act(id.toUpperCase(), cmd.optsWithGlobals<Options>()));
        });
    command
      .command('list', { isDefault: true })
      .description('what waits, and what was decided and not used yet')
      .option('--json', 'machine-readable output')
      .allowExcessArguments()
      .action(async (_own, cmd: Command) => {
        refuseRest(cmd, /^[2-9B-Z]{4,6}$/);
        const options = cmd.optsWithGlobals<Options>();
        const said = (await told(options, { do: 'list' })) as unknown as { approvals: Listed[]; rules: string };
        if (options.json) json(said);
        else list(said.approvals, said.rules);
        done(EXIT.yes);
      });
    verb('show', 'who wants to call what, with which arguments', async (id, options) => {
      const said = await told(options, { do: 'show', id });
      if (options.json) json({ approval: said['approval'] });
      else show(approvalOf(said), said['rules']);
      return EXIT.yes;
    });
    verb('grant', 'let this very call pass, once', async (id, options) => {
      const said = await told(options, { do: 'show', id });
      if (!options.yes) {
        talk(text(approvalOf(said), said['rules']));
        if (!(await ask('let this call pass, once?'))) return EXIT.no;
      }
      decided(await told(options, { do: 'grant', id, key: approvalOf(said).key }), options);
      return EXIT.yes;
    }).option('--yes', 'grant it without asking');
    verb('deny', 'refuse this very call until it expires', async (id, options) => {
      decided(await told(options, { do: 'deny', id }), options);
      return EXIT.yes;
    });
    command
      .command('code')
      .description('a one-time code that signs a person in to the console; good once, for two minutes')
      .option('--as <name>', 'who it is for: their name in the log, and not the one who asked (default: local)')
      .option('--groups <names>', 'groups of approvers that they are in, comma-separated')
      .option('--json', 'machine-readable output')
      .action(async (_own, cmd: Command) => {
        const options = cmd.optsWithGlobals<CodeOptions>();
        const groups = options.groups?.split(',').map((name) => name.trim());
        for (const name of [options.as ?? 'local', ...(groups ?? [])])
          if (!NAME.test(name)) throw new Trouble(`\`${shown(name)}\` is no name`, 'use letters, digits and . _ @ + -');
        const request = { do: 'code', ...(options.as !== undefined && { as: options.as }), ...(groups && { groups }) };
        const said = (await told(options, request as AdminRequest)) as unknown as Issued;
        if (options.json) json(said);
        else {
          data(said.code);
          talk(`sign in at ${said.url} as ${options.as ?? 'local'} until ${iso(said.until)}`);
        }
        done(EXIT.yes);
      });
  },
};

const SAYS: Readonly<Record<AdminFault, readonly [message: string, hint?: string]>> = {
  unknown: [
    'no such approval waits; it was used, has expired, or the gateway was started anew',
    'have the call made again: it waits under a new id, which doorward approve lists',
  ],
  decided: ['this approval is decided already'],
  self: ['the one who asked may not approve it (approval.not)', 'somebody else must'],
  group: ['an approver of a group must agree', 'doorward approve code --as NAME --groups GROUP, for the console'],
  twice: ['you agreed already', 'somebody else must agree too: doorward approve code --as NAME'],
  console: ['no console is configured', 'add `console: {}` to the configuration and start again'],
  stale: ['the rules changed since this was asked: a grant would be good for nothing', 'the caller must ask again'],
  request: ['the running gateway does not understand this', 'run the same version of doorward'],
  full: ['the running gateway takes no more of these'],
};

async function told(options: Options, request: AdminRequest): Promise<JsonObject> {
  const said = await ownerSays(readSite(options.config), request);
  if (!said) throw new Trouble('no gateway runs on this configuration: nothing waits', 'doorward run');
  const { fault } = said as { fault?: AdminFault };
  if (fault === undefined) return said;
  const [message, hint] = SAYS[fault] ?? SAYS.request;
  throw new Trouble(message, hint, EXIT.no);
}

function approvalOf(said: JsonObject): Approval {
  return said['approval'] as unknown as Approval;
}

function decided(said: JsonObject, options: Options): void {
  const approval = approvalOf(said);
  if (options.json) return json({ approval: said['approval'] });
  const { id, state, until } = approval;
  const also = state === 'waiting' ? ` for ${approval.count - approval.agreed.length} more to agree` : '';
  data(`${id} ${state}${also}: ${thing(approval)} for ${shown(approval.subject)}, until ${iso(until)}`);
}

/** What was asked under other rules than those in force can neither be granted nor spent. */
function list(approvals: readonly Listed[], rules: string): void {
  const stateOf = ({ state, rulesId }: Listed) => (rulesId === rules ? state : 'void');
  if (approvals.length === 0) return talk('nothing waits');
  data(
    table(
      ['ID', 'STATE', 'CALLER', 'WANTS', 'UNTIL'],
      approvals.map((one) => [one.id, stateOf(one), shown(asker(one), 60), thing(one), iso(one.until)]),
    ),
  );
}

function show(approval: Approval, rules: unknown): void {
  data(text(approval, rules));
}

/** Everything the decision needs; whatever a reader could not see stands there as an escape. */
function text(approval: Approval, rules: unknown): string {
  const { id, state, at, until, call, codes, rulesId, argsDigest, by, via, decided: when, answers } = approval;
  const { count, agreed, approvers } = approval;
  const why = codes.map((code) => `${code} (${CODES[code as Code]?.hint ?? '?'})`).join(', ');
  const lines = [
    `${id}  ${state}${by === undefined ? '' : ` by ${shown(by)} (${via}) at ${iso(when ?? at)}`}`,
    `  caller   ${shown(asker(approval), 400)}`,
    `  wants    ${thing(approval)}  (${approval.kind})`,
    `  why      ${why}`,
    `  asked    ${iso(at)} by call ${call}`,
    `  until    ${iso(until)}`,
    `  rules    ${rulesId}${rules === rulesId ? '' : '  (changed since: it cannot be granted)'}`,
    ...(count > 1
      ? [`  agreed   ${agreed.length} of ${count}: ${agreed.map((vote) => `${vote.by} (${vote.via})`).join(', ')}`]
      : []),
    ...(approvers.length > 0 ? [`  must be  in ${approvers.join(' or ')}`] : []),
    `  digest   ${argsDigest}`,
    '  arguments',
    indent(jsonText(approval.args, 2)),
  ];
  if (answers !== undefined) lines.push('  answers', indent(jsonText(answers, 2)));
  return lines.join('\n');
}

function thing({ upstream, name }: Listed): string {
  return shown(`${upstream}.${name}`, 300);
}

function indent(json: string): string {
  return json.replace(/^/gm, '    ');
}
