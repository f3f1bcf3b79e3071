/** API keys: made, shown once, listed, followed by new ones, revoked. A running gateway sees each change by itself. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { nameOf } from '../../controls/policy/names.ts';
import { readSite, type Site } from '../../gateway/site.ts';
import {
  DEFAULT_LIFE,
  DEFAULT_OVERLAP,
  endOf,
  type Issued,
  issueKey,
  KeyFault,
  revokeKey,
  rotateKey,
} from '../../identity/issue.ts';
import { KeyFileFault, type KeyRecord, readKeys, writeKeys } from '../../identity/keyfile.ts';
import { pins } from '../../inventory/lock.ts';
import { closest } from '../../lib/text.ts';
import { iso, parseDuration } from '../../lib/time.ts';
import { openStateFolder, stateFolder } from '../../store/folder.ts';
import { tryOwn } from '../../store/owner.ts';
import { createPrivate, PrivateFault, readPrivate, replacePrivate } from '../../store/private.ts';
import { count, data, EXIT, json, shown, Trouble, table, talk } from '../terminal.ts';
import type { Verb } from '../verb.ts';

const FILES = { read: readPrivate, replace: replacePrivate };
const random = (n: number): Uint8Array => randomBytes(n);

interface Options {
  readonly config: string;
  readonly subject: string;
  readonly tenant?: string;
  readonly agent?: string[];
  readonly groups?: string[];
  readonly scopes?: string[];
  readonly tools?: string[];
  readonly addresses?: string[];
  readonly hours?: string;
  readonly expires?: string;
  readonly overlap?: string;
  readonly out?: string;
  readonly json?: boolean;
}

export const key: Verb = {
  examples: [
    'doorward key create --subject ci --tools files.read_text_file --addresses 10.20.0.0/16',
    'doorward key create --subject alice --tenant acme --groups data --expires 30d --out alice.key',
    'doorward key rotate 3f9a1c0b7e24 --overlap 2h',
    'doorward key revoke 3f9a1c0b7e24',
  ],
  build(command, done) {
    command
      .command('create')
      .description('make a key; it is printed once, alone on stdout')
      .requiredOption('--subject <name>', 'who it speaks for')
      .option('--tenant <name>', 'of which tenant (default: "default")')
      .option('--agent <names...>', 'acting agents, the outermost first')
      .option('--groups <names...>', 'groups that policy may look at')
      .option('--scopes <names...>', 'scopes that policy may look at')
      .option('--tools <names...>', 'good for these alone (upstream.tool), whatever policy allows')
      .option('--addresses <ranges...>', 'good from these alone (10.20.0.0/16)')
      .option('--hours <hours>', 'good at these alone ("Mon-Fri 07:00-19:00 Europe/Berlin")')
      .option('--expires <duration>', 'how long it lives, at most 400d (default: 90d)')
      .option('--out <file>', 'write it to a new file of mode 0600 instead of stdout')
      .action((_own, cmd: Command) => {
        const options = cmd.optsWithGlobals<Options>();
        const site = readSite(options.config);
        const { subject, tenant, agent, groups, scopes, addresses, hours } = options;
        const tools = options.tools?.map((name) => known(name, site));
        const facts = { tenant, agent, groups, scopes, tools, addresses, hours };
        const who = {
          subject,
          ...Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)),
        };
        const life = duration(options.expires, DEFAULT_LIFE, '--expires 90d');
        hand(site, options, (keys, at) => issueKey(keys, who, life, { at, random }));
        done(EXIT.yes);
      });
    command
      .command('list')
      .description('who has a key, for what, until when; never the keys')
      .option('--json', 'machine-readable output')
      .action((_own, cmd: Command) => {
        const options = cmd.optsWithGlobals<Options>();
        const { apiKeys } = stateFolder(readSite(options.config).stateDir);
        print(
          told(() => readKeys(apiKeys, FILES)),
          Date.now(),
          options.json === true,
        );
        done(EXIT.yes);
      });
    command
      .command('rotate')
      .description('make a key for the same caller; the old one is good for a while longer')
      .argument('<id>', 'the 12 digits after dw_')
      .option('--overlap <duration>', 'how long the old one is still good (default: 24h)')
      .option('--out <file>', 'write the new key to a new file of mode 0600 instead of stdout')
      .action((id: string, _own, cmd: Command) => {
        const options = cmd.optsWithGlobals<Options>();
        const overlap = duration(options.overlap, DEFAULT_OVERLAP, '--overlap 24h');
        hand(readSite(options.config), options, (keys, at) => rotateKey(keys, id, overlap, { at, random }));
        done(EXIT.yes);
      });
    command
      .command('revoke')
      .description('end a key, now and for good')
      .argument('<id>', 'the 12 digits after dw_')
      .action((id: string, _own, cmd: Command) => {
        change(readSite(cmd.optsWithGlobals<Options>().config), (keys, at) => ({ keys: revokeKey(keys, id, at) }));
        done(EXIT.yes);
      });
  },
};

/** Makes a key and gives it to whoever asked: the one moment in which it can be seen. */
function hand(site: Site, { out }: Options, make: (keys: readonly KeyRecord[], at: number) => Issued): void {
  const { record, key: secret } = change(
    site,
    (keys, at) => {
      const issued = make(keys, at);
      if (out !== undefined && !createPrivate(resolve(out), Buffer.from(`${issued.key}\n`)))
        throw new Trouble(`${out} is there already`, 'name a file that does not exist: a key never replaces one');
      return issued;
    },
    () => out !== undefined && rmSync(resolve(out), { force: true }),
  );
  if (out === undefined) data(secret);
  talk(`key ${record.id} for ${shown(record.subject)}, until ${iso(record.expires)}; it is not shown again`);
  if (!site.config.identity.keys)
    talk(`doorward: hint: ${shown(site.shown)} does not accept keys yet: set identity: { keys: true }`);
}

