/** What the operator wrote: configuration, lockfile and own policies, read once and checked together. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigError } from '../config/fault.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Source } from '../config/source.ts';
import type { RuleContext } from '../core/rules.ts';
import { EMPTY_LOCK, type Lock } from '../inventory/lock.ts';
import { LockError, parseLock } from '../inventory/parse.ts';
import { sha256Hex } from '../lib/bytes.ts';

export interface Site {
  /** Absolute path of the configuration file, and the name that the operator gave it. */
  readonly file: string;
  readonly shown: string;
  readonly dir: string;
  readonly stateDir: string;
  readonly config: Config;
  readonly source: Source;
  readonly lock: Lock;
  readonly lockFile: string;
  readonly cedar: RuleContext['cedar'];
  /** Of `redact.texts`. */
  readonly texts: ReadonlyMap<string, string>;
  /** Digest over all that was read: the id of the rules. */
  readonly id: string;
}

const MAX_BYTES = 16 * 1024 * 1024;

/** Reads a site. Throws ConfigError with every fault found in the first bad file. */
export function readSite(shown: string): Site {
  const file = resolve(shown);
  const text = readText(file, shown, 'doorward init writes one');
  const { config, source } = loadConfig(text, shown);
  const dir = dirname(file);
  const lockFile = join(dir, 'doorward.lock');
  const lockText = readIfThere(lockFile);
  const policies = join(dir, 'policies');
  const cedar = listCedar(policies).map((name) => ({
    file: join('policies', name),
    text: readText(join(policies, name), join('policies', name), ''),
  }));
  const texts = new Map(config.redact.texts.map((name, i) => [name, protectedText(dir, name, i, source)]));
  return {
    file,
    shown,
    dir,
    stateDir: resolve(dir, config.state),
    config,
    source,
    lock: lockText === undefined ? EMPTY_LOCK : lockOf(lockText, basename(lockFile)),
    lockFile,
    cedar,
    texts,
    id: sha256Hex(JSON.stringify([text, lockText ?? null, cedar, ...texts])).slice(0, 16),
  };
}

function lockOf(text: string, file: string): Lock {
  try {
    return parseLock(text);
  } catch (error) {
    if (!(error instanceof LockError)) throw error;
    throw new ConfigError(error.faults.map((fault) => ({ file, ...fault })));
  }
}

function readText(path: string, shown: string, hint: string): string {
  const text = readIfThere(path);
  if (text === undefined)
    throw new ConfigError([{ file: shown, line: 1, column: 1, message: 'the file does not exist', fix: hint }]);
  return text;
}

/** A name that is not there would protect nothing. */
function protectedText(dir: string, name: string, at: number, from: Source): string {
  const text = readIfThere(resolve(dir, name));
  if (text !== undefined) return text;
  const fault = from.fault(['redact', 'texts', at], 'the file does not exist', 'a path from this file on');
  throw new ConfigError([fault]);
}

function readIfThere(path: string): string | undefined {
  try {
    if (statSync(path).size > MAX_BYTES) throw new Error(`${path} is over ${MAX_BYTES} bytes`);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function listCedar(dir: string): string[] {
  try {
    return readdirSync(dir)
      .filter((name) => name.endsWith('.cedar'))
      .sort();
  } catch {
    return [];
  }
}
