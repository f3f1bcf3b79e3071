/**
 * What was ended or spent stays so after a restart: marks of the state that are also lines of a file, read at start
 * (guarantee ID9). Only those that live are kept there. A mark that cannot be written throws: what asked for it does
 * not go on; nor is one written for which the state has no room, so that the file can always be read into it.
 */
import { appendFileSync } from 'node:fs';
import type { Maybe, State } from '../core/state.ts';
import type { Json } from '../lib/json/types.ts';
import { PrivateFault, readPrivate, replacePrivate } from './private.ts';

export interface LastingOptions {
  readonly path: string;
  /** Holds the marks; its bounds are those of the file. */
  readonly state: Pick<State, 'now' | 'get' | 'put' | 'swap'>;
  /** Spaces whose values are marks: `true`, under keys of at most 128 letters, digits, `-` and `_`. */
  readonly spaces: readonly string[];
}

/** Other spaces are those of the state, in memory alone. */
export type Lasting = Pick<State, 'get' | 'put' | 'swap'>;

const LINE = /^([a-z.]{1,32}) ([\w-]{1,128}) (\d{1,16})$/;
const CAP = 64 * 1024 * 1024;
/** Lines after which the file is looked through for those that live, at least. */
const LINES = 10_000;

/** Throws PrivateFault when the file cannot be read: what was ended is not known then. */
export function openLasting({ path, state, spaces }: LastingOptions): Lasting {
  let lines = 0;
  let due = 0;

  /** The lines that live. A last line without its end was cut off by a crash, before its mark was made. */
  function living(): string[] {
    const text = Buffer.from(readPrivate(path, { cap: CAP }) ?? []).toString('latin1');
    const now = state.now();
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line !== '' && parsed(line).until > now);
  }

  function parsed(line: string): { space: string; key: string; until: number } {
    const [, space, key, until] = LINE.exec(line) ?? [];
    if (space === undefined)
      throw new PrivateFault(
        path,
        'is not a list of what was ended',
        'remove it; sessions that were ended and questions that were answered within a day are open again then',
      );
    return { space, key: key!, until: Number(until) };
  }

  function rewrite(): string[] {
    const kept = living();
    replacePrivate(path, Buffer.from(kept.map((line) => `${line}\n`).join('')));
    lines = kept.length;
    due = Math.max(LINES, 2 * kept.length);
    return kept;
  }

  function append(space: string, key: string, value: Json, ttl: number): void {
    const line = `${space} ${key} ${Math.ceil(state.now() + ttl)}`;
    if (value !== true || !LINE.test(line)) throw new Error(`${space}: not a mark`);
    if (lines >= due) rewrite();
    try {
      appendFileSync(path, `${line}\n`, { mode: 0o600 });
    } catch (error) {
      // A part of it may be there: the next line must not go behind it.
      lines = due;
      throw error;
    }
    lines++;
  }

  for (const line of rewrite()) {
    const { space, key, until } = parsed(line);
    if (spaces.includes(space)) void state.put(space, key, true, until - state.now());
  }
  return {
    get: (space, key) => state.get(space, key),
    put(space, key, value, ttl): Maybe<void> {
      const done = state.put(space, key, value, ttl);
      if (!spaces.includes(space)) return done;
      const written = (): void => {
        try {
          append(space, key, value, ttl);
        } catch (error) {
          void state.swap(space, key, value, undefined, 0);
          throw error;
        }
      };
      return done instanceof Promise ? done.then(written) : written();
    },
    swap(space, key, expected, value, ttl): Maybe<boolean> {
      const done = state.swap(space, key, expected, value, ttl);
      if (!spaces.includes(space) || value === undefined) return done;
      const marked = (made: boolean): boolean => {
        if (made) append(space, key, value, ttl);
        return made;
      };
      return done instanceof Promise ? done.then(marked) : marked(done);
    },
  };
}
