/** docs/conformance.md: what the last whole run said. */
import { createRequire } from 'node:module';
import { ERAS } from './cells.ts';
import type { Results } from './judge.ts';
import type { Matrix } from './matrix.ts';

const { version } = createRequire(import.meta.url)('@modelcontextprotocol/conformance/package.json') as {
  version: string;
};

const HEAD = `# Conformance

Written by \`npm run conformance\`: the protocol's own suite (@modelcontextprotocol/conformance ${version}) with the frozen
requirements of both revisions. Server side: the fixture directly, then the same fixture behind the gateway, for clients
of each revision and servers of each revision over stdio and HTTP. Client side: the suite's own servers behind the
gateway; where they want a credential, the user follows the gateway's links. What a cell may lose stands, with its reason,
in \`test/conformance/expected/<cell>.yaml\`; a run fails when anything else is lost, and when something that is listed there
is not.
`;

export function page({ direct, cells, clients, extensions }: Matrix): string {
  const rows = (all: readonly (readonly (string | number)[])[]) =>
    all.map((row) => `| ${row.join(' | ')} |\n`).join('');
  const reasons = new Map<string, string[]>();
  for (const { name, reasons: own } of [...cells, ...clients, ...extensions])
    for (const [scenario, why] of own) reasons.set(why, [...(reasons.get(why) ?? []), `${name} ${scenario}`]);
  return [
    HEAD,
    '\n## Server side\n\nA cell is `<revision of the clients>.<server behind the gateway>`.\n\n',
    '| cell | required scenarios | checks | checks without a score | lost for a reason |\n| --- | --- | --- | --- | --- |\n',
    rows(
      ERAS.flatMap((era) => [
        [`${era} directly`, ...counts(direct.get(era)!), '-'],
        ...cells
          .filter(({ client }) => client === era)
          .map(({ name, through, reasons: { size } }) => [name, ...counts(through), size]),
      ]),
    ),
    '\n## Client side\n\n',
    '| cell | required scenarios | checks | checks without a score | lost for a reason |\n| --- | --- | --- | --- | --- |\n',
    rows(clients.map(({ name, through, reasons: { size } }) => [name, ...counts(through), size])),
    '\n## Extensions\n\nThe scenarios that the suite lists for an extension, without a score, against a server that has it.\n\n',
    '| cell | checks | lost for a reason |\n| --- | --- | --- |\n',
    rows(extensions.map(({ name, through, reasons: { size } }) => [name, counts(through)[2]!, size])),
    reasons.size > 0 ? '\n## Reasons\n\n| reason | scenarios |\n| --- | --- |\n' : '',
    rows([...reasons].map(([why, where]) => [why, new Set(where.map((one) => one.split(' ')[1])).size])),
  ].join('');
}

/** Scenarios that are required, checks of those, and of the others: passed of all. */
function counts(results: Results): string[] {
  const all = [...results.values()];
  const sum = (some: typeof all) => {
    const passed = some.reduce((total, one) => total + one.passed, 0);
    return `${passed} of ${passed + some.reduce((total, one) => total + one.failed.size, 0)}`;
  };
  const required = all.filter((one) => one.required);
  const whole = required.filter(({ failed, warned }) => failed.size === warned.size).length;
  const told = required.filter(({ warned }) => warned.size > 0).length;
  return [
    `${whole} of ${required.length}${told > 0 ? `, ${told} with a warning` : ''}`,
    sum(required),
    sum(all.filter((one) => !one.required)),
  ];
}
