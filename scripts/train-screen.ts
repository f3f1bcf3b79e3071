/**
 * Trains the models of `src/detect/injection`, `model.ts` and `reader.ts`, from the open corpora, from
 * `scripts/screen/taught` and, the reader, from `scripts/screen/voices`; and writes their weights.
 *
 *   DOORWARD_CORPORA=<folder> node scripts/train-screen.ts [model|reader]
 *
 * The same corpora give the same weights: order and seed are fixed, nothing else is random.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BITS, type Weights } from '../src/detect/injection/model.ts';
import { BITS as READER_BITS } from '../src/detect/injection/reader.ts';
import type { Head } from '../src/detect/injection/rules.ts';
import { readRows, readTaught, readVoices } from './screen/corpora.ts';
import { train } from './screen/train.ts';
import { examplesOf, trainReader } from './screen/train-reader.ts';

type Trained = (head: Head) => Weights & { readonly values: Float64Array };

function write(name: string, bits: number, trained: Trained, digits: number): void {
  const packed = Object.fromEntries(
    (['descriptor', 'result'] as const).map((head) => {
      const { values, bias } = trained(head);
      const top = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const bytes = Int8Array.from(values, (value) => Math.round((value / top) * 127));
      return [
        head,
        {
          bias: Number(bias.toFixed(4)),
          scale: Number((top / 127).toFixed(digits)),
          weights: Buffer.from(bytes.buffer).toString('base64'),
        },
      ];
    }),
  );
  const file = join(import.meta.dirname, `../src/detect/data/${name}.json`);
  writeFileSync(file, `${JSON.stringify({ version: 1, bits, ...packed }, null, 2)}\n`);
  console.log(`written to ${file}`);
}

const which = process.argv[2];
const rows = [...readRows('injection.jsonl'), ...readTaught()];
if (which !== 'reader') write('screen-model', BITS, (head) => train(rows, head), 6);
if (which !== 'model') {
  const examples = examplesOf([...rows, ...readVoices()]);
  write('screen-reader', READER_BITS, (head) => trainReader(examples, head), 8);
}
