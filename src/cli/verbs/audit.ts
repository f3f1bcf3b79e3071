/** The audit log for people and for judges: tail, show, verify. Reads files only; the gateway need not run. */

import type { KeyObject } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { parseKey, printKey } from '../../audit/checkpoint.ts';
import type { Entry } from '../../audit/entry.ts';
import { follow, lookup, tail } from '../../audit/read.ts';
import { type Verified, verifyLog } from '../../audit/verify.ts';
import { readSite } from '../../gateway/site.ts';
import { jsonText } from '../../lib/text.ts';
import { openKeys } from '../../secrets/keyring.ts';
import { stateFolder } from '../../store/folder.ts';
import { createPrivate, readPrivate, replacePrivate } from '../../store/private.ts';
import { count, data, EXIT, json, paint, shown, Trouble } from '../terminal.ts';
import type { Verb } from '../verb.ts';

export const audit: Verb = {
  examples: [
    'doorward audit tail --follow',
    'doorward audit show 01K9ZV2M4Q8R6T0W3Y5Z7B9D1F',
    'doorward audit verify',
    'doorward audit verify --dir copy/audit --key ed25519:...',
  ],
  build(command, done) {
    command
      .command('tail')
      .description('the last entries, one line each')
      .option('-n, --lines <count>', 'how many', '20')
      .option('-f, --follow', 'go on with new ones')
      .option('--dir <folder>', 'audit folder instead of the one of the configuration')
      .option('--json', 'entries as they are stored, one a line')
      .action(async (_own, cmd: Command) => {
        const options = cmd.optsWithGlobals<Options>();
        const dir = auditDir(options);
        const line = liner();
        const print = (entry: Entry) => data(options.json ? jsonText(entry) : line(entry));
        if (!/^[1-9]\d{0,6}$/.test(options.lines))
          throw new Trouble(`\`${options.lines}\` is not a number of lines`, 'write --lines 50');
        for (const entry of tail(dir, Number(options.lines))) print(entry);
        if (options.follow) {
          const end = new AbortController();
          process.once('SIGINT', () => end.abort());
          process.stdout.once('error', () => end.abort());
          for await (const entry of follow(dir, {
            signal: end.signal,
            pause: () => new Promise((go) => setTimeout(go, 200)),
          }))
            print(entry);
        }
        done(EXIT.yes);
      });
    command
      .command('show')
      .description('everything that belongs to one reference')
      .argument('<reference>', 'the reference that a refusal or a line names')
      .option('--dir <folder>', 'audit folder instead of the one of the configuration')
      .option('--json', 'machine-readable output')
      .action((reference: string, _own, cmd: Command) => {
        const options = cmd.optsWithGlobals<Options>();
        const entries = lookup(auditDir(options), reference);
        if (entries.length === 0)
          throw new Trouble(`no entry has the reference ${reference}`, 'doorward audit tail shows references', EXIT.no);
        if (options.json) json({ reference, entries });
        else for (const entry of entries) data(jsonText(entry, 2));
        done(EXIT.yes);
      });
    command
      .command('verify')
      .description('is the log whole and unedited? needs its files and a public key only')
      .option('--dir <folder>', 'audit folder instead of the one of the configuration')
      .option(
        '--key <key>',
        'public key (ed25519:...) instead of the one in the state folder; may be repeated',
        collect,
      )
      .option('--kept <file>', 'a checkpoint that was kept elsewhere; may be repeated', collect)
      .option('--json', 'machine-readable output')
      .action((_own, cmd: Command) => {
        const options = cmd.optsWithGlobals<Options>();
        const dir = auditDir(options);
        const keys = options.key ? options.key.map(publicKey) : [ownKey(options.config)];
        const kept = (options.kept ?? []).map(checkpoint);
        const result = verifyLog(dir, keys, kept);
        if (options.json) json({ dir, keys: keys.map(printKey), ...result });
        else print(dir, result, keys);
        done(result.ok ? EXIT.yes : EXIT.tampered);
      });
  },
};

