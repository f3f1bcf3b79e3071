import type { Severity } from '../config/posture/finding.ts';
import { VERSION } from '../gateway/version.ts';

export interface Placed {
  readonly code: string;
  readonly severity: Severity;
  /** `file:line:column`. */
  readonly where: string;
  readonly text: string;
  readonly fix: string;
}

const LEVEL: Readonly<Record<Severity, string>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'note',
  note: 'note',
};

/** SARIF 2.1.0 (OASIS), as code hosts read it. */
export function sarif(findings: readonly Placed[]): string {
  const results = findings.map(({ code, severity, where, text, fix }) => {
    const [uri, line = '1', column = '1'] = where.split(':');
    return {
      ruleId: code,
      level: LEVEL[severity],
      message: { text: `${text}. Fix: ${fix}` },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri },
            region: { startLine: Number(line), startColumn: Number(column) },
          },
        },
      ],
    };
  });
  const rules = [...new Set(findings.map(({ code }) => code))].map((id) => ({ id }));
  return JSON.stringify(
    {
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: [{ tool: { driver: { name: 'doorward', version: VERSION, rules } }, results }],
    },
    null,
    2,
  );
}
