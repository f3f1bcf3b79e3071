/** Finds clients and their servers, and writes a configuration. Never starts anything. */
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { Document, isMap, isSeq } from 'yaml';
import { type FoundServer, findServers, readServers } from '../clients/find.ts';
import { data, EXIT, json, shown, Trouble, table } from '../terminal.ts';
import type { Verb } from '../verb.ts';

interface Upstream {
  readonly name: string;
  readonly from: FoundServer;
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
        const found = search(options.from);
        const upstreams = named(found);
        if (!options.dryRun && existsSync(file) && !options.force) {
          throw new Trouble(
            `${options.config} exists`,
            'look at what was found with --dry-run, or replace it with --force',
          );
        }
        if (!options.dryRun) writeFileSync(file, render(upstreams), { mode: 0o600 });
        if (options.json) {
          json({
            wrote: options.dryRun ? null : file,
            servers: upstreams.map(({ name, from }) => ({ upstream: name, ...from })),
          });
          return done(EXIT.yes);
        }
        if (found.length > 0) {
          const rows = upstreams.map(({ name, from }) => [
            from.client,
            name,
            shown(from.url ?? from.run!.join(' '), 60),
            from.notices.join(', ') || '-',
          ]);
          data(table(['CLIENT', 'SERVER', 'HOW', 'NOTICE'], rows));
        }
        if (options.dryRun) return done(EXIT.yes);
        const usable = upstreams.filter(({ from }) => from.run);
        data(`wrote ${options.config} (${usable.length} upstreams, 0 tools granted). nothing was started.`);
        data(
          usable[0]
            ? `next: doorward review ${usable[0].name}`
            : `next: add a server under \`upstreams:\` in ${options.config}`,
        );
        done(EXIT.yes);
      });
  },
};

function search(from: string | undefined): FoundServer[] {
  const home = homedir();
  if (from === undefined) {
    return findServers({
      home,
      platform: process.platform,
      appData: process.env['APPDATA'] ?? home,
      project: process.cwd(),
    });
  }
  if (!existsSync(from)) throw new Trouble(`${from} does not exist`, 'name the JSON file of a client');
  return readServers(resolve(from), 'file');
}

/** Names fit for a path and a policy line; the same server of two clients is listed once. */
function named(found: readonly FoundServer[]): Upstream[] {
  const taken = new Map<string, string>();
  const result: Upstream[] = [];
  for (const from of found) {
    const what = JSON.stringify(from.run ?? from.url);
    if ([...taken.values()].includes(what)) continue;
    const base =
      from.name
        .toLowerCase()
        .replaceAll(/[^a-z0-9]+/g, '-')
        .replaceAll(/^[^a-z]+|-+$/g, '')
        .slice(0, 28) || 'server';
    let name = base;
    for (let i = 2; taken.has(name); i++) name = `${base}-${i}`;
    taken.set(name, what);
    result.push({ name, from });
  }
  return result;
}

function render(upstreams: readonly Upstream[]): string {
  const doc = new Document({
    doorward: 1,
    upstreams: Object.fromEntries(
      upstreams
        .filter(({ from }) => from.run)
        .map(({ name, from }) => {
          const folders = from.run!.slice(1).filter(isFolder);
          return [
            name,
            {
              run: [...from.run!],
              ...(folders.length > 0 && { mounts: Object.fromEntries(folders.map((folder) => [folder, folder])) }),
              ...(from.env.length > 0 && { env: Object.fromEntries(from.env.map((key) => [key, `env:${key}`])) }),
            },
          ];
        }),
    ),
    policy: [],
  });
  doc.commentBefore = ' yaml-language-server: $schema=./.doorward/schema.json';
  const block = doc.get('upstreams', true);
  if (isMap(block)) {
    for (const item of block.items) {
      const run = isMap(item.value) ? item.value.get('run', true) : undefined;
      if (isSeq(run)) run.flow = true;
    }
  }
  const policy = doc.get('policy', true);
  if (isSeq(policy)) policy.commentBefore = ' anything not listed does not exist; doorward review proposes lines';
  const later = upstreams.filter(({ from }) => from.url !== undefined);
  if (later.length > 0) {
    doc.comment = ` found but not written, because HTTP upstreams are not served yet:\n${later.map(({ name, from }) => `   ${name}: ${shown(from.url!)}`).join('\n')}`;
  }
  return doc.toString({ lineWidth: 0 });
}

function isFolder(path: string): boolean {
  return path.startsWith('/') && existsSync(path) && statSync(path).isDirectory();
}
