/**
 * What a call costs before any socket and any disk: from the bytes of the request to those of the answer, in one process,
 * as multiples of a yardstick that is measured in the same run (both messages parsed, written and hashed once). Sockets
 * are most of a call's time and all of its noise; what a change adds to each call shows here, on a busy machine too.
 */
import { generateKeyPairSync, hash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Disk } from '../src/audit/disk.ts';
import { type AuditLog, openAudit } from '../src/audit/log.ts';
import type { Caller, Handler } from '../src/core/call.ts';
import type { Log } from '../src/core/ports.ts';
import { mayHold, redactText } from '../src/detect/secrets.ts';
import { finalMessage } from '../src/doors/message.ts';
import { hear } from '../src/doors/speech.ts';
import { harden } from '../src/gateway/harden.ts';
import { localIdentity } from '../src/identity/local.ts';
import { parseJson, REPLY_CAPS } from '../src/lib/json/scan.ts';
import type { JsonObject } from '../src/lib/json/types.ts';
import { memoryState } from '../src/store/memory.ts';
import { resultSlice } from '../src/upstreams/member.ts';
import { classify } from '../src/wire/eras/classify.ts';
import { frames } from '../src/wire/frame.ts';
import { protocolHeaders } from '../src/wire/headers.ts';
import { args, PAYLOADS, TOKEN } from './payloads.ts';
import { snapshotWithout } from './site.ts';

/** Payload -> subject -> yardsticks a call. */
type Figures = Readonly<Record<string, Readonly<Record<string, number>>>>;
const FILE = join(import.meta.dirname, 'cost.json');
/** From this much on a difference to the committed figures is told. */
const NOTICE = 0.15;
/** Many short ones: the best tenth of them was not disturbed. */
const ROUNDS = 40;
const CLIENTS = 32;

const SUBJECTS: Readonly<Record<string, readonly (readonly [name: string, without: string])[]>> = {
  small: [
    ['full', ''],
    ['core', 'screen'],
    ...['limits', 'input', 'policy', 'redact', 'output', 'audit'].map((id) => [`without ${id}`, id] as const),
  ],
  '10kB': [
    ['full', ''],
    ['core', 'screen'],
  ],
};

const request = Buffer.from(
  JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name: 'echo',
      arguments: args(1, false),
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  }),
);
const HEADERS = ['MCP-Protocol-Version', '2026-07-28', 'Mcp-Method', 'tools/call', 'Mcp-Name', 'echo'];
const peer = { listener: 'http', address: '127.0.0.1' } as const;

/** Every line is made and chained, and the disk is told at once that it is there. */
const NO_DISK: Disk = {
  append: async () => ({ write: (_, done) => done(null), sync: (done) => done(null), async close() {} }),
  async replace() {},
};
const NO_LOG: Log = { intent() {}, outcome() {}, attempt() {}, event() {} };

function subject(caller: Caller, reply: Buffer, without: string, audit: Log): () => Promise<void> {
  const snapshot = snapshotWithout([without]);
  const handler: Handler = () => {
    const parsed = parseJson(reply, REPLY_CAPS);
    if (!parsed.ok) throw new Error('not a reply');
    const { result } = parsed.value as { result: JsonObject };
    return { kind: 'result', value: result, bytes: reply.subarray(...resultSlice(reply, 1)!) };
  };
  const gate = harden({
    snapshot: () => snapshot,
    world: { state: memoryState(Date.now), log: without === 'audit' ? NO_LOG : audit, clock: Date.now },
    handlers: () => handler,
    authenticate: () => caller,
    random: randomBytes,
  });
  return async () => {
    const frame = frames(request);
    const headers = protocolHeaders(HEADERS);
    if ('fault' in frame || frame.kind !== 'request' || typeof headers === 'string') throw new Error('not a request');
    const heard = hear(frame, classify(frame, headers) as 'modern');
    if ('fault' in heard || heard.kind !== 'call') throw new Error('not a call');
    const { said, codec, method, id } = heard;
    const entry = { id: gate.id(), at: Date.now(), peer, caller, route: 'bench', said };
    const end = await gate.call(entry, () => {}, new AbortController());
    if (!('outcome' in end) || end.outcome.kind !== 'reply') throw new Error('refused');
    finalMessage(codec, method, id, end.message);
  };
}

function yardstick(reply: Buffer): () => Promise<void> {
  return async () => {
    for (const bytes of [request, reply]) {
      const text = JSON.stringify(JSON.parse(bytes.toString()));
      hash('sha256', text);
    }
  };
}

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as (how: object) => void;

/** CPU microseconds a call. Each begins with an empty young generation: else one of them pays for what all have left. */
async function cpu(one: () => Promise<void>, calls: number): Promise<number> {
  gc({ type: 'minor' });
  const before = process.cpuUsage();
  for (let done = 0; done < calls; done += CLIENTS) await Promise.all(Array.from({ length: CLIENTS }, one));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

async function measured(): Promise<Figures> {
  const dir = mkdtempSync(join(tmpdir(), 'doorward-cost-'));
  const audit: AuditLog = await openAudit({
    dir,
    own: () => ({ release() {} }),
    keys: generateKeyPairSync('ed25519'),
    clock: Date.now,
    random: randomBytes,
    redact: redactText,
    mayHold,
    disk: NO_DISK,
  });
  const { caller } = localIdentity(TOKEN, 'bench');
  const figures: Record<string, Record<string, number>> = {};
  for (const [payload, rows] of Object.entries(SUBJECTS)) {
    const reply = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, result: PAYLOADS[payload]! }));
    const calls = payload === 'small' ? 480 : 128;
    const all = [yardstick(reply), ...rows.map(([, without]) => subject(caller, reply, without, audit))].map((one) => ({
      one,
      times: [] as number[],
    }));
    for (const { one } of all) await cpu(one, 10 * calls);
    for (let round = 0; round < ROUNDS; round++) for (const each of all) each.times.push(await cpu(each.one, calls));
    const [unit, ...least] = all.map(({ times }) => times.sort((a, b) => a - b)[ROUNDS / 10]!);
    figures[payload] = Object.fromEntries(rows.map(([name], i) => [name, Math.round((100 * least[i]!) / unit!) / 100]));
  }
  await audit.close();
  rmSync(dir, { recursive: true, force: true });
  return figures;
}

/** A table beside the committed figures, which `write` replaces; and a sentence where one has changed by more than noise. */
export async function measureCost(write: boolean): Promise<string[]> {
  const now = await measured();
  const committed = JSON.parse(readFileSync(FILE, 'utf8')) as Figures;
  const lines = [
    '\n### A call without sockets and disk\n',
    '| payload | subject | yardsticks | committed |',
    '| --- | --- | --- | --- |',
  ];
  const notices: string[] = [];
  for (const [payload, rows] of Object.entries(now)) {
    for (const [name, figure] of Object.entries(rows)) {
      const before = committed[payload]?.[name];
      lines.push(`| ${payload} | ${name} | ${figure} | ${before ?? '-'} |`);
      if (before === undefined || Math.abs(figure / before - 1) < NOTICE) continue;
      notices.push(`${payload}, ${name}: ${Math.round((figure / before - 1) * 100)} % against the committed figure`);
    }
  }
  if (write) writeFileSync(FILE, `${JSON.stringify(now, undefined, 2)}\n`);
  return [...lines, ...(notices.length > 0 ? ['', ...notices] : [])];
}
