/** One block under `upstreams:` in the configuration. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { schema as asks } from '../controls/asks/rules.ts';
import { RulesFault } from '../core/rules.ts';
import { type DestinationConfig, destination, isFault } from '../net/destination.ts';
import {
  type CredentialRules,
  compile as compileCredential,
  schema as credential,
} from '../secrets/credential/rules.ts';
import type { Asks } from '../wire/eras/asks.ts';
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

const file = z.string().min(1).max(4096);

/** Either `run` or `url`; what belongs to the other kind is refused by `compile`. */
export const schema = z.strictObject({
  run: z
    .array(z.string().min(1).max(4096))
    .min(1)
    .max(64)
    .optional()
    .describe('how the server is started: [npx, -y, "name@exact version", ...] or [node, ./server.js, ...]'),
  sandbox: z.enum(['bubblewrap']).optional().describe('where the server runs: bubblewrap, which is the default'),
  mounts: z
    .record(file, z.string().min(2).max(4096))
    .optional()
    .describe('folders of this machine that the server sees: { ./notes: /data }; read-only unless "/data:rw"'),
  env: z
    .record(z.string(), z.string().max(32_768))
    .optional()
    .describe('environment variables of the server; it has no others'),
  memory: size
    .refine((bytes) => bytes >= 64 * MIB, 'a Node server needs at least 64MiB')
    .optional()
    .describe('memory of the whole sandbox; half of it is scratch space; 512MiB by default'),
  processes: z.int().min(16).max(4096).optional().describe('processes and threads, 128 by default; Node alone has 11'),
  files: z.int().min(64).max(65_536).optional().describe('open files of one process; 1024 by default'),
  cpu: z.number().min(0.1).max(64).optional().describe('processors, 1 by default; 0.5 is half of one'),
  url: z
    .string()
    .min(1)
    .optional()
    .describe('where the server is: https://host/path; http only on this machine, with `private`'),
  transport: z
    .enum(['http', 'sse'])
    .optional()
    .describe('how the server is spoken to: Streamable HTTP, or HTTP+SSE for a server that has nothing newer'),
  private: z
    .array(z.string())
    .max(16)
    .optional()
    .describe('networks that are not public and may be reached for this server: [10.20.0.0/16]'),
  tls: z
    .strictObject({
      ca: file.optional().describe('file of the authority that vouches for the server, instead of those of the system'),
      pin: z
        .array(z.string())
        .min(1)
        .max(8)
        .optional()
        .describe('keys of the server, any of which it must have: ["sha256/..."]'),
      cert: file.optional().describe('file of our client certificate'),
      key: file.optional().describe('file of its key'),
    })
    .optional()
    .describe('how the server proves who it is, and we to it; TLS 1.3 in any case'),
  credential: credential.optional(),
  asks: asks.optional(),
  shared: z
    .literal(true)
    .optional()
    .describe('agents of one tenant meet here: what one writes, others read with the taint that it was written with'),
  extensions: z
    .array(z.enum(['tasks', 'apps']))
    .max(2)
    .optional()
    .describe('extensions of MCP that server and clients may use: tasks, apps; none by default'),
  apps: z
    .strictObject({
      domains: z
        .array(
          z
            .string()
            .regex(/^(?:https|wss):\/\/[a-z0-9.-]{1,253}(?::[1-9][0-9]{0,4})?$/, 'write https://host, and no *'),
        )
        .max(64)
        .default([])
        .describe('where an app may connect to and load from: [https://api.example.com]'),
      permissions: z
        .array(z.enum(['camera', 'microphone', 'geolocation', 'clipboardWrite']))
        .default([])
        .describe('what an app may ask of the browser'),
    })
    .optional()
    .describe('bounds of MCP Apps, where `extensions` has apps'),
});

export type UpstreamConfig = z.infer<typeof schema>;

/** One upstream, checked, with absolute paths. */
export type UpstreamRules = StdioRules | HttpRules;
export interface StdioRules {
  /** Absent: the server may ask for nothing. */
  readonly asks?: Asks;
  readonly run: readonly string[];
  readonly mounts: readonly Mount[];
  /** As configured: references to secrets are not looked up yet. */
  readonly env: Readonly<Record<string, string>>;
  readonly caps: Caps;
}
export interface HttpRules {
  readonly asks?: Asks;
  readonly http: DestinationConfig;
  readonly credential?: CredentialRules;
  /** Absent: Streamable HTTP. */
  readonly transport?: 'sse';
}

