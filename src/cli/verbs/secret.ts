/** Secrets in the vault: put there, listed by name, followed by new ones, tried, removed. Values are never printed. */
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { restored } from '../../gateway/admin.ts';
import { alone } from '../../gateway/alone.ts';
import { prepareUpstreams } from '../../gateway/prepare.ts';
import { readSite, type Site } from '../../gateway/site.ts';
import { iso } from '../../lib/time.ts';
import { VAULT_NAME } from '../../secrets/references.ts';
import type { Label } from '../../secrets/vault/file.ts';
import type { Vault } from '../../secrets/vault/vault.ts';
import { httpSpec } from '../../upstreams/http/spec.ts';
import { credentialsOf } from '../credentials.ts';
import { readSecret } from '../hidden.ts';
import { holderFrom, holderOptions } from '../holder.ts';
import { byOwner } from '../owner.ts';
import { probe } from '../review/probe.ts';
import { count, data, EXIT, type Exit, json, shown, Trouble, table, talk } from '../terminal.ts';
import { told, vaultOf } from '../vault.ts';
import type { Verb } from '../verb.ts';

interface Options {
  readonly config: string;
  readonly tenant: string;
  readonly json?: boolean;
  readonly all?: boolean;
  readonly as?: string;
  readonly issuer?: string;
}

const DAY = 86_400_000;
/** Versions that stay beside the newest. */
const KEPT = 1;

export const secret: Verb = {
  examples: [
    'doorward secret set tickets < /run/secrets/tickets',
    'doorward secret list',
    'doorward secret rotate tickets',
    'doorward secret rotate-master',
  ],
  build(command, done) {
    const named = (verb: string, says: string) =>
      command
        .command(verb)
        .description(says)
        .argument('<name>', 'as in vault:<name>')
        .allowExcessArguments()
        .hook('preAction', (_, { args }) => {
          // Commander would quote it.
          if (args.length > 1)
            throw new Trouble(
              'a secret never stands on the command line: others can see it there',
              'pipe it in or type it; and change this one, which your shell remembers',
            );
        })
        .option('--tenant <name>', 'for callers of this tenant alone', '*');
    named('set', 'put a new secret into the vault; it is read from stdin, or typed without echo').action(
      async (name: string, _own, cmd: Command) => {
        const { vault, tenant } = await open(cmd, 'write');
        const label = await put(vault, tenant, name, (known) => {
          if (known) throw new Trouble(`${name} is there already`, `doorward secret rotate ${name}`);
        });
        say(`${name} is in the vault, version ${label.version}`);
        done(EXIT.yes);
      },
    );
    named('rotate', 'put a new value in the place of an old one, which stays as the version before').action(
      async (name: string, _own, cmd: Command) => {
        const { vault, tenant } = await open(cmd, 'write');
        const label = await put(vault, tenant, name, (known) => {
          if (!known) throw new Trouble(`no secret ${name}`, `doorward secret set ${name}`);
        });
        say(`${name} is version ${label.version} now; a running gateway uses it from the next request on`);
        done(EXIT.yes);
      },
    );
    command
      .command('list')
      .description('what there is, of which age; never a value')
      .option('--json', 'machine-readable output')
      .action(async (_own, cmd: Command) => {
        const { vault, options } = await open(cmd);
        print(await told(() => vault.list()), Date.now(), options.json === true);
        done(EXIT.yes);
      });
    named('test', 'open a secret; or call a server with its credential, and say what came of it').action(
      async (name: string, _own, cmd: Command) => {
        const { vault, tenant, options } = await open(cmd);
        const site = readSite(options.config);
        if (Object.hasOwn(site.config.upstreams, name)) return done(await tried(site, name, vault));
        const bytes = await told(() => vault.get('secret', tenant, checked(name)))!;
        if (bytes === undefined) throw new Trouble(`no secret ${name}`, `doorward secret set ${name}`, EXIT.no);
        say(`${name} opens: ${count(bytes.length, 'byte')}`);
        bytes.fill(0);
        done(EXIT.yes);
      },
    );
    named('remove', 'take a secret out of the vault, all its versions').action(
      async (name: string, _own, cmd: Command) => {
        const { vault, tenant } = await open(cmd);
        const gone = await told(() => vault.change((draft) => draft.remove('secret', tenant, checked(name))));
        if (gone === 0) throw new Trouble(`no secret ${name}`, undefined, EXIT.no);
        say(`${name} is gone`);
        done(EXIT.yes);
      },
    );
    holderOptions(
      command
        .command('revoke')
        .description('give back the token of a user at a server that wants consent, and forget it')
        .argument('<upstream>', 'the server'),
    )
      .option('--all', 'the tokens of all users')
      .action(async (upstream: string, _own, cmd: Command) => {
        const { vault, options } = await open(cmd);
        const site = readSite(options.config);
        let said = 'forgotten';
        const onEvent = ({ what, why }: Record<string, unknown>) => {
          said = `${String(what)}${why === undefined ? '' : ` (${shown(String(why))})`}`;
        };
        const { all, rules } = credentialsOf(site, vault, prepareUpstreams(site), { onEvent });
        const gone = await told(async () =>
          options.all
            ? await all.consented.revokeAll(upstream, rules(upstream))
            : Number(await all.consented.revoke(upstream, rules(upstream), holderFrom(options))),
        );
        if (gone === 0) throw new Trouble(`no token for ${shown(upstream, 64)}`, undefined, EXIT.no);
        say(`${count(gone, 'token')}: ${said}`);
        done(EXIT.yes);
      });
    command
      .command('rotate-master')
      .description('seal everything anew by a new master key; the old key opens nothing of it')
      .action(async (_own, cmd: Command) => {
        const { vault } = await open(cmd, 'anew');
        const entries = await told(async () => {
          if (!vault.exists) throw new Trouble('there is no vault yet', 'doorward secret set makes one');
          await vault.rotate();
          return vault.check();
        });
        say(`${count(entries, 'entry', 'entries')} sealed by a new key`);
        done(EXIT.yes);
      });
    command
      .command('accept-restore')
      .description('take the vault that is there for the newest, after you have restored an older one; the log has it')
      .action(async (_own, cmd: Command) => {
        const { vault, options } = await open(cmd);
        if (!(await told(() => vault.acceptRestore(logged(readSite(options.config))))))
          throw new Trouble('there is no vault', 'bring the copy back first', EXIT.no);
        say(`${count(vault.check(), 'entry', 'entries')} open; older copies are refused from now on`);
        done(EXIT.yes);
      });
  },
};

