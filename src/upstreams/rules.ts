/** One block under `upstreams:` in the configuration. */
import { z } from 'zod';
import { RulesFault } from '../core/rules.ts';
import type { Caps } from './cgroups.ts';
import { refuseVariable } from './environment.ts';
import { type Mount, parseMount, refuseMount } from './mounts.ts';

const MIB = 1 << 20;

const size = z.string().transform((text, context) => {
  const [, digits, unit] = /^([1-9][0-9]{0,5})(MiB|GiB)$/.exec(text) ?? [];
  if (digits !== undefined) return Number(digits) * (unit === 'GiB' ? 1024 * MIB : MIB);
  context.addIssue({ code: 'custom', message: 'not a size; write 512MiB or 2GiB' });
  return z.NEVER;
});

export const schema = z.strictObject({
  run: z
    .array(z.string().min(1).max(4096))
    .min(1)
    .max(64)
    .describe('how the server is started: [npx, -y, "name@exact version", ...] or [node, ./server.js, ...]'),
  sandbox: z.enum(['bubblewrap']).default('bubblewrap').describe('where the server runs'),
  mounts: z
    .record(z.string().min(1).max(4096), z.string().min(2).max(4096))
    .default({})
    .describe('folders of this machine that the server sees: { ./notes: /data }; read-only unless "/data:rw"'),
  env: z
    .record(z.string(), z.string().max(32_768))
    .default({})
    .describe('environment variables of the server; it has no others'),
  memory: size
    .refine((bytes) => bytes >= 64 * MIB, 'a Node server needs at least 64MiB')
    .prefault('512MiB')
    .describe('memory of the whole sandbox; half of it is scratch space'),
  processes: z.int().min(16).max(4096).default(128).describe('processes and threads; Node alone has about 11'),
  files: z.int().min(64).max(65_536).default(1024).describe('open files of one process'),
  cpu: z.number().min(0.1).max(64).default(1).describe('processors: 0.5 is half of one'),
});

export type UpstreamConfig = z.infer<typeof schema>;

/** One upstream, checked, with absolute paths. */
export interface UpstreamRules {
  readonly run: readonly string[];
  readonly mounts: readonly Mount[];
  /** As configured: references to secrets are not looked up yet. */
  readonly env: Readonly<Record<string, string>>;
  readonly caps: Caps;
}

/** What the compiler may ask of the file system and the user. */
export interface RulesPlace {
  /** Folder of the configuration file. */
  readonly configDir: string;
  /** Home folder of the user that runs the gateway. */
  readonly home: string;
  /** The path with symbolic links resolved; throws when it does not exist. */
  readonly realpath: (path: string) => string;
}

/** Throws RulesFault; `path` leads to the block (`['upstreams', 'files']`). */
export function compile(config: UpstreamConfig, path: readonly (string | number)[], place: RulesPlace): UpstreamRules {
  const mounts = Object.entries(config.mounts).map(([source, target]) => {
    const at = [...path, 'mounts', source];
    const mount = parseMount(source, target, place.configDir);
    let real: string;
    try {
      real = place.realpath(mount.source);
    } catch {
      throw new RulesFault(at, 'the folder does not exist', 'create it, or correct the path');
    }
    // The name and what it leads to: a link must not smuggle in what its own path would not.
    const reason = refuseMount(mount, place.home) ?? refuseMount({ ...mount, source: real }, place.home);
    if (reason !== undefined)
      throw new RulesFault(at, reason, 'mount a folder that holds nothing but what the server works on');
    return { ...mount, source: real };
  });
  const twice = mounts.find((one, i) => mounts.some((other, j) => j > i && other.target === one.target));
  if (twice) throw new RulesFault([...path, 'mounts'], 'two folders have the same place inside', 'give each its own');
  for (const name of Object.keys(config.env)) {
    const reason = refuseVariable(name);
    if (reason !== undefined) throw new RulesFault([...path, 'env', name], reason, 'leave it out');
  }
  const { memory, processes, files, cpu } = config;
  return { run: config.run, mounts, env: config.env, caps: { memory, processes, files, cpu } };
}
