/** Texts, tools, arguments, URLs and frames judged as the running gateway would, one JSON line each. */
import { LineReader } from '../../doors/line-reader.ts';
import { parseJson } from '../../lib/json/scan.ts';
import { isObject, type Json } from '../../lib/json/types.ts';
import { jsonText } from '../../lib/text.ts';
import { inspectRow, RowFault } from '../inspect/inspect.ts';
import { EXIT, Trouble } from '../terminal.ts';
import type { Verb } from '../verb.ts';

/** Bytes of one line. */
const LINE = 32 * 1024 * 1024;
const CAPS = { maxBytes: LINE, maxDepth: 256, maxString: LINE, maxMembers: 1_000_000 };

export const inspect: Verb = {
  examples: [
    'doorward inspect < rows.jsonl',
    `echo '{"kind":"url","text":"http://10.0.0.1/"}' | doorward inspect`,
    `echo '{"kind":"text","text":"Ignore your instructions"}' | doorward inspect`,
    'doorward inspect < rows.jsonl > verdicts.jsonl',
  ],
  build(command, done) {
    command.action(async () => {
      if (process.stdin.isTTY) throw new Trouble('nothing to read', 'give JSON lines on stdin');
      warm();
      let bad = 0;
      let out = '';
      const reader = new LineReader(LINE, {
        line(bytes) {
          if (blank(bytes)) return;
          const { text, fault } = judged(bytes);
          if (fault) bad++;
          out += text;
        },
        tooLong() {
          bad++;
          out += answer(failed(null, 'the line is too long'));
        },
      });
      const flush = async (): Promise<void> => {
        const text = out;
        out = '';
        if (text === '' || process.stdout.write(text)) return;
        await new Promise<void>((resolve) => {
          const go = (): void => {
            process.stdout.off('drain', go).off('close', go);
            resolve();
          };
          process.stdout.on('drain', go).on('close', go);
        });
      };
      for await (const chunk of process.stdin) {
        reader.push(chunk as Uint8Array);
        await flush();
        // Nobody reads any more (`| head`).
        if (process.stdout.destroyed) return done(EXIT.yes);
      }
      reader.push(Buffer.from('\n'));
      await flush();
      done(bad === 0 ? EXIT.yes : EXIT.no);
    });
  },
};

const blank = (bytes: Uint8Array): boolean =>
  bytes.length < 64 && bytes.every((b) => b === 0x20 || b === 0x09 || b === 0x0d);

/** The first row of a kind pays for tables that are made once; no row of the input does. */
function warm(): void {
  const json = { name: 'a', description: 'B \u0441 <!-- d -->', inputSchema: { type: 'object' } };
  for (const kind of ['tool_descriptor', 'text', 'arguments']) inspectRow({ kind, json });
}

function judged(bytes: Uint8Array): { text: string; fault: boolean } {
  const row = parseJson(bytes, CAPS);
  if (!row.ok || !isObject(row.value)) return { text: answer(failed(null, 'no JSON object')), fault: true };
  const id = row.value.id ?? null;
  const start = process.hrtime.bigint();
  try {
    const found = inspectRow(row.value);
    const us = Number((process.hrtime.bigint() - start) / 1000n);
    return { text: answer({ id, ...found, us }), fault: false };
  } catch (error) {
    const why = error instanceof RowFault ? error.message : 'the row could not be judged';
    return { text: answer(failed(id, why)), fault: true };
  }
}

/** No verdict is `pass` by mistake: a row that is none has one of its own. */
function failed(id: Json, error: string): object {
  return { id, verdict: 'error', findings: [], error, us: 0 };
}

function answer(value: object): string {
  return `${jsonText(value)}\n`;
}
