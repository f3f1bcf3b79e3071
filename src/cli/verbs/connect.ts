/** Connects the account of a user at a server: serves the page on loopback, prints its link, waits for the way back. */
import type { Command } from 'commander';
import { openConnectPages } from '../../console/connect.ts';
import { openConnect } from '../../gateway/connect.ts';
import { prepareUpstreams } from '../../gateway/prepare.ts';
import { readSite } from '../../gateway/site.ts';
import { credentialsOf } from '../credentials.ts';
import { holderFrom, holderOptions } from '../holder.ts';
import { data, EXIT, Trouble, talk } from '../terminal.ts';
import { told, vaultOf } from '../vault.ts';
import type { Verb } from '../verb.ts';

/** Milliseconds that a person has. */
const PATIENCE = 600_000;

interface Options {
  readonly config: string;
  readonly as?: string;
  readonly tenant?: string;
  readonly issuer?: string;
}

export const connect: Verb = {
  examples: [
    'doorward connect tickets',
    'doorward connect tickets --as ana --tenant acme',
    'doorward connect tickets --as ana --issuer https://id.example.com',
    'doorward --config team.yaml connect tickets',
  ],
  build(command, done) {
    holderOptions(command.argument('<upstream>', 'a server whose credential is `consent`')).action(
      async (upstream: string, _own, cmd: Command) => {
        const options = cmd.optsWithGlobals<Options>();
        const site = readSite(options.config);
        const upstreams = prepareUpstreams(site);
        const vault = await told(() => vaultOf(site, 'write'));
        let heard: (data: { readonly [name: string]: unknown }) => void = () => {};
        const credentials = credentialsOf(site, vault, upstreams, { onEvent: (event) => heard(event) });
        const rules = credentials.rules(upstream);
        if (!upstreams.has(upstream))
          throw new Trouble(
            `no upstream \`${upstream}\` in ${options.config}`,
            upstreams.size > 0 ? `one of: ${[...upstreams.keys()].join(', ')}` : 'doorward init finds servers',
          );
        if (rules?.way.kind !== 'consent')
          throw new Trouble(`${upstream} takes no consent of users`, 'its `credential` has to be `consent`');
        const holder = holderFrom(options);
        const pages = await openConnect({
          site,
          open: openConnectPages,
          credentials: credentials.all,
          clock: Date.now,
          random: credentials.random,
          authenticate: () => 'identity.missing',
          // The owner of this machine answers for whom this is.
          known: () => true,
        }).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'EADDRINUSE') throw error;
          throw new Trouble(
            'the port of the pages is in use',
            'the gateway that runs serves them: make a call and follow its link, or end it first',
          );
        });
        try {
          const link = pages.offer({ upstream, rules, way: rules.way, holder, scopes: rules.way.scopes });
          talk('open this in a browser on this machine, within ten minutes:');
          data(link ?? '');
          const connected = await new Promise<boolean>((resolve) => {
            const timer = setTimeout(() => resolve(false), PATIENCE);
            heard = ({ what }) => {
              if (what !== 'connected') return;
              clearTimeout(timer);
              // The page is still on its way to the browser.
              setTimeout(() => resolve(true), 200);
            };
          });
          if (!connected) throw new Trouble('nobody connected', `doorward connect ${upstream}`, EXIT.no);
          talk(`${upstream} is connected`);
          done(EXIT.yes);
        } finally {
          await pages.close();
        }
      },
    );
  },
};
