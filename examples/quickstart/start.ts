/** `npm start`: a published MCP server over a folder of notes, in a sandbox, behind Doorward. */
import { relative } from 'node:path';
import { serveHttpGateway } from '../../src/cli/serve.ts';
import { ensureBubblewrap, quickstartSite } from './site.ts';

ensureBubblewrap();
const site = quickstartSite();
process.on('exit', site.remove);
const file = relative(process.cwd(), site.config);
try {
  await serveHttpGateway(file, [
    'tour     npm run tour',
    `next     npm run doorward -- --config ${file} audit tail --follow`,
  ]);
} catch (error) {
  process.stderr.write(`doorward: error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
