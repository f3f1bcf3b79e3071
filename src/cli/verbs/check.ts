/** Configuration, lockfile, policy and posture, offline: nothing is started, nothing is opened. */
import { ConfigError } from '../../config/fault.ts';
import { type Prepared, placeOf, prepare } from '../../gateway/prepare.ts';
import { readSite } from '../../gateway/site.ts';
import { Holds } from '../../inventory/holds.ts';
import { writeEditorSchema } from '../editor.ts';
import { thisHost } from '../machine.ts';
import { unusedOf } from '../review/log.ts';
import { type Placed, place, sarif } from '../sarif.ts';
import { count, data, EXIT, json, paint, shown, Trouble } from '../terminal.ts';
import type { Verb } from '../verb.ts';

const FORMATS = ['table', 'json', 'sarif', 'github'] as const;
type Format = (typeof FORMATS)[number];

export const check: Verb = {
  examples: [
    'doorward check',
    'doorward check --format sarif > doorward.sarif',
    'doorward check --format github',
    'doorward check --usage 30d',
  ],
  build(command, done) {
    command
      .option('--format <format>', `output: ${FORMATS.join(', ')}`, 'table')
      .option('--json', 'same as --format json')
      .option(
        '--usage <time>',
        'beside it: grants that nobody used for so long, by the audit log; exit 1 when there are',
      )
      .action((_own, cmd) => {
        const options = cmd.optsWithGlobals();
        const format: Format = options.json ? 'json' : options.format;
        if (!FORMATS.includes(format)) throw new Trouble(`no format \`${format}\``, `one of: ${FORMATS.join(', ')}`);
        let prepared: Prepared;
        try {
          prepared = checkSite(options.config);
        } catch (error) {
          if (error instanceof ConfigError) printFaults(error, format);
          throw error;
        }
        writeEditorSchema(prepared.site.stateDir);
        const unused = options.usage === undefined ? [] : unusedOf(prepared.site, options.usage);
        print({ ...prepared, findings: [...prepared.findings, ...unused] }, format);
        // What only informs is a yes: a taken risk was decided by a person.
        const bad = unused.length > 0 || prepared.findings.some(({ severity }) => severity === 'critical');
        done(bad ? EXIT.no : EXIT.yes);
      });
  },
};

/** Throws ConfigError on a fault; findings are part of the answer. */
export function checkSite(file: string): Prepared {
  return prepare(readSite(file), { holds: new Holds(), fingerprint: () => '000000000000', machine: thisHost() });
}

function print({ site, findings, upstreams, snapshot }: Prepared, format: Format): void {
  const placed = findings.map(({ code, severity, text, fix, ...rest }) => ({
    code,
    severity,
    where: placeOf(site, { code, severity, text, fix, ...rest }),
    text,
    fix,
  }));
  if (format === 'json')
    return json({ ok: true, rules: snapshot.id, upstreams: [...upstreams.keys()], findings: placed });
  if (format === 'sarif') return data(sarif(placed));
  if (format === 'github') return placed.forEach(annotate);
  for (const { code, severity, where, text, fix } of placed) {
    const mark = paint(severity === 'critical' ? 'red' : 'yellow', severity.padEnd(8));
    data(`${mark} ${code}  ${shown(where)}\n  ${shown(text, 1000)}\n  fix: ${shown(fix, 1000)}`);
  }
  data(
    `${shown(site.shown)} is valid: ${count(upstreams.size, 'upstream')}, rules ${snapshot.id}, ${count(placed.length, 'finding')}`,
  );
}

/** For programs the faults are data as well; people read them as errors. */
function printFaults({ faults }: ConfigError, format: Format): void {
  if (format === 'json') return json({ ok: false, faults });
  const placed = faults.map(({ file, line, column, message, fix }) => ({
    code: 'config.fault',
    severity: 'critical' as const,
    where: `${file}:${line}:${column}`,
    text: message,
    fix,
  }));
  if (format === 'sarif') data(sarif(placed));
  if (format === 'github') placed.forEach(annotate);
}

/** One workflow command of GitHub Actions: https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
function annotate({ code, severity, where, text, fix }: Placed): void {
  const level = severity === 'critical' ? 'error' : severity === 'note' ? 'notice' : 'warning';
  const value = (raw: string) => shown(raw, 1000).replaceAll('%', '%25');
  const property = (raw: string) => value(raw).replaceAll(':', '%3A').replaceAll(',', '%2C');
  const { file, line, column } = place(where);
  data(`::${level} file=${property(file)},line=${line},col=${column},title=${code}::${value(`${text}. Fix: ${fix}`)}`);
}