const STDIO_ONLY = ['sandbox', 'mounts', 'env', 'memory', 'processes', 'files', 'cpu'] as const;
const HTTP_ONLY = ['transport', 'private', 'tls', 'credential'] as const;

/** What the compiler may ask of the file system and the user. */
export interface RulesPlace {
  /** Folder of the configuration file. */
  readonly configDir: string;
  /** Home folder of the user that runs the gateway. */
  readonly home: string;
  /** The path with symbolic links resolved; throws when it does not exist. */
  readonly realpath: (path: string) => string;
}

type Path = readonly (string | number)[];

/** Throws RulesFault; `path` leads to the block (`['upstreams', 'files']`). */
export function compile(config: UpstreamConfig, path: Path, place: RulesPlace): UpstreamRules {
  const { run, url } = config;
  if (url !== undefined && run !== undefined)
    throw new RulesFault([...path, 'url'], 'both `run` and `url`', 'keep the one that is meant');
  if (config.apps !== undefined && !config.extensions?.includes('apps'))
    throw new RulesFault(
      [...path, 'apps'],
      '`apps` without the extension',
      'add apps to `extensions`, or leave it out',
    );
  const foreign = (url === undefined ? HTTP_ONLY : STDIO_ONLY).find((member) => config[member] !== undefined);
  if (foreign !== undefined) {
    const kind = url === undefined ? 'reached by `url`' : 'started by `run`';
    throw new RulesFault([...path, foreign], `\`${foreign}\` is for a server that is ${kind}`, 'leave it out');
  }
  if (url !== undefined) return compileHttp({ ...config, url }, path, place);
  if (run === undefined)
    throw new RulesFault(path, 'neither `run` nor `url`', 'say how the server is started, or where it is');
  return compileStdio({ ...config, run }, path, place);
}

function compileHttp(
  { url, transport, private: named, tls, asks, credential: proof }: UpstreamConfig & { url: string },
  path: Path,
  place: RulesPlace,
): HttpRules {
  const at = (name: string | undefined) => (name === undefined ? undefined : resolve(place.configDir, name));
  for (const member of ['ca', 'cert', 'key'] as const) {
    const name = at(tls?.[member]);
    if (name === undefined) continue;
    try {
      place.realpath(name);
    } catch {
      throw new RulesFault([...path, 'tls', member], 'the file does not exist', 'create it, or correct the path');
    }
  }
  const http: DestinationConfig = {
    url,
    ...(named && { private: named }),
    ...(tls && { tls: { ca: at(tls.ca), pin: tls.pin, cert: at(tls.cert), key: at(tls.key) } }),
  };
  const made = destination(http);
  if (isFault(made)) throw new RulesFault([...path, ...made.at], made.fault, made.fix);
  if (transport === 'sse' && proof)
    throw new RulesFault([...path, 'credential'], 'not over HTTP+SSE', 'leave it out, or use a server of today');
  const ca = at(tls?.ca);
  const near = { private: named ?? [], ...(ca !== undefined && { ca }) };
  const rules = proof && {
    credential: compileCredential(proof, [...path, 'credential'], url, place.configDir, near),
  };
  return { http, ...(transport === 'sse' && { transport }), ...rules, ...granted(asks) };
}

function compileStdio(config: UpstreamConfig & { run: readonly string[] }, path: Path, place: RulesPlace): StdioRules {
  const { run, env = {}, memory = 512 * MIB, processes = 128, files = 1024, cpu = 1 } = config;
  const mounts = Object.entries(config.mounts ?? {}).map(([source, target]) => {
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
  for (const name of Object.keys(env)) {
    const reason = refuseVariable(name);
    if (reason !== undefined) throw new RulesFault([...path, 'env', name], reason, 'leave it out');
  }
  return { run, mounts, env, caps: { memory, processes, files, cpu }, ...granted(config.asks) };
}

function granted(asks: UpstreamConfig['asks']): { asks?: Asks } {
  if (!asks) return {};
  const { elicitation = [], sampling = false, roots = false } = asks;
  return { asks: { elicitation: [...new Set(elicitation)], sampling, roots } };
}
