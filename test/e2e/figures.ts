/** Figures that a long run prints; with `DOORWARD_FIGURES=write` they become a page of docs/figures. */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

export function figures(
  name: string,
  title: string,
  intro: string,
  rows: Readonly<Record<string, string | number>>,
): void {
  const table = [
    '| what | value |',
    '| --- | --- |',
    ...Object.entries(rows).map(([what, value]) => `| ${what} | ${value} |`),
  ];
  process.stdout.write(`\n${title}\n${table.join('\n')}\n`);
  if (process.env['DOORWARD_FIGURES'] !== 'write') return;
  const machine = `${cpus().length} x ${cpus()[0]!.model}, Node ${process.versions.node}`;
  const page = `# ${title}\n\n${intro}\n\n${machine}.\n\n${table.join('\n')}\n`;
  writeFileSync(join(import.meta.dirname, `../../docs/figures/${name}.md`), page);
}

/** The value at a share of the sorted values. */
export function at(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
