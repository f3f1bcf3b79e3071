/**
 * What passes a bridge before MCP does: one line each way (house rule "run --stdio"). The socket lies in the state
 * folder, which only its user can enter; the token is asked all the same.
 */
import { closeSync, constants, lstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { parseJson } from '../lib/json/scan.ts';
import { isObject, type JsonObject } from '../lib/json/types.ts';

export interface Hello {
  /** Version of Doorward: both ends must be the same program. */
  readonly version: string;
  /** Digest of the configuration's path: one state folder serves one configuration. */
  readonly config: string;
  /** `admin`: one question to the owner itself, not MCP. */
  readonly want: 'serve' | 'handover' | 'admin';
  /** Name of the upstream; empty for the others. */
  readonly upstream: string;
  readonly token: string;
}

/** Why an owner turned a bridge away. `version` and `config` cannot be cured by waiting: exit 2. */
export type Why = 'hello' | 'version' | 'config' | 'token' | 'route' | 'busy' | 'closing';

/** Longest hello, in bytes; time it may take, in milliseconds. */
export const HELLO = { max: 4096, within: 5_000 } as const;
const CAPS = { maxBytes: HELLO.max, maxDepth: 2, maxString: 2048, maxMembers: 16 };

/**
 * Lines that an owner sends in between, before it goes: what it has not read yet is better kept for the next one.
 * After `handover` those it served leave the lock to the process that asked for it. No JSON text begins like this.
 */
export const GOING = { closing: '!closing', handover: '!handover' } as const;

export function encodeHello(hello: Hello): string {
  return `${JSON.stringify({ doorward: 1, ...hello })}\n`;
}

export function readHello(line: Uint8Array): Hello | undefined {
  const said = members(line);
  if (said?.doorward !== 1) return undefined;
  const { version, config, upstream, token, want } = said;
  if (want !== 'serve' && want !== 'handover' && want !== 'admin') return undefined;
  if (typeof version !== 'string' || typeof config !== 'string') return undefined;
  if (typeof upstream !== 'string' || typeof token !== 'string') return undefined;
  return { version, config, want, upstream, token };
}

/** The question of an admin, after its hello. */
export function readQuestion(line: Uint8Array): JsonObject | undefined {
  return members(line);
}

export function encodeWelcome(why?: Why): string {
  return `${JSON.stringify(why ? { ok: false, why } : { ok: true })}\n`;
}

const WHYS: readonly string[] = ['hello', 'version', 'config', 'token', 'route', 'busy', 'closing'] satisfies Why[];

/** `true`, or why not. Anything that is no welcome reads as 'hello': the other end speaks something else. */
export function readWelcome(line: Uint8Array): true | Why {
  const said = members(line);
  if (said?.ok === true) return true;
  return typeof said?.why === 'string' && WHYS.includes(said.why) ? (said.why as Why) : 'hello';
}

function members(line: Uint8Array): JsonObject | undefined {
  const parsed = parseJson(line, CAPS);
  return parsed.ok && isObject(parsed.value) ? parsed.value : undefined;
}

/** A path of a unix socket holds 107 bytes on Linux, 103 elsewhere. */
const MAX_PATH = 103;

/**
 * Opens the way to the bridge's socket in the state folder `dir`. Throws when others can enter the folder. Where the
 * path is too long for a socket, Linux reaches it through a descriptor of the folder; `done` closes that again.
 */
export function socketPath(dir: string): { readonly path: string; done(): void } {
  const stat = lstatSync(dir);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.() || (stat.mode & 0o077) !== 0) {
    throw new Error(`the state folder must be a folder of this user alone (mode 0700): ${dir}`);
  }
  const path = join(dir, 'bridge.sock');
  if (Buffer.byteLength(path) <= MAX_PATH) return { path, done: () => {} };
  if (process.platform !== 'linux') throw new Error(`the path of the state folder is too long for a socket: ${dir}`);
  const fd = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${fd}/bridge.sock`, done: () => closeSync(fd) };
}
