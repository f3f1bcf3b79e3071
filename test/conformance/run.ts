/**
 * `npm run conformance [-- part of a cell's name ...]`: prints what each scenario passes directly and through the
 * gateway. Exit 1 when anything is lost, or kept, otherwise than `expected/` says. A run of all cells writes
 * docs/conformance.md.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERAS } from './cells.ts';
import { type Cell, runMatrix } from './matrix.ts';
import { page } from './page.ts';
import type { Scenario } from './suite.ts';

const which = process.argv.slice(2);
const matrix = await runMatrix(which, (line) => process.stderr.write(`running ${line}\n`));
const { direct, cells, clients, extensions } = matrix;
const say = (line = '') => process.stdout.write(`${line}\n`);

const score = (one?: Scenario) => (one ? `${one.passed}/${one.passed + one.failed.size}` : '-');
const whole = (results: ReadonlyMap<string, Scenario>) => {
  const required = [...results.values()].filter((one) => one.required);
  return `${required.filter(({ failed, warned }) => failed.size === warned.size).length}/${required.length}`;
};
const cell = ({ through, reasons, unexpected }: Cell, name: string) => {
  const lost = unexpected.some(({ scenario }) => scenario === name);
  return `${score(through.get(name))}${lost ? ' !' : reasons.has(name) ? ' -' : ''}`;
};

for (const era of ERAS) {
  const columns = cells.filter(({ client }) => client === era);
  if (columns.length === 0) continue;
  const row = (name: string, ...values: string[]) =>
    say(
      name.padEnd(50) +
        values
          .map((value) => value.padEnd(20))
          .join('')
          .trimEnd(),
    );
  say(`clients of ${era}: checks passed`);
  row('', 'direct', ...columns.map(({ upstream }) => upstream));
  for (const one of direct.get(era)!.values()) {
    row(
      `  ${one.name}${one.required ? '' : ' (unscored)'}`,
      score(one),
      ...columns.map((column) => cell(column, one.name)),
    );
  }
  row('  required scenarios passed', whole(direct.get(era)!), ...columns.map(({ through }) => whole(through)));
  say();
}
for (const { era, through, left } of clients) {
  say(`the gateway as a client of servers of ${era}: checks passed`);
  for (const one of through.values()) say(`  ${one.name}${one.required ? '' : ' (unscored)'}`.padEnd(50) + score(one));
  if (left.length > 0) say(`  not run: ${left.join(', ')}`);
  say();
}
for (const { name, through } of extensions) {
  say(`${name}: checks passed`);
  for (const one of through.values()) say(`  ${one.name}`.padEnd(50) + score(one));
  say();
}
say('-  lost for a reason that test/conformance/expected/ gives    !  lost without one');

let odd = false;
for (const { name, reasons, unexpected, stale } of [...cells, ...clients, ...extensions]) {
  say();
  say(name);
  for (const reason of new Set(reasons.values())) {
    say(
      `  ${reason}: ${[...reasons]
        .filter(([, why]) => why === reason)
        .map(([scenario]) => scenario)
        .join(', ')}`,
    );
  }
  for (const { scenario, check, message } of unexpected) say(`  ! ${scenario} ${check}: ${message.slice(0, 200)}`);
  for (const key of stale) say(`  ! ${key} is not lost: correct test/conformance/expected/${name}.yaml`);
  odd ||= unexpected.length + stale.length > 0;
}
if (which.length === 0) writeFileSync(join(import.meta.dirname, '../../docs/conformance.md'), page(matrix));
process.exitCode = odd ? 1 : 0;
