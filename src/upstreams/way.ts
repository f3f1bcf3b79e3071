/** How a lane comes to a server that it speaks with line by line: a child on pipes, or one that is reached otherwise. */
import type { Readable, Writable } from 'node:stream';
import type { Code } from '../core/codes/index.ts';
import { Ended } from '../core/ended.ts';
import type { Clock } from '../core/state.ts';
import type { Json, JsonObject } from '../lib/json/types.ts';
import type { Asks } from '../wire/eras/asks.ts';
import { describe } from './catalog.ts';
import type { Caps } from './cgroups.ts';
import { startChild } from './child.ts';
import type { Era } from './era.ts';
import type { Machine } from './machine.ts';
import type { Mount } from './mounts.ts';
import { command, PACKAGE, type PreparedPackage } from './packages.ts';
import { type Redactor, watchStderr } from './stderr.ts';
import { TreeRefused } from './tree.ts';

/** A server, running: lines that it reads and writes. */
export interface Link {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Resolves when nothing of it is left; says how it ended. */
  readonly ended: Promise<string>;
  /** In order, each step `grace` milliseconds after the last. Resolves with `ended`. */
  end(grace: number): Promise<string>;
  kill(): void;
}

export interface Way {
  readonly upstream: string;
  /** What is remembered of the server is remembered under this. */
  readonly config: string;
  /** Where the way itself tells. */
  readonly era?: Era;
  /** Rejects with Ended, or an Error for the log; nothing is left then. `facts` for the log. */
  open(signal: AbortSignal): Promise<{ readonly link: Link; readonly facts: JsonObject }>;
}

/** One upstream, ready to be started. */
export interface UpstreamSpec {
  readonly name: string;
  readonly package: PreparedPackage;
  readonly mounts: readonly Mount[];
  /** The whole environment inside, values looked up (`environment()`). */
  readonly env: Readonly<Record<string, string>>;
  readonly caps: Caps;
  /** What the server may ask a client for; absent = nothing. */
  readonly asks?: Asks;
}

export interface ChildOptions {
  readonly machine: Machine;
  readonly clock: Clock;
  readonly onEvent: (code: Code, data: Readonly<Record<string, Json>>) => void;
  readonly redactor: () => Redactor;
}

/** Checks the package against its pin and starts the sandbox. `pin` undefined = not reviewed yet (review itself). */
export function byChild(spec: UpstreamSpec, pin: string | undefined, options: ChildOptions): Way {
  const { digest, entry, args } = spec.package;
  return {
    upstream: spec.name,
    // What decides which program runs.
    config: JSON.stringify(['stdio', digest, entry, args]),
    async open() {
      await checkPackage(spec, pin);
      const child = await startChild(options.machine, {
        command: command(spec.package, spec.caps.memory),
        cwd: PACKAGE,
        env: spec.env,
        mounts: [{ source: spec.package.dir, target: PACKAGE, write: false }, ...spec.mounts],
        caps: spec.caps,
      });
      const { redactor, clock, onEvent } = options;
      watchStderr(child.stderr, {
        redactor,
        clock,
        log: (text, dropped) => onEvent('event.stderr', { upstream: spec.name, text, ...(dropped > 0 && { dropped }) }),
      });
      return { link: child, facts: { pid: child.pid, caps: { ...child.inForce } } };
    },
  };
}

async function checkPackage(spec: UpstreamSpec, pin: string | undefined): Promise<void> {
  let digest: string;
  try {
    ({ digest } = await spec.package.check());
  } catch (error) {
    const code = error instanceof TreeRefused ? 'inventory.package' : 'upstream.start';
    throw new Ended('stop', code, describe(error));
  }
  if (pin !== undefined && digest !== pin) throw new Ended('stop', 'inventory.package', `the tree is ${digest}`);
}
