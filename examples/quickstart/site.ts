/**
 * Sets the quickstart up: bubblewrap is there, and as root the configuration is a copy in which the risk is named and
 * the server sees a copy of the folder.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const HERE = import.meta.dirname;

/** Makes bubblewrap available or says what to install. Talks on stderr. */
export function ensureBubblewrap(): void {
  const has = (program: string) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
  if (has('bwrap')) return;
  const command = ['apt-get', 'install', '-y', '--no-install-recommends', 'bubblewrap'];
  if (process.getuid?.() !== 0 || !has('apt-get')) {
    process.stderr.write('doorward: error: bubblewrap is not installed, and no server is started without a sandbox\n');
    process.stderr.write(
      'doorward: hint: Debian, Ubuntu: apt-get install bubblewrap; Fedora: dnf install bubblewrap; Arch: pacman -S bubblewrap\n',
    );
    process.exit(2);
  }
  process.stderr.write(`bubblewrap is missing; installing it: apt-get update && ${command.join(' ')}\n`);
  spawnSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 'ignore', 'inherit'] });
  spawnSync(command[0]!, command.slice(1), {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (has('bwrap')) return;
  process.stderr.write('doorward: error: bubblewrap could not be installed\n');
  process.exit(2);
}

export interface QuickstartSite {
  readonly config: string;
  /** The folder that the server sees. */
  readonly notes: string;
  /** Removes what was copied. */
  remove(): void;
}

/** `into` gets a copy of everything: always for the tour, and for root, whose server is nobody and sees a copy too. */
export function quickstartSite(into?: string): QuickstartSite {
  const root = process.getuid?.() === 0;
  if (!root && into === undefined)
    return { config: join(HERE, 'doorward.yaml'), notes: join(HERE, 'notes'), remove() {} };
  const dir = into ?? join(HERE, '.root');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  // Nobody cannot look into a clone below /root: the copy lies where everybody may pass.
  const notes = mkdtempSync(join(tmpdir(), 'doorward-notes-'));
  chmodSync(notes, 0o755);
  cpSync(join(HERE, 'notes'), notes, { recursive: true });
  cpSync(join(HERE, 'doorward.lock'), join(dir, 'doorward.lock'));
  const text = readFileSync(join(HERE, 'doorward.yaml'), 'utf8').replace('./notes:', `${JSON.stringify(notes)}:`);
  const risk = root
    ? '\nunsafe:\n  run-as-root: the quickstart was started as root; its server runs as nobody over a copy\n'
    : '';
  writeFileSync(join(dir, 'doorward.yaml'), text + risk);
  const remove = () => rmSync(notes, { recursive: true, force: true });
  return { config: join(dir, 'doorward.yaml'), notes, remove };
}
