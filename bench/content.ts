/**
 * `npm run bench:content`: what the content controls find in the open corpora, per stratum, with 95 % Wilson bounds.
 * For injections the model is trained anew without the source that is judged (leave one source out).
 *
 *   DOORWARD_CORPORA=<folder> npm run bench:content -- [--write]
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Row, readRows, readTaught, readVoices, textOf } from '../scripts/screen/corpora.ts';
import { train } from '../scripts/screen/train.ts';
import { examplesOf, trainReader } from '../scripts/screen/train-reader.ts';
import { inspectRow } from '../src/cli/inspect/inspect.ts';
import { judgeDescriptor } from '../src/detect/injection/descriptor.ts';
import { judge } from '../src/detect/injection/judge.ts';
import { findInvisible } from '../src/detect/invisible.ts';
import { PII, type PiiKind, redactText } from '../src/detect/secrets.ts';
import { isObject, type JsonObject } from '../src/lib/json/types.ts';
import { BENIGN } from '../test/detect/unseen/benign.ts';
import { FORMS } from '../test/detect/unseen/forms.ts';
import { CALLED, NOBODY, NUMBERED } from '../test/detect/unseen/people.ts';
import { AROUND } from '../test/detect/unseen/secrets.ts';
import { core, VENDORS } from '../test/detect/unseen/vendors.ts';
import { CORE, OTHERS, PII_OF, STATES } from './strata.ts';

interface Tally {
  n: number;
  /** Held, stopped or edited. */
  stopped: number;
  labelled: number;
}
const FILES = ['injection', 'secrets', 'urls', 'arguments', 'unicode', 'jsonrpc_raw'];
const out: string[] = [];
const say = (line = ''): void => {
  out.push(line);
  console.log(line);
};

const injection = readRows('injection.jsonl');
say('# Content controls in figures');
say();
say(
  'Written by `npm run bench:content -- --write`. Recall and false positives are counts of rows with 95 % Wilson bounds.',
);
say('"flagged" is stopped, held, edited or labelled; "firm" leaves the labelled ones out.');
say();
say('## Injections, leaving one source out');
say();
say(
  'Each row is judged by a model that saw nothing of its source. Rules were written with the corpora at hand, so unseen',
);
say(
  'material is the fairer judge of them, and the bounds were chosen on these figures. The tables that follow, as shipped,',
);
say('include what the model was trained with: they show what a user gets on these rows, not how it does on others.');
say();
table(leaveOneOut());

say();
say('## Descriptors beside other tools');
say();
say('Attacks beside the clean tools of their source, clean tools beside the others of their server.');
say();
table(beside());

say();
say('## Written blind');
say();
say(
  'Sets by someone who had seen neither rules nor corpora (`bench/blind`): wording of a researcher, of a lazy attacker, of one who',
);
say(
  'knows of keyword filters; clean rows that tempt on purpose. Before anything was changed for them 36, 46 and 11 % of the attacking',
);
say(
  'descriptors and 32, 34 and 5 % of the attacking results were found. The first set was then used to improve; of the other two',
);
say('only totals were seen, among others when the bounds of the reader were chosen.');
say();
table(blind());

const times: number[] = [];
let worst = 0;
for (const file of FILES) {
  const tallies = new Map<string, Tally>();
  for (const row of readRows(`${file}.jsonl`)) {
    const began = performance.now();
    const start = cpu();
    const { verdict } = inspectRow(row as unknown as JsonObject);
    // The clock of a thread ticks in milliseconds: good for the worst row alone.
    worst = Math.max(worst, (cpu() - start) / 1000);
    times.push(performance.now() - began);
    add(tallies, row, verdict === 'pass' ? undefined : verdict === 'label' ? 'label' : 'stop');
  }
  say();
  say(`## ${file}.jsonl, as shipped`);
  say();
  table(tallies);
}
times.sort((a, b) => a - b);
say();
say('## Personal data, each kind switched on');
say();
table(personal());
say();
say(`Kinds: ${PII.join(', ')}. Names, dates, plates, postcodes, passports and licences are not built.`);
say();
say('## Made to published forms');
say();
say(
  'Not from the corpora: made from a seed to what vendors, issuers and numbering plans publish (`test/detect/unseen`), and scored',
);
say(
  'before any rule was changed for it. The first score found 37 % of command lines, 57 % of files, 6 % of other languages, 33 % of',
);
say(
  'what is encoded, none of what is cut, 97 % of vendors; 79 % of phone numbers at 9.5 % wrong, 68 % of national ids at 2.8 %.',
);
say(
  'Another seed, drawn when the rules stood, is within four points of this table in each row, and nothing is wrong in it.',
);
say();
made();
say();
say('## Speed');
say();
speed();
say();
say('## Beside others');
say();
for (const line of OTHERS) say(line);
say();
say('## Times');
say();
const at = (share: number): string =>
  `${(times[Math.min(times.length - 1, Math.floor(times.length * share))]! * 1000).toFixed(0)} µs`;
