/** Why would this call pass? The same loop as in production, on a view of the state, with no upstream and no log. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Caller } from '../../core/call.ts';
import { CODES, type Code } from '../../core/codes/index.ts';
import { ORDER_IN, ORDER_OUT } from '../../core/order.ts';
import type { Step } from '../../core/ports.ts';
import { type Explained, explain as explainCall } from '../../gateway/explain.ts';
import { recallHalts } from '../../gateway/halts.ts';
import { localIdentity } from '../../identity/local.ts';
import { parseJson, REQUEST_CAPS } from '../../lib/json/scan.ts';
import type { Json } from '../../lib/json/types.ts';
import { memoryState } from '../../store/memory.ts';
import { readPrivate } from '../../store/private.ts';
import { data, EXIT, json, shown, Trouble, table } from '../terminal.ts';
import type { Verb } from '../verb.ts';
import { checkSite } from './check.ts';

export const explain: Verb = {
  examples: [
    'doorward explain files.read_text_file \'{"path":"/data/a.txt"}\'',
    'doorward explain files.write_file \'{"path":"/data/a.txt","content":"x"}\' --as alice.json',
    'doorward explain --order',
    "doorward explain files.read_text_file '{}' --json",
  ],
  build(command, done) {
    command
      .argument('[tool]', 'upstream.tool')
      .argument('[arguments]', 'arguments as JSON', '{}')
      .option('--as <file>', 'claims of another caller: {"subject","tenant","groups","scopes",...}')
      .option('--order', 'show the order of checks and leave')
      .option('--json', 'machine-readable output')
      .action(async (tool: string | undefined, text: string, _own, cmd) => {
        const options = cmd.optsWithGlobals();
        if (options.order) return done(printOrder());
        if (tool === undefined) throw new Trouble('name a tool', "doorward explain files.read_text_file '{}'");
        const [upstream, name] = split(tool);
        const args = parseJson(Buffer.from(text), REQUEST_CAPS);
        if (!args.ok)
          throw new Trouble(
            `the arguments are not JSON that Doorward accepts (${args.why} at byte ${args.at})`,
            'quote them for the shell with single quotes',
          );
        const prepared = checkSite(options.config);
        const { routes } = prepared.snapshot;
        if (!routes.has(upstream))
          throw new Trouble(`no upstream \`${upstream}\``, `one of: ${[...routes.keys()].join(', ')}`);
        const at = Date.now();
        const caller = options.as ? readCaller(options.as) : localIdentity('-', 'local').caller;
        const state = memoryState(Date.now);
        recallHalts(prepared.site.stateDir, { read: readPrivate }, state);
        const result = await explainCall(
          entryOf(upstream, name, args.value, caller, at),
          prepared.snapshot,
          state,
          Date.now,
        );
        if (options.json) json({ tool, caller: caller.subject, ...result });
        else print(tool, caller, result);
        done(result.verdict === 'pass' ? EXIT.yes : EXIT.no);
      });
  },
};

function split(tool: string): [upstream: string, name: string] {
  const dot = tool.indexOf('.');
  if (dot < 1) throw new Trouble(`\`${tool}\` is not upstream.tool`, 'write files.read_text_file');
  return [tool.slice(0, dot), tool.slice(dot + 1)];
}

function entryOf(route: string, name: string, args: Json, caller: Caller, at: number) {
  return {
    id: 'EXPLAIN',
    at,
    peer: { listener: 'kit' as const, address: '-' },
    caller,
    route,
    said: {
      era: '2026-07-28' as const,
      method: 'tools/call',
      family: 'call' as const,
      name,
      args,
      claimed: { capabilities: {} },
      trace: {},
      session: '-',
    },
  };
}

const words = z.array(z.string()).default([]);
const claims = z.strictObject({
  subject: z.string().min(1),
  tenant: z.string().default('local'),
  agent: words,
  groups: words,
  scopes: words,
  issuer: z.string().default('explain'),
  claims: z.record(z.string(), z.json()).default({}),
});

function readCaller(file: string): Caller {
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new Trouble(`${file} is not a JSON file`, 'write {"subject":"alice","groups":["engineering"]}');
  }
  const parsed = claims.safeParse(raw);
  if (!parsed.success)
    throw new Trouble(
      `${file}: ${parsed.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': ')).join('; ')}`,
      'write {"subject":"alice","groups":["engineering"]}',
    );
  const { claims: verified, ...rest } = parsed.data;
  return { ...rest, how: 'jwt', strength: { amr: [] }, credential: 'explain', claims: verified as Caller['claims'] };
}

function print(tool: string, caller: Caller, result: Explained): void {
  data(
    `${shown(caller.subject)}  ${shown(tool)}  ->  ${result.verdict.toUpperCase()}          rules ${result.rulesId}`,
  );
  if (result.trail.length === 0) data(line('inventory', 'STOP', result.code, result.hint));
  else data(line('inventory', 'pass', undefined, 'pinned, unchanged, may be listed'));
  for (const step of result.trail) data(printStep(step, result));
  if (
    result.verdict !== 'pass' &&
    result.code &&
    result.trail.length > 0 &&
    !result.trail.some(({ verdict }) => verdict.kind === 'stop' || verdict.kind === 'ask')
  )
    data(line(result.code.split('.')[0]!, result.verdict.toUpperCase(), result.code, result.hint));
}

function printStep({ id, verdict }: Step, { reasons }: Explained): string {
  const because = id === 'policy' && reasons.length > 0 ? reasons.join(', ') : undefined;
  switch (verdict.kind) {
    case 'pass':
      return line(id, verdict.ask ? 'ASK' : 'pass', verdict.ask, because);
    case 'edit':
      return line(id, 'edit', verdict.code, verdict.what);
    case 'stop':
      return line(id, 'STOP', verdict.code, [verdict.detail, because, hintOf(verdict.code)].filter(Boolean).join('; '));
    case 'ask':
      return line(id, 'ASK', 'approval.needed', 'a person decides: doorward approve');
  }
}

/** What an operator can do; asking this verb is done already. */
function hintOf(code: Code): string | undefined {
  const { hint } = CODES[code];
  return hint.startsWith('doorward explain') ? undefined : hint;
}

function line(id: string, verdict: string, code?: string, why?: string): string {
  return `  ${id.padEnd(10)} ${verdict.padEnd(5)} ${[code, why && shown(why, 400)].filter(Boolean).join('  ')}`.trimEnd();
}

function printOrder(): 0 {
  const rows = (order: typeof ORDER_IN, way: string) =>
    order.map(({ id, on, question }) => [way, id, [...on].join(' '), question]);
  data(
    table(
      ['WAY', 'CONTROL', 'FAMILIES', 'QUESTION'],
      [
        ...rows(ORDER_IN, 'in'),
        ['--', 'intent', '(calls that are dispatched)', 'durable, or the call stops'],
        ...rows(ORDER_OUT, 'out'),
      ],
    ),
  );
  return EXIT.yes;
}
