/** Serves: HTTP on loopback, or one stdio client. */

import { serveHttpGateway, serveStdio } from '../serve.ts';
import { data, EXIT, shown } from '../terminal.ts';
import type { Verb } from '../verb.ts';
import { checkSite } from './check.ts';

export const run: Verb = {
  examples: ['doorward run', 'doorward run --stdio files', 'doorward run --dry-run', 'doorward --config team.yaml run'],
  build(command, done) {
    command
      .option('--stdio <upstream>', 'speak MCP on stdin and stdout; bridges to the gateway that runs, or is it')
      .option('--dry-run', 'check everything, open nothing')
      .action(async (_own, cmd) => {
        const options = cmd.optsWithGlobals();
        if (options.dryRun) {
          const { findings, upstreams } = checkSite(options.config);
          const critical = findings.filter(({ severity }) => severity === 'critical');
          for (const { text, fix } of critical)
            data(`refuses to start: ${shown(text, 1000)}\n  fix: ${shown(fix, 1000)}`);
          if (critical.length === 0) data(`would serve ${[...upstreams.keys()].join(', ') || 'nothing'}`);
          return done(critical.length === 0 ? EXIT.yes : EXIT.no);
        }
        if (options.stdio) {
          await serveStdio(options.config, options.stdio);
          return done(EXIT.yes);
        }
        await serveHttpGateway(options.config, [`next     doorward --config ${options.config} audit tail --follow`]);
      });
  },
};
