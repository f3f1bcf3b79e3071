/**
 * What the suite runs as the client under test where its server asks who calls: the operator writes the `credential`, the
 * user follows the links of the gateway as a browser would, and somebody lists and calls through the gateway.
 * `node sign-in.ts <folder> <url>`; the scenario comes by environment. The first one in a folder connects at the terminal
 * and reviews the server, and leaves its lockfile there; the others connect by the first call, and take that.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { http, META } from '../doors/client.ts';
import { OPEN_LIMITS, Site } from '../e2e/site.ts';
import { Browser } from '../secrets/credential/browser.ts';

interface Context {
  readonly issuer?: string;
  readonly client_id?: string;
  readonly client_secret?: string;
  readonly private_key_pem?: string;
}

const LOOPBACK = ['127.0.0.0/8', '::1/128'];
/** Times that a user signs in before giving up. */
const PATIENCE = 3;
/** The same in all scenarios. */
const TOOL = 'test-tool';

const [, , folder, url] = process.argv as [string, string, string, string];
const { MCP_CONFORMANCE_SCENARIO: scenario = '', MCP_CONFORMANCE_CONTEXT: json = '{}' } = process.env;
const { issuer, client_id: id, client_secret: secret, private_key_pem: key } = JSON.parse(json) as Context;
const reviewed = join(folder, 'doorward.lock');

const way = await credential();
// Nothing that an operator could write.
if (way === undefined) process.exit(1);
const site = new Site({
  upstreams: { suite: { url, private: LOOPBACK, credential: { ...way, private: LOOPBACK } } },
  policy: `policy: [{ to: local, allow: [suite.${TOOL}] }]`,
  more: `secrets: { connect: { port: 0 } }\n${OPEN_LIMITS}`,
  fill(dir) {
    for (const [name, text] of Object.entries({ secret, key }))
      if (text !== undefined) writeFileSync(join(dir, name), text, { mode: 0o600 });
  },
});
const person = new Browser('ana');
const lock = join(site.dir, 'doorward.lock');
try {
  if (existsSync(reviewed)) writeFileSync(lock, readFileSync(reviewed, 'utf8').replace(/http:\S*\/mcp/, url));
  else await review();
  await listAndCall();
} finally {
  site.close();
}

/** What an operator would write; undefined where the gateway has no such kind. */
async function credential(): Promise<object | undefined> {
  const proof = {
    ...(secret !== undefined && { secret: 'file:secret' }),
    ...(key !== undefined && { key: 'file:key' }),
  };
  const client = { id, ...proof };
  switch (scenario) {
    case 'auth/client-credentials-jwt':
    case 'auth/client-credentials-basic':
      return { 'client-credentials': { issuer: await issuerOf(url), client } };
    case 'auth/pre-registration':
      return { consent: { issuer, client } };
    case 'auth/basic-cimd':
      return { consent: { metadata: 'https://conformance-test.local/client-metadata.json' } };
    case 'auth/metadata-var2':
      // Its metadata name the whole host.
      return { consent: { register: true, resource: new URL(url).origin } };
    case 'auth/enterprise-managed-authorization':
    case 'auth/dpop':
    case 'auth/dpop-nonce':
    case 'auth/wif-jwt-bearer':
      return undefined;
    default:
      return { consent: { register: true } };
  }
}

/** An operator knows the issuer of a server that is not to be asked for it. */
async function issuerOf(server: string): Promise<string> {
  const { origin, pathname } = new URL(server);
  const facts = await fetch(`${origin}/.well-known/oauth-protected-resource${pathname}`);
  return ((await facts.json()) as { authorization_servers: [string] }).authorization_servers[0];
}

async function review(): Promise<void> {
  const child = site.spawn('connect', 'suite');
  const link = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
    child.once('exit', () => reject(new Error('no link')));
  });
  await person.connect(link);
  await new Promise((done) => child.once('exit', done));
  const { status, stderr } = site.run('review', '--yes', '--no-grants');
  if (status !== 0) throw new Error(stderr);
  writeFileSync(reviewed, readFileSync(lock));
}

async function listAndCall(): Promise<void> {
  const served = await site.serve();
  await ask(served.url, 'tools/list', {});
  for (let times = 0; times < PATIENCE; times++) {
    const said = await ask(served.url, 'tools/call', { name: TOOL, arguments: {} });
    const link = /http:\/\/127\.0\.0\.1:\d+\/connect\/[\w-]{43}/.exec(said)?.[0];
    if (link === undefined || !(await person.connect(link)).text.includes('<h1>Connected')) break;
  }
  await served.stop();
}

async function ask(gateway: string, method: string, more: { readonly name?: string; readonly arguments?: object }) {
  const _meta = { ...META, 'io.modelcontextprotocol/clientCapabilities': { elicitation: { url: {} } } };
  const { text } = await http(gateway, {
    path: '/suite',
    headers: {
      authorization: `Bearer ${site.token()}`,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      'mcp-name': more.name,
    },
    body: { jsonrpc: '2.0', id: 1, method, params: { ...more, _meta } },
  });
  return text;
}