/** Nothing is done unless the log has it. */
function logged(site: Site) {
  return async (revision: number, newest: number | undefined): Promise<void> => {
    const wish = { do: 'restore', revision, ...(newest !== undefined && { newest }) } as const;
    const by = userInfo().username;
    const said = await byOwner(site, wish, (dir, at) =>
      alone(dir, at, (log) => (log.event('event.vault', restored(by, revision, newest)), {})),
    );
    if ('fault' in said) throw new Trouble('the running gateway refuses this', 'end it, and run this again');
  };
}

async function open(
  cmd: Command,
  use: 'write' | 'anew' = 'write',
): Promise<{ vault: Vault; tenant: string; options: Options }> {
  const options = cmd.optsWithGlobals<Options>();
  const site = readSite(options.config);
  return { vault: await told(() => vaultOf(site, use)), tenant: options.tenant, options };
}

async function put(vault: Vault, tenant: string, name: string, agree: (known: boolean) => void): Promise<Label> {
  checked(name);
  const known = await told(() => vault.list('secret').some((one) => one.name === name && one.tenant === tenant));
  agree(known);
  const value = await readSecret(`value of ${name}: `);
  if (value === '') throw new Trouble('the secret is empty', 'pipe it in, or type it');
  return told(() =>
    vault.change((draft) => {
      const bytes = Buffer.from(value);
      const label = draft.put('secret', tenant, name, bytes, KEPT);
      bytes.fill(0);
      return label;
    }),
  );
}

/** Asks a server as `review` does, and changes nothing. */
async function tried(site: Site, name: string, vault: Vault): Promise<Exit> {
  const upstreams = prepareUpstreams(site);
  const { of } = credentialsOf(site, vault, upstreams);
  const rules = upstreams.get(name)!;
  const credential = of(name, undefined);
  const spec = 'http' in rules ? httpSpec(name, rules.http, {}, rules.credential) : undefined;
  if (!credential || !spec || 'fault' in spec)
    throw new Trouble(`${name} has no credential`, 'write `credential` into its block');
  const { tools } = await probe(spec, credential);
  say(`${name} takes the credential: ${count(tools.length, 'tool')} listed`);
  return EXIT.yes;
}

function checked(name: string): string {
  if (VAULT_NAME.test(name)) return name;
  throw new Trouble(`\`${shown(name, 64)}\` is not a name`, 'use lower-case letters, digits, dots, - and _');
}

function print(labels: readonly Label[], at: number, asJson: boolean): void {
  if (asJson) return json({ entries: labels.map(({ created, ...rest }) => ({ ...rest, created: iso(created) })) });
  data(
    table(
      ['KIND', 'NAME', 'TENANT', 'VERSION', 'AGE'],
      labels.map(({ kind, name, tenant, version, created }) => [
        kind,
        shown(name, 64),
        shown(tenant, 40),
        String(version),
        count(Math.max(0, Math.floor((at - created) / DAY)), 'day'),
      ]),
    ),
  );
}

const say = (text: string): void => talk(text);
