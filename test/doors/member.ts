/** A process like `run --stdio`: owner or bridge of a state folder, as it comes. For bridge.test.ts. */
import { createHash } from 'node:crypto';
import { serveBridge } from '../../src/doors/bridge.ts';
import { BridgeRefused, join } from '../../src/doors/join.ts';
import { relay } from '../../src/doors/relay.ts';
import { type Owner, tryOwn } from '../../src/store/owner.ts';
import { CALLER } from '../core/fakes.ts';
import { ALICE, house } from './house.ts';

const [dir, version = '1', config = 'a', upstream = 'files', token = ALICE.slice(7)] = process.argv.slice(2);
const digest = createHash('sha256').update(config).digest('hex');
const say = (word: string) => process.stderr.write(`${word}\n`);

async function becomeOwner(owner: Owner) {
  const { gate } = house(`of ${process.pid}`);
  const door = await serveBridge({
    gate,
    dir: dir!,
    version,
    config: digest,
    who: () => CALLER,
    handOver: () => {
      say('handing over');
      void door.close({ handover: true, grace: 100 }).then(() => owner.release());
    },
  });
  say('owner');
  return door.local(upstream);
}

try {
  const hello = { version, config: digest, want: 'serve', upstream, token } as const;
  await relay({
    input: process.stdin,
    output: process.stdout,
    join: async (yielding) => {
      const far = await join({ dir: dir!, hello, tryOwn, becomeOwner, yieldFor: yielding ? 3000 : 0, within: 8000 });
      say('joined');
      return far;
    },
  });
  process.exit(0);
} catch (error) {
  say(error instanceof BridgeRefused ? `refused ${error.why}` : String(error));
  process.exit(2);
}
