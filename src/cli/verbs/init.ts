/** Finds clients and their servers, and writes a configuration. Never starts anything. */
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Document, isMap, isScalar, isSeq } from 'yaml';
import { type Found, type FoundServer, findServers, readServers } from '../clients/find.ts';
import { thesePlaces } from '../machine.ts';
import { writeWhole } from '../review/write.ts';
import { count, data, EXIT, json, shown, Trouble, table, talk } from '../terminal.ts';
import type { Verb } from '../verb.ts';

interface Upstream {
  readonly name: string;
  readonly from: FoundServer;
  /** Clients that have this very server. */
  readonly clients: readonly string[];
}

export const init: Verb = {
  examples: [
    'doorward init',
    'doorward init --from ~/.cursor/mcp.json',
    'doorward init --json --dry-run',
    'doorward --config team.yaml init --force',
  ],
  build(command, done) {
    command
      .option('--from <file>', "read this client's JSON file instead of looking for clients")
      .option('--dry-run', 'show what was found, write nothing')
      .option('--force', 'replace an existing configuration')
      .option('--json', 'machine-readable output')
      .action((_own, cmd) => {
        const options = cmd.optsWithGlobals();
        const file = resolve(options.config);
        const { servers, faults } = search(options.from);
        const upstreams = named(servers);
        if (!options.dryRun && existsSync(file) && !options.force) {
          throw new Trouble(
            `${options.config} exists`,
            'look at what was found with --dry-run, or replace it with --force',
          );
        }
        for (const fault of faults) talk(`doorward: left out: ${shown(fault, 400)}`);
        if (!options.dryRun) writeWhole(file, render(upstreams));
        if (options.json) {
          json({
            wrote: options.dryRun ? null : file,
            servers: upstreams.map(({ name, from, clients }) => ({ upstream: name, ...from, clients })),
          });
          return done(EXIT.yes);
        }
        if (upstreams.length > 0) {
          const rows = upstreams.map(({ name, from, clients }) => [
            clients.join(', '),
            name,
            shown(from.url ?? from.run!.join(' '), 60),
            from.notices.join(', ') || '-',
          ]);
          data(table(['CLIENT', 'SERVER', 'HOW', 'NOTICE'], rows));
        }
        if (options.dryRun) return done(EXIT.yes);
        const usable = upstreams.filter(fit);
        data(`wrote ${options.config} (${count(usable.length, 'upstream')}, 0 tools granted). nothing was started.`);
        data(
          usable[0]
            ? `next: doorward review ${usable[0].name}`
            : `next: add a server under \`upstreams:\` in ${options.config}`,
        );
        done(EXIT.yes);
      });
  },
};

function search(from: string | undefined): Found {
  if (from === undefined) return findServers(thesePlaces());
  if (!existsSync(from)) throw new Trouble(`${from} does not exist`, 'name the JSON file of a client');
  return { servers: readServers(resolve(from), 'file'), faults: [] };
}

/** What Doorward can run; the rest is told of in a comment. */
function fit({ from }: Upstream): boolean {
  return from.run !== undefined && !from.secret;
}

/** Names fit for a path and a policy line. The same server of several clients is one, with what is to be said of any. */
function named(found: readonly FoundServer[]): Upstream[] {
  const same = new Map<string, FoundServer[]>();
  for (const from of found) {
    const what = JSON.stringify(from.run ?? from.url);
    same.set(what, [...(same.get(what) ?? []), from]);
  }
  const taken = new Set<string>();
  return [...same.values()].map((all) => {
    const first = all[0]!;
    const base =
      first.name
        .toLowerCase()
        .replaceAll(/[^a-z0-9]+/g, '-')
        .replace(/^[^a-z]+/, '')
        .slice(0, 28)
        .replace(/-$/, '') || 'server';
    let name = base;
    for (let i = 2; taken.has(name); i++) name = `${base}-${i}`;
    taken.add(name);
    const union = <T>(of: (from: FoundServer) => readonly T[]): T[] => [...new Set(all.flatMap(of))];
    const from = { ...first, env: union(({ env }) => env), notices: union(({ notices }) => notices) };
    return { name, from, clients: union(({ client }) => [client]) };
  });
}

function render(upstreams: readonly Upstream[]): string {
  const doc = new Document({
    doorward: 1,
    upstreams: Object.fromEntries(upstreams.filter(fit).map(({ name, from }) => [name, block(from)])),
    policy: [],
  });
  doc.commentBefore = ' yaml-language-server: $schema=./.doorward/schema.json';
  const blocks = doc.get('upstreams', true);
  if (isMap(blocks)) {
    for (const item of blocks.items) {
      const run = isMap(item.value) ? item.value.get('run', true) : undefined;
      if (isSeq(run)) run.flow = true;
    }
  }
  const policy = isMap(doc.contents) ? doc.contents.items.at(-1)?.key : undefined;
  if (isScalar(policy)) policy.commentBefore = ' anything not listed does not exist; doorward review proposes lines';
  const left = upstreams.filter((upstream) => !fit(upstream));
  if (left.length > 0) {
    const lines = left.map(({ name, from }) =>
      from.run
        ? `   ${name}: an argument holds a secret; a server gets secrets by \`env\``
        : `   ${name}: ${shown(from.url!)} is an HTTP upstream, which is not served yet`,
    );
    doc.comment = ` found but not written:\n${lines.join('\n')}`;
  }
  return doc.toString({ lineWidth: 0 });
}

/** Folders get places of their own inside: the paths of this machine are nothing for a server. */
function block({ run = [], env }: FoundServer): object {
  const mounts = new Map<string, string>();
  const inside = (arg: string): string => {
    const place = mounts.get(arg) ?? (mounts.size === 0 ? '/data' : `/data-${mounts.size + 1}`);
    mounts.set(arg, place);
    return place;
  };
  return {
    run: run.map((arg, i) => (i > 0 && isFolder(arg) ? inside(arg) : arg)),
    ...(mounts.size > 0 && { mounts: Object.fromEntries(mounts) }),
    ...(env.length > 0 && { env: Object.fromEntries(env.map((key) => [key, `env:${key}`])) }),
  };
}

function isFolder(path: string): boolean {
  return path.startsWith('/') && existsSync(path) && statSync(path).isDirectory();
}
