/** Starts a server in its sandbox or calls it by its URL, lists what it offers, and ends it. For review only: nothing is granted by this. */
import { randomBytes } from 'node:crypto';
import { Ended } from '../../core/ended.ts';
import { redactText, StreamRedactor } from '../../detect/secrets.ts';
import { VERSION } from '../../gateway/version.ts';
import type { Listing } from '../../inventory/drift.ts';
import type { Credential } from '../../secrets/credential/credential.ts';
import { lanes } from '../../upstreams/lanes.ts';
import { thisMachine } from '../../upstreams/machine.ts';
import type { AnySpec } from '../../upstreams/open-lane.ts';
import { shown, Trouble } from '../terminal.ts';

/** Lines of a server's stderr that are shown when it does not start. */
const MAX_SAID = 8;

/** `credential`: what proves to a server reached by URL that we may list it. */
export async function probe(spec: AnySpec, credential?: Credential): Promise<Listing> {
  const said: string[] = [];
  const key = randomBytes(32);
  const open = lanes({
    machine: thisMachine(),
    clock: Date.now,
    version: VERSION,
    specs: () => spec,
    pin: () => undefined,
    expected: () => new Map(),
    onDrift() {},
    redactor: () => new StreamRedactor(() => key.toString('hex', 0, 6)),
    credential: () => credential,
    timers: { set: (run, ms) => setTimeout(run, ms), clear: (timer) => clearTimeout(timer as NodeJS.Timeout) },
    onEvent(code, data) {
      if (code === 'event.stderr') said.push(String(data['text'] ?? ''));
    },
  });
  try {
    return await open.probe(spec.name);
  } catch (error) {
    if (!(error instanceof Ended)) throw error;
    // Pieces come as the server wrote them, line ends already made visible.
    if ('to' in spec)
      throw new Trouble(
        `${spec.name} could not be listed: ${shown(error.detail ?? error.code)}`,
        error.code === 'upstream.connect'
          ? `doorward connect ${spec.name}`
          : 'check `url`, `private`, `tls` and `credential`',
      );
    const last = said
      .join('')
      .split(/\n|<U\+000A>/)
      .map((line) => line.trim())
      .filter(Boolean)
      .slice(-MAX_SAID)
      .join(' / ');
    throw new Trouble(
      `${spec.name} did not start in its sandbox: ${shown(error.detail ?? error.code)}`,
      last ? `it said: ${shown(redactText(last).text, 1000)}` : 'check `run`, `mounts` and `env`; it has no network',
    );
  } finally {
    await open.close();
  }
}
