/** Starts a server in its sandbox, shows what it offers and what changed, and pins what a person agrees to. */
import { readFileSync } from 'node:fs';
import { ConfigError } from '../../config/fault.ts';
import { meeting } from '../../controls/policy/handoffs/where.ts';
import { type Prepared, placeOf, prepareUpstreams, RUN_FORMS } from '../../gateway/prepare.ts';
import { readSite } from '../../gateway/site.ts';
import { prepareSpecs } from '../../gateway/specs.ts';
import type { Finding } from '../../inventory/findings.ts';
import { type Lock, printLock } from '../../inventory/lock.ts';
import { parseRun } from '../../inventory/packages/run.ts';
import { openStateFolder } from '../../store/folder.ts';
import { serverPin } from '../../upstreams/http/spec.ts';
import { PackageRefused } from '../../upstreams/packages.ts';
import type { StdioRules } from '../../upstreams/rules.ts';
import { credentialsOf } from '../credentials.ts';
import { npm } from '../npm.ts';
import { withGrants } from '../review/grants.ts';
import { unusedOf } from '../review/log.ts';
import { type Item, type Plan, plan } from '../review/plan.ts';
import { probe } from '../review/probe.ts';
import { writeWhole } from '../review/write.ts';
import { sarif } from '../sarif.ts';
import { ask, data, EXIT, type Exit, json, paint, shown, Trouble, table, talk, waiting } from '../terminal.ts';
import { FILES, told, vaultOf } from '../vault.ts';
import type { Verb } from '../verb.ts';

interface Options {
  readonly config: string;
  readonly yes?: boolean;
  readonly frozen?: boolean;
  readonly json?: boolean;
  readonly sarif?: boolean;
  readonly grants: boolean;
  readonly usage?: string;
}

export const review: Verb = {
  examples: [
    'doorward review files',
    'doorward review --frozen --usage 30d',
    'doorward review files --yes --no-grants',
    'doorward review --frozen --sarif > review.sarif',
  ],
  build(command, done) {
    command
      .argument('[upstream]', 'one upstream; all of them when left out')
      .option('-y, --yes', 'agree to start it, to pin what has no grave finding, and to the proposed grants')
      .option('--no-grants', 'propose no policy lines')
      .option('--frozen', 'change nothing; exit 1 when anything differs from the lockfile')
      .option('--usage <time>', 'with --frozen: exit 1 also for grants that nobody used for so long')
      .option('--json', 'machine-readable output')
      .option('--sarif', 'findings as SARIF')
      .action(async (upstream: string | undefined, _own, cmd) =>
        done(await reviewAll(upstream, cmd.optsWithGlobals())),
      );
  },
};

async function reviewAll(only: string | undefined, options: Options): Promise<Exit> {
  // Grants may name what is not pinned yet: only the upstreams are compiled here.
  const site = readSite(options.config);
  const prepared = { site, upstreams: prepareUpstreams(site) };
  const names = [...prepared.upstreams.keys()].filter((name) => only === undefined || name === only);
  if (options.json && options.sarif) throw new Trouble('--json and --sarif exclude each other', 'choose one');
  if (names.length === 0)
    throw new Trouble(
      only === undefined ? `no upstream in ${options.config}` : `no upstream \`${only}\` in ${options.config}`,
      `one of: ${[...prepared.upstreams.keys()].join(', ') || 'none is configured'}`,
    );
  let lock = prepared.site.lock;
  let agreed = true;
  const plans: Plan[] = [];
  for (const name of names) {
    if (!(await mayStart(prepared, name, options))) {
      talk(`${name} was not started`);
      agreed = false;
      continue;
    }
    const made = await planOf(prepared, name, lock);
    plans.push(made);
    if (!options.json && !options.sarif) show(made);
    if (options.frozen || made.clean) continue;
    const pinned = await pin(prepared, made, options);
    if (pinned) lock = made.next;
    agreed &&= pinned;
  }
  const unused = options.usage === undefined ? [] : unusedOf(site, options.usage);
  const told = unused.map((finding) => ({ ...finding, where: placeOf(site, finding) }));
  if (options.json)
    json({ plans: plans.map(({ next: _next, ...rest }) => rest), ...(options.usage && { usage: told }) });
  if (options.sarif) data(sarif([...plans.flatMap(placed), ...told]));
  if (!options.json && !options.sarif)
    for (const { where, text, fix } of told) data(`${shown(where)}: ${shown(text, 400)}; fix: ${fix}`);
  const good = options.frozen ? plans.every(({ clean }) => clean) && unused.length === 0 : agreed;
  return good ? EXIT.yes : EXIT.no;
}

