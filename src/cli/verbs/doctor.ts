/** Looks at this machine and this set-up; every line that is not well has a fix. Changes nothing. */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync } from 'node:fs';
import { createServer } from 'node:net';
import { ConfigError } from '../../config/fault.ts';
import type { Severity } from '../../config/posture/finding.ts';
import { placeOf } from '../../gateway/prepare.ts';
import { VERSION } from '../../gateway/version.ts';
import { stateFolder } from '../../store/folder.ts';
import { NoSandbox, thisMachine } from '../../upstreams/machine.ts';
import { findServers } from '../clients/find.ts';
import { thesePlaces, thisHost } from '../machine.ts';
import { data, EXIT, json, paint, shown } from '../terminal.ts';
import type { Verb } from '../verb.ts';
import { checkSite } from './check.ts';

interface Line {
  readonly what: string;
  readonly state: 'ok' | Severity;
  readonly text: string;
  readonly fix?: string;
}

export const doctor: Verb = {
  examples: [
    'doorward doctor',
    'doorward doctor --json',
    'doorward --config team.yaml doctor',
    'NO_COLOR=1 doorward doctor',
  ],
  build(command, done) {
    command.option('--json', 'machine-readable output').action(async (_own, cmd) => {
      const options = cmd.optsWithGlobals();
      const lines = [...runtime(), ...sandbox(), ...(await site(options.config)), ...clients()];
      if (options.json) json({ lines });
      else for (const line of lines) data(printLine(line));
      done(lines.some(({ state }) => state === 'critical' || state === 'high') ? EXIT.no : EXIT.yes);
    });
  },
};

function printLine({ what, state, text, fix }: Line): string {
  const mark = paint(state === 'ok' ? 'green' : state === 'note' ? 'dim' : 'yellow', state.padEnd(8));
  return `${mark} ${what.padEnd(10)} ${text}${fix ? `\n${' '.repeat(20)}fix: ${fix}` : ''}`;
}

function runtime(): Line[] {
  const { root, container } = thisHost();
  return [
    {
      what: 'doorward',
      state: 'ok',
      text: `${VERSION} on Node ${process.versions.node}, OpenSSL ${process.versions.openssl}`,
    },
    root && !container
      ? { what: 'user', state: 'medium', text: 'this is root', fix: 'run doorward as a normal user' }
      : { what: 'user', state: 'ok', text: root ? 'root in a container' : 'a normal user' },
  ];
}

function sandbox(): Line[] {
  try {
    const machine = thisMachine();
    const version = spawnSync(machine.tools.bwrap, ['--version'], { encoding: 'utf8' }).stdout?.trim();
    return [
      {
        what: 'sandbox',
        state: 'ok',
        text: `${shown(version || 'bubblewrap')}, seccomp, servers as ${machine.drop === 'nobody' ? 'nobody' : 'this user in a user namespace'}`,
      },
    ];
  } catch (error) {
    if (!(error instanceof NoSandbox)) throw error;
    return [{ what: 'sandbox', state: 'critical', text: error.message, fix: error.fix }];
  }
}

async function site(file: string): Promise<Line[]> {
  if (!existsSync(file)) return [{ what: 'config', state: 'note', text: `no ${file} here`, fix: 'doorward init' }];
  try {
    const prepared = checkSite(file);
    const { findings, site: own } = prepared;
    const { listen, console } = own.config;
    return [
      { what: 'config', state: 'ok', text: `${file} is valid, rules ${prepared.snapshot.id}` },
      ...findings.map((finding) => ({
        what: finding.code.replace('posture.', ''),
        state: finding.severity,
        text: shown(`${placeOf(own, finding)}: ${finding.text}`, 1000),
        fix: finding.fix,
      })),
      ...permissions(own.stateDir),
      await portLine('port', listen.host, listen.port, 'listen.port'),
      ...(console ? [await portLine('console', '127.0.0.1', console.port, 'console.port')] : []),
    ];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map((fault) => ({
      what: 'config',
      state: 'critical',
      text: shown(`${fault.file}:${fault.line}:${fault.column}: ${fault.message}`, 1000),
      fix: shown(fault.fix, 1000),
    }));
  }
}

function permissions(stateDir: string): Line[] {
  const { root, token, keys } = stateFolder(stateDir);
  return [root, token, keys].filter(existsSync).map((path) => {
    const stat = lstatSync(path);
    const open = (stat.mode & 0o077) !== 0 || (process.getuid !== undefined && stat.uid !== process.getuid());
    return open
      ? {
          what: 'state',
          state: 'critical',
          text: `${path} is open to others or belongs to another`,
          fix: `chmod ${stat.isDirectory() ? 700 : 600} ${path}, and make a new token and keys if others could read them`,
        }
      : { what: 'state', state: 'ok', text: `${path} is for this user alone` };
  });
}

function portLine(what: string, host: string, port: number, key: string): Promise<Line> {
  if (port === 0) return Promise.resolve({ what, state: 'ok', text: 'any free port' });
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve({
        what,
        state: 'note',
        text: code === 'EADDRINUSE' ? `${host}:${port} is taken (a running gateway?)` : `${host}:${port}: ${code}`,
        fix: `end what uses it, or set ${key}`,
      }),
    );
    server.listen(port, host, () =>
      server.close(() => resolve({ what, state: 'ok', text: `${host}:${port} is free` })),
    );
  });
}

function clients(): Line[] {
  const { servers, faults } = findServers(thesePlaces());
  return [
    ...faults.map((fault) => ({
      what: 'client',
      state: 'note' as const,
      text: shown(fault, 400),
      fix: 'mend the file',
    })),
    ...servers
      .filter(({ notices }) => notices.length > 0)
      .map(({ client, name, notices }) => ({
        what: 'client',
        state: 'low' as const,
        text: `${client}: ${shown(name)}: ${notices.join(', ')}`,
        fix: 'doorward init, then let the client talk to Doorward',
      })),
  ];
}
