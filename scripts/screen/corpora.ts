/** The open corpora: read in place, never copied. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Json, JsonObject } from '../../src/lib/json/types.ts';

export interface Row {
  readonly id: string;
  readonly source: string;
  readonly kind: string;
  readonly label: 'attack' | 'benign' | 'either';
  readonly category: string;
  readonly note?: string;
  readonly text?: string;
  readonly json?: Json;
  readonly parts?: readonly string[];
  readonly b64?: string;
  readonly gen?: { readonly repeat: string; readonly count: number };
}

export const CORPORA = process.env['DOORWARD_CORPORA'] ?? resolve(import.meta.dirname, '../../../shared/corpora');
export const haveCorpora = existsSync(CORPORA);

export function readRows(file: string): Row[] {
  return readFileSync(join(CORPORA, file), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

/** Every text in a row, one to a line. */
export function textOf(row: Row): string {
  if (row.text !== undefined) return row.text;
  const out: string[] = [];
  const walk = (value: Json | undefined): void => {
    if (typeof value === 'string') out.push(value);
    else if (Array.isArray(value)) value.forEach(walk);
    else if (typeof value === 'object' && value !== null) Object.values(value as JsonObject).forEach(walk);
  };
  walk(row.json);
  return out.join('\n');
}

/** Texts of our own, by what they are, one to a line: attacks that no corpus has, and clean texts that look like them. */
export function readTaught(): Row[] {
  return (['result', 'descriptor'] as const).flatMap((kind) =>
    (['attack', 'benign'] as const).flatMap((label) =>
      readFileSync(join(import.meta.dirname, `taught/${kind}.${label}.txt`), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line, i) => ({
          id: `${kind}-${label}-${i}`,
          source: 'taught',
          kind: `tool_${kind}`,
          label,
          category: 'taught',
          text: line.replaceAll('\\n', '\n'),
        })),
    ),
  );
}

const KINDS = { D: 'tool_descriptor', R: 'tool_result' } as const;

/** Short texts of our own in many voices, one to a line: `D+` a descriptor that attacks, `R-` a clean result, and so on. */
export function readVoices(): Row[] {
  const folder = join(import.meta.dirname, 'voices');
  return readdirSync(folder)
    .sort()
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').trimEnd().split('\n'))
    .map((line, i) => ({
      id: `voice-${i}`,
      source: 'voices',
      kind: KINDS[line[0] as keyof typeof KINDS],
      label: line[1] === '+' ? 'attack' : 'benign',
      category: 'taught',
      text: line.slice(3).replaceAll('\\n', '\n'),
    }));
}
