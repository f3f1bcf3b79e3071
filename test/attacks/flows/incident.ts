/** A running gateway before scripted servers whose tools a reviewer knows well. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Facts } from '../../../src/core/call.ts';
import { Caller } from '../../e2e/caller.ts';
import { OPEN_LIMITS, type Served, Site } from '../../e2e/site.ts';

export interface Tool {
  readonly description: string;
  readonly args?: Readonly<Record<string, object>>;
  readonly facts: Partial<Facts>;
  /** What the server answers; by default its own name and the arguments. */
  readonly says?: string;
}
export type Servers = Readonly<Record<string, Readonly<Record<string, Tool>>>>;

const NONE: Facts = {
  reads: true,
  writes: false,
  destructive: false,
  executes: false,
  sendsOut: false,
  untrusted: false,
  private: false,
};

export interface Incident {
  readonly site: Site;
  /** The text of the answer, `!` before it when it is refused. Each caller has a session of its own. */
  session(credential?: string): (upstream: string, tool: string, args?: object) => Promise<string>;
  /** Another word of a server about itself, from now on. */
  rewrite(upstream: string, tools: Readonly<Record<string, Tool>>): void;
  /** What a person says to the newest question. */
  decide(word: 'grant' | 'deny'): void;
  close(): Promise<void>;
}

function scriptOf(tools: Readonly<Record<string, Tool>>): string {
  return JSON.stringify({
    tools: Object.entries(tools).map(([name, { description, args = {} }]) => ({
      name,
      description,
      inputSchema: { type: 'object', properties: args },
    })),
    says: Object.fromEntries(
      Object.entries(tools).flatMap(([name, { says }]) => (says === undefined ? [] : [[name, says]])),
    ),
  });
}

/** `more`: further blocks of the configuration. `blocks`: upstream -> further members of its block. */
export async function incident(
  servers: Servers,
  policy: string,
  more = '',
  blocks: Readonly<Record<string, object>> = {},
): Promise<Incident> {
  const scripts = (dir: string, upstream: string) => join(dir, upstream, 'script.json');
  const site = new Site({
    upstreams: Object.fromEntries(
      Object.keys(servers).map((name) => [name, { run: ['node', `./${name}/server.ts`], ...blocks[name] }]),
    ),
    fill(dir) {
      for (const [name, tools] of Object.entries(servers)) {
        mkdirSync(join(dir, name));
        cpSync(join(import.meta.dirname, 'scripted.ts'), join(dir, name, 'server.ts'));
        writeFileSync(scripts(dir, name), scriptOf(tools));
      }
    },
    more: OPEN_LIMITS + more,
  });
  site.reviewAll();
  writeFileSync(
    site.config,
    readFileSync(site.config, 'utf8').replace(/^policy:.*$/m, () => policy),
  );
  state(site, servers);
  const served: Served = await site.serve();
  const callers: Caller[] = [];
  return {
    site,
    session(credential = site.token()) {
      const open = new Map<string, Caller>();
      return async (upstream, tool, args = {}) => {
        let caller = open.get(upstream);
        if (!caller) {
          caller = new Caller(served.url, `/${upstream}`, credential, '2026-07-28');
          open.set(upstream, caller);
          callers.push(caller);
        }
        const { text, error } = await caller.call(tool, args);
        return text ?? `!${error}`;
      };
    },
    rewrite: (upstream, tools) => writeFileSync(scripts(site.dir, upstream), scriptOf(tools)),
    decide(word) {
      const { approvals } = JSON.parse(site.run('approve', 'list', '--json').stdout) as { approvals: { id: string }[] };
      const { status, stderr } = site.run(
        'approve',
        word,
        approvals.at(-1)!.id,
        ...(word === 'grant' ? ['--yes'] : []),
      );
      if (status !== 0) throw new Error(stderr);
    },
    async close() {
      for (const caller of callers) caller.close();
      await served.stop();
      site.close();
    },
  };
}

/** What the reviewer knows, in the lockfile's own words. */
function state({ dir }: Site, servers: Servers): void {
  const file = join(dir, 'doorward.lock');
  let lock = readFileSync(file, 'utf8');
  for (const [name, { facts }] of Object.values(servers).flatMap((tools) => Object.entries(tools))) {
    const all = Object.entries({ ...NONE, ...facts }).map(([fact, value]) => `${fact}: ${value}`);
    lock = lock.replace(
      new RegExp(`(- name: "${name}"\\n +digest: [^\\n]+\\n +facts: )\\{[^}]*\\}`),
      (_, head: string) => `${head}{ ${all.join(', ')} }`,
    );
  }
  writeFileSync(file, lock);
}
