/**
 * Trains the model of `src/detect/injection/model.ts` from the open corpora and
 * from `scripts/screen/taught`, and writes its weights.
 *
 *   DOORWARD_CORPORA=<folder> node scripts/train-screen.ts
 *
 * The same corpora give the same weights: order and seed are fixed, nothing else is random.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BITS } from '../src/detect/injection/model.ts';
import { readRows, readTaught } from './screen/corpora.ts';
import { train } from './screen/train.ts';

const rows = [...readRows('injection.jsonl'), ...readTaught()];
const packed = Object.fromEntries(
  (['descriptor', 'result'] as const).map((head) => {
    const { values, bias } = train(rows, head);
    const top = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const bytes = Int8Array.from(values, (value) => Math.round((value / top) * 127));
    return [
      head,
      {
        bias: Number(bias.toFixed(4)),
        scale: Number((top / 127).toFixed(6)),
        weights: Buffer.from(bytes.buffer).toString('base64'),
      },
    ];
  }),
);
const file = join(import.meta.dirname, '../src/detect/data/screen-model.json');
writeFileSync(file, `${JSON.stringify({ version: 1, bits: BITS, ...packed }, null, 2)}\n`);
console.log(`${rows.length} rows, written to ${file}`);
