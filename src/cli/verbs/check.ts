/** Configuration, lockfile, policy and posture, offline: nothing is started, nothing is opened. */
import type { Finding } from '../../config/posture/finding.ts';
import { type Prepared, placeOf, prepare } from '../../gateway/prepare.ts';
import { readSite } from '../../gateway/site.ts';
import { Holds } from '../../inventory/holds.ts';
import { writeEditorSchema } from '../editor.ts';
import { thisHost } from '../machine.ts';
import { sarif } from '../sarif.ts';
import { data, EXIT, json, paint, Trouble } from '../terminal.ts';
import type { Verb } from '../verb.ts';

const FORMATS = ['table', 'json', 'sarif', 'github'] as const;

export const check: Verb = {
  examples: [
    'doorward check',
    'doorward check --format sarif > doorward.sarif',
    'doorward check --format github',
    'doorward --config team.yaml check --json',
  ],
  build(command, done) {
    command
      .option('--format <format>', `output: ${FORMATS.join(', ')}`, 'table')
      .option('--json', 'same as --format json')
      .action((_own, cmd) => {
        const options = cmd.optsWithGlobals();
        const format = options.json ? 'json' : options.format;
        if (!FORMATS.includes(format)) throw new Trouble(`no format \`${format}\``, `one of: ${FORMATS.join(', ')}`);
        const prepared = checkSite(options.config);
        writeEditorSchema(prepared.site.stateDir);
        print(prepared, format);
        // What only informs is a yes: a taken risk was decided by a person.
        done(prepared.findings.some(({ severity }) => severity === 'critical') ? EXIT.no : EXIT.yes);
      });
  },
};

/** Throws ConfigError on a fault; findings are part of the answer. */
export function checkSite(file: string): Prepared {
  return prepare(readSite(file), { holds: new Holds(), fingerprint: () => '000000000000', machine: thisHost() });
}

function print({ site, findings, upstreams, snapshot }: Prepared, format: string): void {
  const at = (finding: Finding) => placeOf(site, finding);
  if (format === 'json') {
    return json({
      ok: true,
      rules: snapshot.id,
      upstreams: [...upstreams.keys()],
      findings: findings.map((f) => ({ ...f, where: at(f) })),
    });
  }
  if (format === 'sarif') return data(sarif(findings.map((f) => ({ ...f, where: at(f) }))));
  for (const finding of findings) {
    if (format === 'github') {
      const [file, line = '1', col = '1'] = at(finding).split(':');
      const level = finding.severity === 'critical' ? 'error' : finding.severity === 'note' ? 'notice' : 'warning';
      data(`::${level} file=${file},line=${line},col=${col},title=${finding.code}::${finding.text}`);
      continue;
    }
    data(
      `${paint(finding.severity === 'critical' ? 'red' : 'yellow', finding.severity.padEnd(8))} ${finding.code}  ${at(finding)}\n  ${finding.text}\n  fix: ${finding.fix}`,
    );
  }
  if (format === 'table')
    data(`${site.shown} is valid: ${upstreams.size} upstreams, rules ${snapshot.id}, ${findings.length} findings`);
}