/** One change of the file, alone. `undo` is called when the change was made but could not be written. */
function change<T extends { readonly keys: readonly KeyRecord[] }>(
  site: Site,
  make: (keys: readonly KeyRecord[], at: number) => T,
  undo: () => void = () => {},
): T {
  const folder = openStateFolder(site.stateDir);
  const owner = tryOwn(folder.root, 'apikeys.db');
  if (!owner) throw new Trouble('another doorward key is at work', 'try again');
  try {
    return told(() => {
      const made = make(readKeys(folder.apiKeys, FILES), Date.now());
      try {
        writeKeys(folder.apiKeys, made.keys, FILES);
      } catch (error) {
        undo();
        throw error;
      }
      return made;
    });
  } finally {
    owner.release();
  }
}

/** What is wrong with a wish or a file, with its fix. */
function told<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const known = error instanceof KeyFault || error instanceof KeyFileFault || error instanceof PrivateFault;
    throw known ? new Trouble(error.message, error.fix) : error;
  }
}

function duration(text: string | undefined, otherwise: number, example: string): number {
  const ms = text === undefined ? otherwise : parseDuration(text);
  if (ms === undefined) throw new Trouble(`\`${text}\` is not a duration`, `write ${example}`);
  return ms;
}

/** A name that is not in the lockfile would narrow the key to nothing without a word. */
function known(name: string, site: Site): string {
  const names = pins(site.lock).map(nameOf);
  if (names.includes(name)) return name;
  const near = closest(name, names);
  throw new Trouble(
    `\`${name}\` is not in doorward.lock`,
    near ? `did you mean \`${near}\`?` : 'doorward review pins what there is',
  );
}

function print(keys: readonly KeyRecord[], at: number, asJson: boolean): void {
  const state = (one: KeyRecord) => (endOf(one, at) ?? 'is good').replace(/^\w+ /, '');
  if (asJson)
    return json({
      keys: keys.map((one) => {
        const { digest: _digest, created, expires, revoked, ...rest } = one;
        const times = { created: iso(created), expires: iso(expires), ...(revoked && { revoked: iso(revoked) }) };
        return { ...rest, ...times, state: state(one) };
      }),
    });
  data(
    table(
      ['ID', 'STATE', 'SUBJECT', 'TENANT', 'UNTIL', 'BOUNDS'],
      keys.map((one) => [
        one.id,
        state(one),
        shown(one.subject, 40),
        shown(one.tenant, 40),
        iso(one.expires),
        shown(bounds(one), 200) || '-',
      ]),
    ),
  );
}

function bounds({ tools, addresses, hours, replaces }: KeyRecord): string {
  return [
    tools && count(tools.length, 'tool'),
    addresses && `from ${addresses.join(' ')}`,
    hours,
    replaces && `follows ${replaces}`,
  ]
    .filter(Boolean)
    .join(', ');
}
