/** Gateways as users start them: the program in a process of its own, over a folder with configuration and lockfile. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseLock } from '../../src/inventory/parse.ts';

export const MAIN = join(import.meta.dirname, '../../src/cli/main.ts');
const MODULES = join(import.meta.dirname, '../../node_modules');
const SERVERS = join(import.meta.dirname, '../fixtures/servers');
/** Root is refused outside a container; these tests may run anywhere. */
const RISK = process.getuid?.() === 0 ? '\nunsafe: { run-as-root: tests run as whoever runs them }\n' : '';

/** Limits that a test does not run into. */
export const OPEN_LIMITS =
  'limits: { subject: { minute: 100000, burst: 100000, at-once: 100 }, same: { minute: 100000, burst: 100000 }, upstream: { minute: 100000, burst: 100000 } }\n';

export interface SiteOptions {
  /** Servers by upstream name: file in test/fixtures/servers, and its arguments. */
  readonly servers?: Readonly<Record<string, readonly [file: string, ...args: string[]]>>;
  /** Blocks of further upstreams, as the configuration has them. Published packages are found without a registry. */
  readonly upstreams?: Readonly<Record<string, object>>;
  /** Puts files into the folder before anything runs. */
  readonly fill?: (dir: string) => void;
  /** Browser origins that may call. */
  readonly origins?: readonly string[];
  /** `policy:` block; by default everything of every upstream is granted by the review. */
  readonly policy?: string;
  readonly more?: string;
}

export interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class Site {
  readonly dir = mkdtempSync(join(tmpdir(), 'doorward-e2e-'));
  readonly config = join(this.dir, 'doorward.yaml');
  readonly audit = join(this.dir, '.doorward/audit');
  readonly #children = new Set<ChildProcess>();

  constructor({ servers = {}, upstreams = {}, fill, origins = [], policy = 'policy: []', more = '' }: SiteOptions) {
    const blocks: Record<string, object> = { ...upstreams };
    for (const [name, [file, ...args]] of Object.entries(servers)) {
      const own = join(this.dir, name);
      mkdirSync(own);
      cpSync(join(SERVERS, file), join(own, file));
      blocks[name] = { run: ['node', `./${name}/${file}`, ...args] };
    }
    if (Object.keys(upstreams).length > 0) symlinkSync(MODULES, join(this.dir, 'node_modules'));
    fill?.(this.dir);
    const lines = Object.entries(blocks).map(([name, block]) => `  ${name}: ${JSON.stringify(block)}\n`);
    const listen = JSON.stringify({ port: 0, origins });
    writeFileSync(
      this.config,
      `doorward: 1\nlisten: ${listen}\nupstreams:\n${lines.join('')}${policy}\n${more}${RISK}`,
    );
  }

  /** Runs a verb to its end. */
  run(...args: string[]): Result {
    return spawnSync(process.execPath, [MAIN, '--config', this.config, ...args], {
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, NO_COLOR: '1' },
    });
  }

  /** Pins everything and grants everything, whatever the guesses say. */
  review(): void {
    const { status, stderr, stdout } = this.run('review', '--yes');
    if (status !== 0) throw new Error(stderr + stdout);
    writeFileSync(this.config, readFileSync(this.config, 'utf8').replace(/^( +)ask:/m, '$1allow:'));
  }

  /** Pins everything, of every kind, and grants it all. */
  reviewAll(): void {
    const { status, stderr, stdout } = this.run('review', '--yes', '--no-grants');
    if (status !== 0) throw new Error(stderr + stdout);
    const { upstreams } = parseLock(readFileSync(join(this.dir, 'doorward.lock'), 'utf8'));
    const names = [...upstreams].flatMap(([upstream, { things }]) =>
      things.map(({ kind, name }) => `${upstream}.${kind === 'tool' ? '' : `${kind}:`}${name}`),
    );
    const policy = `policy: ${JSON.stringify(names.length > 0 ? [{ to: 'local', allow: names }] : [])}`;
    writeFileSync(
      this.config,
      readFileSync(this.config, 'utf8').replace(/^policy:.*$/m, () => policy),
    );
  }

  token(): string {
    return readFileSync(join(this.dir, '.doorward/token'), 'utf8').trim();
  }

  spawn(...args: string[]): ChildProcess {
    return this.#start([MAIN, '--config', this.config, ...args]);
  }

  #start(args: readonly string[]): ChildProcess {
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  /** `doorward run`; resolves with its base URL. `flags` are Node's. */
  async serve(...flags: string[]): Promise<Served> {
    const child = this.#start([...flags, MAIN, '--config', this.config, 'run']);
    let said = '';
    const url = await new Promise<string>((resolve, reject) => {
      const hear = (chunk: Buffer) => {
        said += chunk.toString();
        const found = /(http:\/\/[0-9.]+:\d+)\//.exec(said);
        if (found) resolve(found[1]!);
      };
      child.stdout!.on('data', hear);
      child.stderr!.on('data', hear);
      child.once('exit', (code) => reject(new Error(`the gateway ended with ${code}:\n${said}`)));
    });
    return { url, child, said: () => said, stop: (signal = 'SIGTERM') => ended(child, signal) };
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export interface Served {
  readonly url: string;
  readonly child: ChildProcess;
  said(): string;
  /** Sends a signal and resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve(child.exitCode);
    child.once('exit', (code) => resolve(code));
    child.kill(signal);
  });
}

/** Processes whose command line holds the text: what a test must not leave behind. */
export function processesWith(text: string): string[] {
  return spawnSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((line) => line.includes(text) && !line.includes('ps -eo'));
}
