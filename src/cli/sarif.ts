import type { Severity } from '../config/posture/finding.ts';
import { VERSION } from '../gateway/version.ts';
import { jsonText } from '../lib/text.ts';

export interface Placed {
  readonly code: string;
  readonly severity: Severity;
  /** `file:line:column`, or a file alone. */
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
    const { file, line, column } = place(where);
    return {
      ruleId: code,
      level: LEVEL[severity],
      message: { text: `${text}. Fix: ${fix}` },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri: encodeURI(file) },
            region: { startLine: line, startColumn: column },
          },
        },
      ],
    };
  });
  const rules = [...new Set(findings.map(({ code }) => code))].map((id) => ({ id }));
  return jsonText(
    {
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: [{ tool: { driver: { name: 'doorward', version: VERSION, rules } }, results }],
    },
    2,
  );
}

/** `file:line:column` taken apart; the first line of a file that is named alone. */
export function place(where: string): { readonly file: string; readonly line: number; readonly column: number } {
  const [, file = where, line = '1', column = '1'] = /^(.*):(\d+):(\d+)$/s.exec(where) ?? [];
  return { file, line: Number(line), column: Number(column) };
}
