/** Child of crash.test.ts: logs calls until it is killed, and says which intents were acknowledged. */
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { openAudit } from '../../src/audit/log.ts';
import { tryOwn } from '../../src/store/owner.ts';
import { call, REPLY, TRAIL } from './calls.ts';

const [, , dir, round] = process.argv as unknown as [string, string, string, string];
const privateKey = createPrivateKey(process.env.AUDIT_KEY!);
const log = await openAudit({
  dir,
  own: tryOwn,
  keys: { privateKey, publicKey: createPublicKey(privateKey) },
  clock: Date.now,
  random: (n) => randomBytes(n),
  redact: (text) => ({ text }),
  limits: { segmentBytes: 60_000, checkpointEntries: 40, checkpointMs: 15, lingerMs: 1 },
});
writeSync(1, 'open\n');
let n = 0;
await Promise.all(
  Array.from({ length: 16 }, async () => {
    for (;;) {
      const id = `r${round}-${n++}`;
      await log.intent(call(id), TRAIL);
      writeSync(1, `${id}\n`);
      log.outcome(call(id), TRAIL, REPLY);
    }
  }),
);