say(
  `${times.length} rows in one process, cold start included: p50 ${at(0.5)}, p99 ${at(0.99)} by the clock on the wall; the worst took ${worst.toFixed(0)} ms of CPU time.`,
);

if (process.argv.includes('--write')) {
  const folder = join(import.meta.dirname, '../docs/figures');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'content.md'), `${out.join('\n')}\n`);
}

/** Twins and namesakes show only beside the tools they imitate: the clean tools of the same source. */
function beside(): Map<string, Tally> {
  const tallies = new Map<string, Tally>();
  const rows = injection.filter(({ kind }) => kind === 'tool_descriptor');
  for (const row of rows) {
    const clean = rows.filter((other) => other.label === 'benign' && other.source === row.source && other !== row);
    const near = row.label === 'attack' ? clean : clean.filter(({ note }) => note === row.note);
    if (near.length === 0 || near.length > 100) continue;
    const tools = near.map(({ json }) => json!);
    const { verdict } = inspectRow({ ...row, context: { tools } } as unknown as JsonObject);
    add(tallies, row, verdict === 'pass' ? undefined : verdict === 'label' ? 'label' : 'stop');
  }
  return tallies;
}

function personal(): Map<string, Tally> {
  const tallies = new Map<string, Tally>();
  for (const row of readRows('pii.jsonl')) {
    const { category } = row;
    const kind = PII_OF[category] ?? (STATES.test(category) ? 'national-id' : undefined);
    if (kind === undefined && category !== 'pii_credit_card') continue;
    const pii = kind === undefined ? [] : [kind];
    const { found } = redactText(row.text ?? row.parts!.join(''), undefined, undefined, { prose: true, kinds: pii });
    const hit = found.some(({ rule }) => (kind === undefined ? rule === 'card-number' : rule === kind));
    add(tallies, { ...row, category: kind ?? 'card-number' }, hit ? 'stop' : undefined);
  }
  return tallies;
}

function made(): void {
  const clean = (text: string): string => inspectRow({ kind: 'secret', text }).text ?? text;
  const has = (kind: PiiKind) => (text: string) =>
    redactText(text, undefined, undefined, { prose: true, kinds: [kind] }).found.some(({ rule }) => rule === kind);
  const row = <T>(label: string, name: string, items: readonly T[], hit: (item: T) => boolean): void => {
    const hits = items.filter(hit).length;
    say(
      `| ${label} | ${name} | ${items.length} | ${hits} (${percent(hits / items.length)}) | ${wilson(hits, items.length)} |`,
    );
  };
  say('| label | class | texts | found | 95 % |');
  say('|---|---|---|---|---|');
  for (const [name, forms] of Object.entries(FORMS))
    row('attack', `secrets: ${name}`, forms, ([text, secret]) => !clean(text).includes(secret));
  const vendors = VENDORS.flatMap(([, make, name]) =>
    AROUND.map((around) => {
      const secret = make();
      return [around(name === undefined ? secret : `${name}=${secret}`), core(secret)] as const;
    }),
  );
  row('attack', 'secrets: vendors', vendors, ([text, secret]) => !clean(text).includes(secret));
  row('benign', 'secrets', Object.values(BENIGN).flat(), (text) => clean(text).includes('[redacted'));
  for (const [name, texts] of Object.entries(CALLED)) row('attack', `phone: ${name}`, texts, has('phone'));
  const numbers = Object.values(NUMBERED);
  row(
    'attack',
    'national-id: with a word',
    numbers.flatMap((texts) => texts.filter((_, i) => i % 4 < 3)),
    has('national-id'),
  );
  row(
    'attack',
    'national-id: alone in a line',
    numbers.flatMap((texts) => texts.filter((_, i) => i % 4 === 3)),
    has('national-id'),
  );
  for (const kind of ['phone', 'national-id'] as const) row('benign', kind, Object.values(NOBODY).flat(), has(kind));
}

