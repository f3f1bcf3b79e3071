/** Several stdio processes over one state folder: real processes, real locks, kill -9. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BridgeDoor, serveBridge } from '../../src/doors/bridge.ts';
import { encodeHello, type Hello } from '../../src/doors/hello.ts';
import { join, takeOver } from '../../src/doors/join.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';
import { tryOwn } from '../../src/store/owner.ts';
import { CALLER } from '../core/fakes.ts';
import { INITIALIZE, legacy, modern } from './client.ts';
import { ALICE, house } from './house.ts';

let dir: string;
let members: Member[] = [];

beforeEach(() => {
  dir = mkdtempSync(path(tmpdir(), 'bridge-'));
});
afterEach(() => {
  for (const { child } of members) child.kill('SIGKILL');
  members = [];
  rmSync(dir, { recursive: true, force: true });
});

interface Member {
  readonly child: ChildProcess;
  readonly heard: JsonObject[];
  readonly said: string[];
  say(message: object): void;
  answer(id: string | number): Promise<JsonObject>;
}

async function until(done: () => boolean, ms = 8000): Promise<void> {
  for (const began = performance.now(); !done(); ) {
    if (performance.now() - began > ms) throw new Error('it did not happen');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function member(...args: string[]): Member {
  const child = spawn(process.execPath, [path(import.meta.dirname, 'member.ts'), dir, ...args], { stdio: 'pipe' });
  const heard: JsonObject[] = [];
  const said: string[] = [];
  const split = (stream: NodeJS.ReadableStream, take: (line: string) => void) => {
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n');
      text = lines.pop()!;
      lines.forEach(take);
    });
  };
  split(child.stdout!, (line) => heard.push(JSON.parse(line)));
  split(child.stderr!, (line) => said.push(line));
  child.stdin!.on('error', () => {});
  const made: Member = {
    child,
    heard,
    said,
    say: (message) => void child.stdin!.write(`${JSON.stringify(message)}\n`),
    async answer(id) {
      await until(() => heard.some((message) => message.id === id));
      return heard.find((message) => message.id === id)!;
    },
  };
  members.push(made);
  return made;
}

const owners = (all: readonly Member[]) =>
  all.filter(({ child, said }) => said.includes('owner') && child.exitCode === null && child.signalCode === null);
const joins = ({ said }: Member) => said.filter((word) => word === 'joined').length;

async function kill({ child }: Member): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe('several run --stdio at once', () => {
  it('share one owner and survive its kill -9 in the middle of a call, twice', async () => {
    const all = Array.from({ length: 3 }, () => member());
    await until(() => all.every((one) => joins(one) === 1));
    expect(owners(all)).toHaveLength(1);
    for (const one of all) {
      one.say(INITIALIZE);
      await one.answer('init');
      one.say({ jsonrpc: '2.0', method: 'notifications/initialized' });
      one.say(legacy(1, 'echo', { n: 1 }));
      expect((await one.answer(1)).result).toMatchObject({ content: [{ text: 'alice {"n":1}' }] });
    }
    for (let round = 1, left = all; round <= 2; round++) {
      const [owner] = owners(left);
      left = left.filter((one) => one !== owner);
      for (const one of left) one.say(legacy(`open ${round}`, 'slow'));
      for (const one of left) one.say(legacy(`done ${round}`, 'echo'));
      for (const one of left) await one.answer(`done ${round}`);
      await kill(owner!);
      for (const one of left) {
        expect((await one.answer(`open ${round}`)).error).toMatchObject({ code: -31121 });
        // The next owner knows this client: it was introduced again.
        one.say(legacy(`after ${round}`, 'echo', { round }));
        const answer = await one.answer(`after ${round}`);
        expect(answer.result).toMatchObject({ content: [{ text: `alice {"round":${round}}` }] });
        expect(one.heard.filter((message) => message.id === 'init')).toHaveLength(1);
        expect(one.heard.filter((message) => message.id === `open ${round}`)).toHaveLength(1);
      }
      expect(owners(left)).toHaveLength(1);
    }
  });

  it('need no introduction in the modern era', async () => {
    const [a, b] = [member(), member()];
    await until(() => joins(a) + joins(b) === 2);
    for (const one of [a, b]) {
      one.say(modern(1, 'echo').body);
      expect(await one.answer(1)).toHaveProperty('result');
    }
    const [owner] = owners([a, b]);
    const other = owner === a ? b : a;
    await kill(owner!);
    other.say(modern(2, 'echo').body);
    expect(await other.answer(2)).toHaveProperty('result');
  });

  it('answers what the first owner never did, when that was the introduction', async () => {
    const first = member();
    await until(() => joins(first) === 1);
    const second = member();
    await until(() => joins(second) === 1);
    first.child.kill('SIGSTOP');
    second.say(INITIALIZE);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await kill(first);
    expect((await second.answer('init')).result).toMatchObject({ protocolVersion: '2025-11-25' });
    second.say(legacy(1, 'echo'));
    expect(await second.answer(1)).toHaveProperty('result');
  });

  it('ends with its client, and the next takes over', async () => {
    const first = member();
    await until(() => joins(first) === 1);
    const second = member();
    await until(() => joins(second) === 1);
    first.child.stdin!.end();
    const [code] = await once(first.child, 'exit');
    expect(code).toBe(0);
    // What reached the one that was going would rightly end as lost.
    await until(() => second.said.includes('owner'));
    second.say(modern(1, 'echo').body);
    expect(await second.answer(1)).toHaveProperty('result');
  });

  it.each([
    ['another version', ['2'], 'version'],
    ['another configuration', ['1', 'b'], 'config'],
    ['an unknown upstream', ['1', 'a', 'nope'], 'route'],
    ['a wrong token', ['1', 'a', 'files', 'wrong-wrong-wrong-wrong'], 'token'],
  ])('turns away %s with exit 2', async (_what, args, why) => {
    const first = member();
    await until(() => joins(first) === 1);
    const second = member(...args);
    const [code] = await once(second.child, 'exit');
    expect(code).toBe(2);
    expect(second.said).toEqual([`refused ${why}`]);
    first.say(modern(1, 'echo').body);
    expect(await first.answer(1)).toHaveProperty('result');
  });

  it('hand over to a gateway that asks, and are served by it', async () => {
    const [a, b] = [member(), member()];
    await until(() => joins(a) + joins(b) === 2);
    for (const one of [a, b]) {
      one.say(INITIALIZE);
      await one.answer('init');
    }
    const hello = memberHello();
    const lock = await takeOver({ dir, hello, tryOwn });
    const inside = house('the gateway');
    const door = await serveBridge({ gate: inside.gate, dir, version: '1', config: hello.config, who: () => CALLER });
    for (const one of [a, b]) {
      one.say(legacy(2, 'echo'));
      expect(await one.answer(2)).toHaveProperty('result');
    }
    expect(inside.calls.filter((made) => made.method === 'tools/call')).toHaveLength(2);
    // A running gateway does not hand over in its turn.
    await expect(takeOver({ dir, hello, tryOwn })).rejects.toMatchObject({ why: 'busy' });
    await door.close();
    lock.release();
  });
});

function memberHello(): Hello {
  const config = 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb';
  return { version: '1', config, want: 'serve', upstream: 'files', token: ALICE.slice(7) };
}

describe('the bridge socket', () => {
  let door: BridgeDoor;
  const open = async (over: { max?: number } = {}) => {
    const inside = house();
    door = await serveBridge({ gate: inside.gate, dir, version: '1', config: 'c', who: () => CALLER, ...over });
    return inside;
  };
  afterEach(() => door?.close());
  const hello: Hello = { version: '1', config: 'c', want: 'serve', upstream: 'files', token: ALICE.slice(7) };

  /** What the socket answers to bytes, until it closes or is quiet. */
  function send(bytes: string | Uint8Array, ms = 150): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(path(dir, 'bridge.sock'));
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.on('error', () => {}).on('close', () => resolve(text));
      socket.write(bytes);
      setTimeout(() => socket.destroy(), ms);
    });
  }

  it('is for its user alone, and replaces what a killed owner left', async () => {
    writeFileSync(path(dir, 'bridge.sock'), 'left behind');
    await open();
    expect(statSync(path(dir, 'bridge.sock')).mode & 0o777).toBe(0o600);
    await door.close();
    expect(() => statSync(path(dir, 'bridge.sock'))).toThrow(/ENOENT/);
  });

  it('wants a folder that nobody else can enter', async () => {
    chmodSync(dir, 0o750);
    await expect(open()).rejects.toThrow(/0700/);
    await expect(join({ dir, hello, tryOwn: () => undefined, becomeOwner: async () => expect.fail() })).rejects.toThrow(
      /0700/,
    );
    chmodSync(dir, 0o700);
  });

  it('reaches a folder whose path is too long for a socket', async () => {
    dir = path(dir, 'd'.repeat(100), 'e'.repeat(100));
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const inside = await open();
    const far = await join({ dir, hello, tryOwn: () => undefined, becomeOwner: async () => expect.fail() });
    far.write(`${JSON.stringify(modern(1, 'echo').body)}\n`);
    far.resume();
    const [line] = await once(far, 'data');
    expect(JSON.parse(String(line))).toMatchObject({ id: 1 });
    expect(inside.calls).toHaveLength(1);
    far.destroy();
  });

  it.each<[string, string | Uint8Array, string]>([
    ['nothing of ours', 'hello\n', 'hello'],
    ['MCP without a hello', `${JSON.stringify(modern(1, 'echo').body)}\n`, 'hello'],
    ['a hello of another kind', '{"doorward":2}\n', 'hello'],
    ['a hello with an odd want', encodeHello({ ...hello, want: 'all' as 'serve' }), 'hello'],
    ['two names', '{"doorward":1,"doorward":1}\n', 'hello'],
    ['no token', encodeHello({ ...hello, token: '' }), 'token'],
    ['a wrong token and a wrong version', encodeHello({ ...hello, token: 'x', version: '9' }), 'token'],
    ['another version', encodeHello({ ...hello, version: '9' }), 'version'],
    ['an unknown upstream', encodeHello({ ...hello, upstream: '../x' }), 'route'],
    ['a handover that is not offered', encodeHello({ ...hello, want: 'handover' }), 'busy'],
  ])('turns away %s', async (_what, bytes, why) => {
    const inside = await open();
    const call = `${JSON.stringify(modern(1, 'echo').body)}\n`;
    expect(JSON.parse(await send(Buffer.concat([Buffer.from(bytes), Buffer.from(call)])))).toEqual({ ok: false, why });
    expect(inside.calls).toHaveLength(0);
  });

  it('hears nobody out who does not come to the point', async () => {
    await open();
    expect(await send('x'.repeat(10_000))).toBe('');
    expect(await send(Buffer.alloc(3000))).toBe('');
  });

  it('serves what came with the hello, however it is cut', async () => {
    await open();
    const bytes = encodeHello(hello) + `${JSON.stringify(modern(1, 'echo').body)}\n`;
    for (const cut of [1, encodeHello(hello).length - 1, encodeHello(hello).length, bytes.length]) {
      const socket = connect(path(dir, 'bridge.sock'));
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      socket.write(bytes.slice(0, cut));
      await new Promise((resolve) => setTimeout(resolve, 10));
      socket.write(bytes.slice(cut));
      await until(() => text.split('\n').length === 3);
      expect(JSON.parse(text.split('\n')[1]!)).toMatchObject({ id: 1, result: {} });
      socket.destroy();
    }
  });

  it('keeps bridges apart that use the same ids', async () => {
    await open();
    const fars = await Promise.all(
      Array.from({ length: 20 }, () =>
        join({ dir, hello, tryOwn: () => undefined, becomeOwner: async () => expect.fail() }),
      ),
    );
    await Promise.all(
      fars.map(async (far, client) => {
        far.resume();
        for (let id = 0; id < 10; id++) {
          far.write(`${JSON.stringify(modern(id, 'echo', { client, id }).body)}\n`);
          const [line] = await once(far, 'data');
          expect(JSON.parse(String(line))).toMatchObject({
            id,
            result: { content: [{ text: `alice ${JSON.stringify({ client, id })}` }] },
          });
        }
        far.destroy();
      }),
    );
  });

  it('takes a bounded number of bridges', async () => {
    await open({ max: 2 });
    const sockets = [connect(path(dir, 'bridge.sock')), connect(path(dir, 'bridge.sock'))];
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    expect(JSON.parse(await send(encodeHello(hello)))).toEqual({ ok: false, why: 'busy' });
    for (const socket of sockets) socket.destroy();
  });

  it('gives up on an owner that never answers', async () => {
    const wait = { dir, hello, tryOwn: () => undefined, becomeOwner: async () => expect.fail(), within: 60, pause: 10 };
    await expect(join(wait)).rejects.toThrow(/does not answer/);
    await expect(takeOver(wait)).rejects.toThrow(/does not let go/);
  });

  it('gives the lock free when it cannot become the owner', async () => {
    const becomeOwner = () => Promise.reject(new Error('bad configuration'));
    await expect(join({ dir, hello, tryOwn, becomeOwner })).rejects.toThrow('bad configuration');
    tryOwn(dir)!.release();
  });
});
