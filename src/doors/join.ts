/**
 * How a process finds the one gateway of a state folder: it takes the lock and becomes the owner, or it connects to
 * the owner's socket. The lock decides, so there is never a second owner and never a vote.
 */
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Owner } from '../store/owner.ts';
import { encodeHello, HELLO, type Hello, readWelcome, socketPath, type Why } from './hello.ts';
import { type After, after as realAfter } from './timers.ts';

/** The owner turned this process away. `version`, `config`, `token` and `route` are final: exit 2. */
export class BridgeRefused extends Error {
  readonly why: Why;
  constructor(why: Why) {
    super(SAYS[why]);
    this.why = why;
  }
}

const SAYS: Readonly<Record<Why, string>> = {
  hello: 'what answers at the bridge socket is not Doorward',
  version: 'another version of Doorward owns this state folder: end it, or run the same version',
  config: 'this state folder is in use by another configuration: give each configuration its own',
  token: 'the gateway that owns this state folder does not accept the token',
  route: 'the gateway that owns this state folder serves no upstream of that name',
  busy: 'the gateway that owns this state folder takes no more bridges, or does not hand over',
  closing: 'the gateway that owns this state folder is stopping',
};
/** Cured by waiting: the owner is about to go. */
const PASSING: readonly Why[] = ['closing'];

export interface JoinOptions {
  readonly dir: string;
  readonly hello: Hello;
  readonly tryOwn: (dir: string) => Owner | undefined;
  /** Starts the gateway in this process; answers the far end for its own client. */
  readonly becomeOwner: (owner: Owner) => Promise<Duplex>;
  /** Milliseconds in which the lock is left to another (after a handover). */
  readonly yieldFor?: number;
  /** Milliseconds after which a folder that is owned but does not answer is an error. */
  readonly within?: number;
  /** Milliseconds between two tries. */
  readonly pause?: number;
  readonly after?: After;
}

/** The far end: in this process as owner, or over the socket. Rejects with BridgeRefused, or when nobody answers. */
export async function join(options: JoinOptions): Promise<Duplex> {
  const { dir, hello, within = 30_000, pause = 40, yieldFor = 0, after = realAfter } = options;
  for (let waited = 0; ; waited += pause) {
    const owner = waited >= yieldFor ? options.tryOwn(dir) : undefined;
    if (owner) {
      try {
        return await options.becomeOwner(owner);
      } catch (error) {
        owner.release();
        throw error;
      }
    }
    const far = await reach(dir, hello, after);
    if (typeof far !== 'string') return far;
    if (far !== 'nobody' && !PASSING.includes(far)) throw new BridgeRefused(far);
    if (waited >= within) throw new Error('the state folder is owned by a process that does not answer');
    await new Promise<void>((resolve) => after(pause, resolve));
  }
}

/**
 * For `doorward run`: the lock, asking a stdio owner to hand over where one holds it. Rejects with BridgeRefused
 * (`busy`: that owner is a running gateway itself) or when the lock does not come free.
 */
export async function takeOver(options: Omit<JoinOptions, 'becomeOwner' | 'yieldFor'>): Promise<Owner> {
  const { dir, within = 30_000, pause = 40, after = realAfter } = options;
  const hello: Hello = { ...options.hello, want: 'handover', upstream: '' };
  let granted = false;
  for (let waited = 0; ; waited += pause) {
    const owner = options.tryOwn(dir);
    if (owner) return owner;
    if (waited >= within) throw new Error('the state folder is owned by a process that does not let go');
    if (!granted) {
      const said = await reach(dir, hello, after);
      if (typeof said !== 'string') {
        said.destroy();
        granted = true;
      } else if (said !== 'nobody' && !PASSING.includes(said)) throw new BridgeRefused(said);
    }
    await new Promise<void>((resolve) => after(pause, resolve));
  }
}

/** One try at the owner's socket. 'nobody' = no socket, or nobody who accepts. */
export function reach(dir: string, hello: Hello, after: After): Promise<Duplex | Why | 'nobody'> {
  const { path, done } = socketPath(dir);
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (said: Duplex | Why | 'nobody', rest?: Uint8Array) => {
      stop();
      done();
      socket.off('data', onData).off('close', onClose);
      if (typeof said === 'string') socket.destroy();
      else {
        socket.pause();
        if (rest && rest.length > 0) socket.unshift(rest);
      }
      resolve(said);
    };
    const onClose = () => end('nobody');
    let head = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const at = head.indexOf(10);
      if (at < 0) return head.length > HELLO.max ? end('hello') : undefined;
      const said = readWelcome(head.subarray(0, at));
      end(said === true ? socket : said, head.subarray(at + 1));
    };
    const stop = after(HELLO.within, () => end('hello'));
    socket
      .on('error', () => {})
      .on('close', onClose)
      .on('data', onData);
    socket.on('connect', () => socket.write(encodeHello(hello)));
  });
}