/** Microseconds of CPU time of this thread: what other programs on the machine do does not count. */
function cpu(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

/** CPU time of the best of four runs over clean texts of one size; other programs on the machine do not count. */
function speed(): void {
  const clean = injection
    .filter((row) => row.label === 'benign' && row.kind !== 'tool_descriptor' && /^[\n -~]*$/.test(textOf(row)))
    .map(textOf)
    .join('\n');
  const log = Array.from({ length: 20_000 }, (_, i) => `12:00:${i % 60} INFO worker ${i} done, ${i * 37} rows`).join(
    '\n',
  );
  const table = JSON.stringify(Array.from({ length: 20_000 }, (_, i) => ({ row: i, name: `Item ${i}`, price: i / 4 })));
  say('| text | size | all content controls | screen | redact |');
  say('|---|---|---|---|---|');
  for (const [name, text] of Object.entries({ 'documents and results': clean, log, table })) {
    for (const size of [10_000, 256_000]) {
      const pieces = Array.from({ length: Math.floor(text.length / size) }, (_, i) =>
        text.slice(i * size, (i + 1) * size),
      );
      const list = pieces.slice(0, Math.ceil(800_000 / size));
      const cost = (run: (text: string) => unknown): string => {
        let best = Number.POSITIVE_INFINITY;
        for (let turn = 0; turn < 4; turn++) {
          const from = cpu();
          let runs = 0;
          for (; cpu() - from < 60_000; runs++) for (const piece of list) run(piece);
          best = Math.min(best, (cpu() - from) / (runs * list.length));
        }
        return `${best.toFixed(0)} µs (${(size / best).toFixed(0)} MB/s)`;
      };
      const all = cost((piece) => inspectRow({ kind: 'tool_result', text: piece }));
      const screened = cost((piece) => judge(piece, 'result'));
      say(`| ${name} | ${size / 1000} kB | ${all} | ${screened} | ${cost((piece) => redactText(piece))} |`);
    }
  }
}

function blind(): Map<string, Tally> {
  const tallies = new Map<string, Tally>();
  for (const set of ['set1', 'set2', 'set3']) {
    for (const line of readFileSync(join(import.meta.dirname, `blind/${set}.jsonl`), 'utf8')
      .trimEnd()
      .split('\n')) {
      const { label, category: _, ...row } = JSON.parse(line) as JsonObject & { label: Row['label']; kind: string };
      const { verdict, findings } = inspectRow(row);
      // What redaction takes out is no finding of screening.
      const screened = findings.some(({ code }) => code.startsWith('screen.') || code === 'inventory.hidden-text');
      const found = !screened || verdict === 'pass' ? undefined : verdict === 'label' ? 'label' : 'stop';
      const key = `${label} | ${row.kind} | blind | ${set}`;
      const tally = tallies.get(key) ?? { n: 0, stopped: 0, labelled: 0 };
      tallies.set(key, tally);
      tally.n++;
      if (found === 'stop') tally.stopped++;
      else if (found === 'label') tally.labelled++;
    }
  }
  return tallies;
}

function leaveOneOut(): Map<string, Tally> {
  const tallies = new Map<string, Tally>();
  const examples = examplesOf([...injection, ...readTaught(), ...readVoices()]);
  for (const source of new Set(injection.map((row) => row.source))) {
    const others = [...injection.filter((row) => row.source !== source), ...readTaught()];
    const read = examples.filter((example) => example.source !== source);
    const models = {
      model: { descriptor: train(others, 'descriptor'), result: train(others, 'result') },
      reader: { descriptor: trainReader(read, 'descriptor'), result: trainReader(read, 'result') },
    };
    for (const row of injection) {
      if (row.source !== source) continue;
      if (row.kind === 'tool_descriptor') {
        const found = toolsOf(row).map((tool) => judgeDescriptor(String(tool.name), tool, [], models).severity);
        // What is hidden in characters is found without rules and model, by the review.
        const hidden = findInvisible(textOf(row), 1).length > 0;
        add(tallies, row, hidden || found.includes('high') ? 'stop' : undefined);
      } else {
        const { severity } = judge(textOf(row), 'result', models);
        add(tallies, row, severity === 'high' ? 'stop' : severity === 'medium' ? 'label' : undefined);
      }
    }
  }
  return tallies;
}

function toolsOf({ json }: Row): JsonObject[] {
  if (!isObject(json)) return [];
  return Array.isArray(json.tools) ? json.tools.filter(isObject) : [json];
}

function add(tallies: Map<string, Tally>, row: Row, found: 'stop' | 'label' | undefined): void {
  const keys = [
    `${row.label} | ${row.kind} | ${row.category} | all`,
    `${row.label} | ${row.kind} | ${row.category} | ${row.source}`,
    ...Object.keys(CORE).flatMap((name) =>
      CORE[name]!(row) ? [`${row.label} | ${row.kind} | **${name}** | all`] : [],
    ),
  ];
  for (const key of keys) {
    const tally = tallies.get(key) ?? { n: 0, stopped: 0, labelled: 0 };
    tallies.set(key, tally);
    tally.n++;
    if (found === 'stop') tally.stopped++;
    if (found === 'label') tally.labelled++;
  }
}

function table(tallies: ReadonlyMap<string, Tally>): void {
  say('| label | kind | stratum | source | rows | flagged | 95 % | firm |');
  say('|---|---|---|---|---|---|---|---|');
  for (const [key, { n, stopped, labelled }] of [...tallies].sort(([a], [b]) => a.localeCompare(b))) {
    const flagged = stopped + labelled;
    say(
      `| ${key} | ${n} | ${flagged} (${percent(flagged / n)}) | ${wilson(flagged, n)} | ${stopped} (${percent(stopped / n)}) |`,
    );
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** The interval of a share, after Wilson (1927). */
function wilson(hits: number, n: number): string {
  const z = 1.96;
  const p = hits / n;
  const middle = p + (z * z) / (2 * n);
  const half = z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  const [low, high] = [middle - half, middle + half].map((x) => Math.max(0, x / (1 + (z * z) / n)));
  return `${percent(low!)} to ${percent(high!)}`;
}
