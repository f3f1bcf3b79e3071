/**
 * Doorward as it runs: the HTTP door, the whole pipeline, the durable log on a real disk. The far end is the lane to an
 * HTTP upstream (`LANE=http`), or an in-process handler that asks the benchmark's upstream over undici, as the floor does.
 * `WITHOUT` names controls to leave out, `audit` and `durable` among them.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { openAudit } from '../../src/audit/log.ts';
import type { Handler, Result } from '../../src/core/call.ts';
import type { Log } from '../../src/core/ports.ts';
import { mayHold, redactText } from '../../src/detect/secrets.ts';
import { serveHttp } from '../../src/doors/http.ts';
import { harden } from '../../src/gateway/harden.ts';
import { localIdentity } from '../../src/identity/local.ts';
import { serverDigest } from '../../src/inventory/lock.ts';
import { parseJson, REPLY_CAPS } from '../../src/lib/json/scan.ts';
import { isObject } from '../../src/lib/json/types.ts';
import { memoryState } from '../../src/store/memory.ts';
import { tryOwn } from '../../src/store/owner.ts';
import { httpSpec, serverPin } from '../../src/upstreams/http/spec.ts';
import { lanes } from '../../src/upstreams/lanes.ts';
import { resultSlice } from '../../src/upstreams/member.ts';
import { TOKEN } from '../payloads.ts';
import { pin, snapshotWithout } from '../site.ts';
import { ready } from './child.ts';

const without = (process.env['WITHOUT'] ?? '').split(',').filter(Boolean);
const dir = mkdtempSync(join(tmpdir(), 'doorward-bench-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));

const snapshot = snapshotWithout(without);

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const audit = await openAudit({
  dir,
  own: tryOwn,
  keys: { privateKey, publicKey },
  clock: Date.now,
  random: randomBytes,
  redact: redactText,
  mayHold,
});
const log: Log = without.includes('audit')
  ? { intent() {}, outcome() {}, attempt() {}, event() {} }
  : without.includes('durable')
    ? { ...bound(audit), intent: (call, trail) => void audit.intent(call, trail) }
    : audit;

function bound(of: Log): Log {
  return {
    intent: of.intent.bind(of),
    outcome: of.outcome.bind(of),
    attempt: of.attempt.bind(of),
    event: of.event.bind(of),
  };
}

const pool = new Pool(`http://127.0.0.1:${process.env['UPSTREAM']}`, { connections: 64, pipelining: 1 });
const path = `/${process.env['PAYLOAD']}`;

const inProcess: Handler = (call) =>
  new Promise<Result>((resolve, reject) => {
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'echo', arguments: call.args },
    });
    const parts: Buffer[] = [];
    pool.dispatch(
      { method: 'POST', path, headers: { 'content-type': 'application/json' }, body },
      {
        onRequestStart() {},
        onResponseStart() {},
        onResponseData(_c, chunk) {
          parts.push(chunk);
        },
        onResponseEnd() {
          const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
          const parsed = parseJson(bytes, REPLY_CAPS);
          if (!parsed.ok || !isObject(parsed.value) || !isObject(parsed.value['result']))
            return reject(new Error('bad reply'));
          const slice = resultSlice(bytes, 1);
          resolve({ kind: 'result', value: parsed.value['result'], ...(slice && { bytes: bytes.subarray(...slice) }) });
        },
        onResponseError(_c, error) {
          reject(error);
        },
      },
    );
  });

function overLane(): Handler {
  const url = `http://127.0.0.1:${process.env['UPSTREAM']}${path}`;
  const spec = httpSpec('bench', { url, private: ['127.0.0.0/8'] });
  if ('fault' in spec) throw new Error(spec.fault);
  const reviewed = serverPin(spec);
  const open = lanes({
    machine: undefined as never,
    redactor: undefined as never,
    clock: Date.now,
    version: 'bench',
    specs: () => spec,
    pin: () => serverDigest(reviewed),
    expected: () => new Map([['tool:echo', pin.digest]]),
    onDrift() {},
    onEvent() {},
    timers: { set: (run, ms) => setTimeout(run, ms), clear: (timer) => clearTimeout(timer as NodeJS.Timeout) },
  });
  return (call, io) => open.handle(call, io);
}
const handler = process.env['LANE'] === 'http' ? overLane() : inProcess;

const identity = localIdentity(TOKEN, 'bench');
const state = memoryState(Date.now);
const gate = harden({
  snapshot: () => snapshot,
  world: { state, log, clock: Date.now },
  handlers: () => handler,
  authenticate: identity.authenticate,
  random: randomBytes,
});
const key = randomBytes(32);
const door = await serveHttp({
  gate,
  host: '127.0.0.1',
  port: 0,
  ring: { current: () => ({ kid: 'k', key }), find: () => key },
  state,
});
ready(Number(new URL(door.url).port));