interface Options {
  readonly config: string;
  readonly dir?: string;
  readonly json?: boolean;
  readonly follow?: boolean;
  readonly lines: string;
  readonly key?: readonly string[];
  readonly kept?: readonly string[];
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function auditDir(options: { config: string; dir?: string }): string {
  const dir = options.dir ? resolve(options.dir) : stateFolder(readSite(options.config).stateDir).audit;
  if (!existsSync(dir) || readdirSync(dir).length === 0)
    throw new Trouble(`no audit log in ${dir}`, 'it is made by doorward run');
  return dir;
}

function publicKey(text: string): KeyObject {
  const key = parseKey(text);
  if (!key)
    throw new Trouble(`\`${text}\` is not a public key`, 'write ed25519:<base64url>, as doorward run prints it');
  return key;
}

function checkpoint(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new Trouble(`${file} cannot be read`, 'name a checkpoint that was kept elsewhere');
  }
}

/** The key of this installation. Reading it must not make one. */
function ownKey(config: string): KeyObject {
  const { keys } = stateFolder(readSite(config).stateDir);
  if (!existsSync(keys)) throw new Trouble(`no keys in ${keys}`, 'name the public key with --key');
  const files = { read: readPrivate, create: createPrivate, replace: replacePrivate };
  return openKeys(keys, { files, clock: Date.now, random: () => new Uint8Array(0) }).audit.publicKey;
}

function print(dir: string, result: Verified, keys: readonly KeyObject[]): void {
  if (result.firstBad) {
    const { seq, file, line, why } = result.firstBad;
    data(`${paint('red', 'TAMPERED')}  entry ${seq} (${shown(join(dir, file), 1000)}:${line}): ${shown(why)}`);
    data(`${count(seq, 'entry', 'entries')} before it are whole`);
    return;
  }
  const signed = result.checkpoint
    ? `signed up to entry ${result.checkpoint.size} by ${keys.map(printKey).join(', ')}`
    : 'no checkpoint yet';
  data(
    `${paint('green', 'whole')}  ${count(result.entries, 'entry', 'entries')}, ${signed}, ${result.unsigned} not signed yet`,
  );
  if (result.openCount > 0)
    data(
      `${count(result.openCount, 'call')} begun without an outcome: ${shown(result.open.slice(0, 5).join(' '))}${result.openCount > 5 ? ' ...' : ''}`,
    );
  if (result.torn)
    data(
      `an incomplete last line of ${result.torn.bytes} bytes in ${result.torn.file}: being written, or cut at the next start`,
    );
}

/** Calls whose intent was shown and whose outcome was not; more than these are not remembered. */
const MAX_OPEN = 10_000;

/** One aligned line for each entry: what happened can be read aloud. An outcome is told with the names of its intent. */
function liner(): (entry: Entry) => string {
  const open = new Map<string, Entry>();
  return (entry) => {
    const { kind, at, call = '' } = entry as Entry & { kind: string; at: string };
    const intent = open.get(call);
    if (kind === 'intent' && open.size < MAX_OPEN) open.set(call, entry);
    else open.delete(call);
    return lineOf(kind, at, intent ? { ...entry, ...names(intent) } : entry);
  };
}

function names({ who, upstream, target, method }: Entry): Partial<Entry> {
  return { ...(who && { who }), ...(upstream && { upstream }), ...(target && { target }), ...(method && { method }) };
}

function lineOf(kind: string, at: string, entry: Entry): string {
  const what = entry.outcome ? [entry.outcome.kind, entry.outcome.code].filter(Boolean).join(' ') : (entry.code ?? '-');
  const who = entry.who?.subject ?? entry.subject ?? entry.prefix ?? entry.peer?.address ?? '-';
  const target =
    entry.target === undefined || entry.upstream === undefined
      ? (entry.name ?? entry.upstream ?? '-')
      : entry.target.kind === 'route'
        ? `${entry.upstream} ${entry.method}`
        : `${entry.upstream}.${entry.target.name}`;
  const edits = (entry.trail ?? [])
    .filter((step) => step.kind === 'edit')
    .map((step) => `${step.code}${step.what ? `:${step.what}` : ''}`);
  const rest = [
    entry.outcome && `${Math.round(entry.outcome.ms)} ms`,
    entry.count !== undefined && `x${entry.count}`,
    edits.length > 0 && `edit ${edits.join(' ')}`,
    entry.data !== undefined && JSON.stringify(entry.data),
    entry.call,
  ].filter(Boolean);
  return `${shown(at, 32)} ${kind.padEnd(10)} ${shown(what, 60).padEnd(28)} ${shown(who, 24).padEnd(10)} ${shown(target, 60).padEnd(30)} ${shown(rest.join('  '), 300)}`.trimEnd();
}