async function mayStart({ upstreams }: Pick<Prepared, 'upstreams'>, name: string, options: Options): Promise<boolean> {
  if (options.frozen || options.yes) return true;
  const rules = upstreams.get(name)!;
  if ('http' in rules) {
    talk(`call ${shown(rules.http.url, 300)}`);
    return await ask('call it?');
  }
  const { run, mounts, env } = rules;
  talk(
    `${run[0] === 'npx' ? 'fetch once (install scripts off), then run from that copy' : 'run'} in a sandbox with no network:`,
  );
  talk(`  ${shown(run.join(' '), 300)}`);
  talk(
    `  mounts: ${mounts.map(({ source, target, write }) => `${shown(source)} -> ${shown(target)}${write ? ' (writable)' : ''}`).join(', ') || 'none'}`,
  );
  talk(
    `  env: ${
      Object.keys(env)
        .map((key) => `${key}=***`)
        .join(' ') || 'none'
    }`,
  );
  return await ask('start it?');
}

async function planOf(prepared: Pick<Prepared, 'site' | 'upstreams'>, name: string, lock: Lock): Promise<Plan> {
  const folder = openStateFolder(prepared.site.stateDir);
  const vault = await told(() => vaultOf(prepared.site, 'read'));
  const specs = await waiting(
    `fetching ${name}`,
    prepareSpecs(
      prepared,
      {
        stateDir: folder.root,
        npm,
        clock: Date.now,
        files: FILES,
        env: process.env,
        vault: (entry) => vault.get('secret', '*', entry)?.toString(),
      },
      name,
    ),
  ).catch((error: unknown) => {
    if (!(error instanceof PackageRefused)) throw error;
    throw new ConfigError([prepared.site.source.fault(['upstreams', name, 'run'], error.message, RUN_FORMS)]);
  });
  const spec = specs.get(name)!;
  const credentials = credentialsOf(prepared.site, vault, prepared.upstreams);
  const listing = await waiting(`starting ${name}`, probe(spec, credentials.of(name, undefined)));
  if ('to' in spec) return plan(lock, name, listing, { server: serverPin(spec) });
  const { run, mounts } = prepared.upstreams.get(name) as StdioRules;
  const parsed = parseRun(run);
  const pack =
    'fault' in parsed ? { name: run[1] ?? run[0]!, version: 'local' } : { name: parsed.name, version: parsed.version };
  return plan(
    lock,
    name,
    listing,
    { package: { ...pack, digest: spec.package.digest } },
    mounts.length === 1 ? mounts[0]!.target : undefined,
  );
}

/** Bytes of one text of a server: a person must see all of what a model will read. */
const MAX_TEXT = 16_384;

