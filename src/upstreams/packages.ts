/**
 * From a `run:` line to a folder that can be mounted and pinned. A package is fetched at most once, at review, with
 * install scripts off; afterwards its copy is what runs, offline (guarantee NV2).
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { parseRun } from '../inventory/packages/run.ts';
import { isObject } from '../lib/json/types.ts';
import { copyClosure, findPackage, manifest, openUp } from './closure.ts';
import { NODE } from './machine.ts';
import { type Tree, TreeKeeper, type TreeLimits } from './tree.ts';

/** Where the package lies inside the sandbox. */
export const PACKAGE = '/package';

export interface PreparedPackage {
  /** Folder of the host that is mounted as /package. */
  readonly dir: string;
  /** Program as seen inside. */
  readonly entry: string;
  /** Arguments after the program. */
  readonly args: readonly string[];
  /** `sha256:` + hex over the tree; what `doorward.lock` pins. */
  readonly digest: string;
  readonly files: number;
  /** Reads the tree again: before each start. */
  readonly check: () => Promise<Tree>;
}

/** Runs npm with these arguments; rejects when it fails. */
export type Npm = (args: readonly string[]) => Promise<void>;

export interface PackagePlace {
  readonly run: readonly string[];
  /** Doorward's state folder; copies go to `packages/` in it. */
  readonly stateDir: string;
  /** Folder of the configuration file. */
  readonly configDir: string;
  readonly npm: Npm;
  readonly clock: () => number;
}

/** The `run:` line cannot be turned into something to mount. The message is for the operator. */
export class PackageRefused extends Error {}

/** A server of one's own is a few files; a folder full of data is a mistake. */
const OWN_LIMITS: TreeLimits = { files: 10_000, bytes: 256 << 20 };

/** Rejects with PackageRefused or TreeRefused; a half-made copy is never left under its name. */
export async function preparePackage(place: PackagePlace): Promise<PreparedPackage> {
  const [program] = place.run;
  if (program === 'npx') return published(place);
  if (program === 'node') return ownFile(place);
  throw new PackageRefused('`run` starts with npx or node: other programs have no sandbox yet');
}

async function published({ run, stateDir, configDir, npm, clock }: PackagePlace): Promise<PreparedPackage> {
  const spec = parseRun(run);
  if ('fault' in spec) throw new PackageRefused(spec.fault);
  const { name, version, args } = spec;
  const dir = join(stateDir, 'packages', `${name}@${version}`);
  if (!existsSync(dir)) await bring(name, version, dir, configDir, npm);
  const home = join(dir, 'node_modules', name);
  const pack = manifest(home);
  if (pack['version'] !== version) throw new PackageRefused('the copy has another version; remove it and review again');
  const entry = join(PACKAGE, 'node_modules', name, bin(pack['bin'], name, home));
  return prepared(dir, entry, args, clock);
}

async function bring(name: string, version: string, dir: string, configDir: string, npm: Npm): Promise<void> {
  mkdirSync(dirname(dir), { recursive: true });
  const half = `${dir}.part`;
  const fresh = () => {
    rmSync(half, { recursive: true, force: true });
    mkdirSync(half, { recursive: true });
  };
  fresh();
  const found = findPackage(name, configDir);
  const installed = found !== undefined && manifest(found)['version'] === version ? realBase(found, name) : undefined;
  if (installed === undefined || !(await copyClosure(join(installed, 'node_modules', name), installed, half))) {
    fresh();
    const options = '--ignore-scripts --no-audit --no-fund --no-save --no-package-lock --omit=dev'.split(' ');
    await npm(['install', ...options, '--prefix', half, '--', `${name}@${version}`]);
  }
  openUp(half);
  renameSync(half, dir);
}

/** The folder that holds the `node_modules` in which the package lies. */
function realBase(found: string, name: string): string {
  const suffix = join('node_modules', name);
  return found.slice(0, -suffix.length - 1) || sep;
}

/** As npx chooses: the only program, or the one named like the package. */
function bin(value: unknown, name: string, home: string): string {
  const plain = name.slice(name.indexOf('/') + 1);
  const named = typeof value === 'string' ? value : isObject(value as never) ? pick(value as object, plain) : undefined;
  if (typeof named !== 'string') throw new PackageRefused('the package names no program to run');
  const full = resolve(home, named);
  if (!full.startsWith(home + sep) || !existsSync(full))
    throw new PackageRefused('the program lies outside the package');
  return relative(home, full);
}

function pick(programs: object, plain: string): unknown {
  const all = Object.entries(programs);
  return all.length === 1 ? all[0]![1] : all.find(([program]) => program === plain)?.[1];
}

/** `[node, ./servers/notes/server.js, ...]`: the folder of the file is mounted and pinned as a whole. */
async function ownFile({ run, stateDir, configDir, clock }: PackagePlace): Promise<PreparedPackage> {
  const [, file = '', ...args] = run;
  if (file.startsWith('-') || file === '') throw new PackageRefused('node takes a file first, no options');
  const full = resolve(configDir, file);
  if (!existsSync(full) || !statSync(full).isFile()) throw new PackageRefused('the file to run does not exist');
  const dir = realpathSync(dirname(full));
  for (const kept of [stateDir, configDir]) {
    const path = existsSync(kept) ? realpathSync(kept) : resolve(kept);
    if (path === dir || path.startsWith(dir === sep ? sep : dir + sep))
      throw new PackageRefused('put the server into a folder of its own: its whole folder is shown to it');
  }
  return prepared(dir, join(PACKAGE, basename(full)), args, clock, OWN_LIMITS);
}

async function prepared(
  dir: string,
  entry: string,
  args: readonly string[],
  clock: () => number,
  limits?: TreeLimits,
): Promise<PreparedPackage> {
  const keeper = new TreeKeeper(dir, limits);
  const check = () => keeper.read(clock());
  const { digest, files } = await check();
  return { dir, entry, args, digest, files, check };
}

/** What is run inside. Half of the memory is for JavaScript objects: V8 cannot see the cap of the sandbox. */
export function command(prepared: Pick<PreparedPackage, 'entry' | 'args'>, memory: number): readonly string[] {
  return [NODE, `--max-old-space-size=${Math.floor(memory / 2 / (1 << 20))}`, prepared.entry, ...prepared.args];
}

/** npm of the PATH, without a shell and with nothing of the environment but what it needs to find a registry. */
export function npmCommand(env: Readonly<Record<string, string | undefined>>): Npm {
  const kept = Object.fromEntries(
    Object.entries(env).filter(([name]) =>
      /^(PATH|HOME|USER|LANG|TMPDIR|NODE_EXTRA_CA_CERTS|npm_config_.*|https?_proxy|no_proxy)$/i.test(name),
    ),
  );
  return (args) =>
    new Promise((done, fail) => {
      execFile(
        'npm',
        [...args],
        { env: kept as NodeJS.ProcessEnv, timeout: 300_000, maxBuffer: 1 << 20 },
        (error, _out, talk) => (error ? fail(new PackageRefused(`npm failed: ${talk.slice(-512).trim()}`)) : done()),
      );
    });
}