function show({ upstream, items, instructions, packageChanged, clean }: Plan): void {
  const mark = (yes: boolean) => (yes ? 'x' : '');
  const rows = items
    .filter(({ status }) => !clean || status !== 'gone')
    .map((item) =>
      [
        item.kind === 'tool' ? item.name : `${item.kind} ${item.name}`,
        item.status,
        mark(item.facts.reads),
        mark(item.facts.writes),
        mark(item.facts.destructive),
        mark(item.facts.executes),
        mark(item.facts.sendsOut),
        mark(item.facts.untrusted === true),
        mark(item.facts.private === true),
        shown(item.description.split('\n')[0] ?? '', 40),
        item.findings[0] ? `${item.findings[0].code} ${item.findings[0].severity}` : '-',
      ].map((cell) => shown(cell, 80)),
    );
  data(
    table(
      [
        'THING',
        'STATUS',
        'READS',
        'WRITES',
        'DESTROYS',
        'EXECUTES',
        'SENDS',
        'UNTRUSTED',
        'PRIVATE',
        'DESCRIPTION',
        'FINDINGS',
      ],
      rows,
    ),
  );
  for (const { name, status, facts, says, changes, findings } of items) {
    const lines = [
      ...(facts.agent === undefined || clean ? [] : [`is the agent ${shown(facts.agent)}`]),
      ...says.map(({ at, text }) => `${shown(at)}: ${shown(text, MAX_TEXT)}`),
      ...changes.map((change) => paint('yellow', shown(change, 2000))),
      ...findings.map((f) => `${f.severity}: ${shown(f.text, 400)} (${shown(f.at || '/')}); fix: ${shown(f.fix, 400)}`),
      ...(status === 'gone' ? ['no longer listed'] : []),
    ];
    if (lines.length > 0) data([`  ${shown(name)}`, ...lines.map((line) => `    ${line}`)].join('\n'));
  }
  if (instructions) {
    const { before, after, findings } = instructions;
    data(
      `  instructions of ${upstream} ${before === undefined ? 'are new' : 'changed'}: ${shown(after ?? '(none)', MAX_TEXT)}`,
    );
    if (before !== undefined) data(`  before: ${shown(before, MAX_TEXT)}`);
    for (const { severity, text } of findings)
      data(`  instructions ${severity}: ${shown(text, 400)}; they are not pinned`);
  }
  if (packageChanged) data(`  package or server of ${upstream} differs from the lockfile`);
  if (clean) data(`${upstream} is as reviewed`);
}

/** False: the person said no, and nothing was written. */
async function pin({ site }: Pick<Prepared, 'site'>, made: Plan, options: Options): Promise<boolean> {
  const good = made.items.filter(({ pinnable, status }) => pinnable && status !== 'gone');
  const held = made.items.filter(({ pinnable }) => !pinnable);
  const shared = new Set(site.config.upstreams[made.upstream]?.shared ? [made.upstream] : []);
  const lasting = good.filter(({ facts }) => meeting({ upstream: made.upstream, facts }, shared) === undefined);
  const grants = options.grants ? proposed(made.upstream, lasting) : { allow: [], ask: [] };
  const question = options.grants
    ? `pin these ${good.length}? allow the readers, ask before the writers?`
    : `pin these ${good.length}?`;
  if (!options.yes && !(await ask(question))) {
    talk('nothing was written');
    return false;
  }
  writeWhole(site.lockFile, printLock(made.next), 0o644);
  let lines = 0;
  if (options.grants) {
    const added = withGrants(readFileSync(site.file, 'utf8'), grants);
    lines = added.lines;
    if (lines > 0) writeWhole(site.file, added.text);
  }
  if (!options.json && !options.sarif) {
    data(
      `pinned ${good.length}, held ${held.length}. wrote doorward.lock${lines > 0 ? ` and ${lines} policy lines in ${site.shown}` : ''}`,
    );
    if (options.grants && lasting.length < good.length)
      data(`${good.length - lasting.length} of them let agents meet: write their grants yourself, with \`until\``);
    if (good.some(({ guessed }) => guessed))
      data('facts (reads, writes, ...) are guesses from what the server says of itself: correct them in doorward.lock');
    data('next: doorward run');
  }
  return true;
}

function proposed(upstream: string, items: readonly Item[]) {
  const tools = items.filter(({ kind, status }) => kind === 'tool' && status === 'new');
  const reader = ({ facts }: Item) => !facts.writes && !facts.destructive && !facts.executes;
  const name = (item: Item) => `${upstream}.${item.name}`;
  return { allow: tools.filter(reader).map(name), ask: tools.filter((item) => !reader(item)).map(name) };
}

/** Changes of one thing that a finding tells. */
const TOLD = 3;

function placed({ upstream, items, clean }: Plan) {
  const at = (item: Item) => `${upstream}.${item.name}: `;
  const own = items.flatMap((item) =>
    item.findings.map((finding: Finding) => ({
      code: finding.code,
      severity: finding.severity,
      where: 'doorward.lock:1:1',
      text: at(item) + finding.text,
      fix: finding.fix,
    })),
  );
  const drift = items
    .filter(({ status }) => status !== 'same')
    .map((item) => ({
      code: 'inventory.drift',
      severity: 'high' as const,
      where: 'doorward.lock:1:1',
      text: [at(item) + item.status, ...item.changes.slice(0, TOLD)].join('; '),
      fix: `doorward review ${upstream}`,
    }));
  return clean ? own : [...own, ...drift];
}
