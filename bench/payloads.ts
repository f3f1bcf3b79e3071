/** What the upstream of the benchmark answers: results of one tool, as whole JSON-RPC replies. */

const PROSE =
  'The committee reviewed the quarterly report and asked for a second reading before the end of the month. ' +
  'Lines 12 to 40 were moved into an appendix; see docs/plan.md, function readConfig(path: string), and issue 4711. ';

function text(bytes: number): string {
  return PROSE.repeat(Math.ceil(bytes / PROSE.length)).slice(0, bytes);
}

function rows(bytes: number): object[] {
  const row = (i: number) => ({
    id: i,
    name: `row ${i}`,
    city: 'Lisbon',
    ratio: i / 8,
    active: i % 2 === 0,
    note: 'checked',
  });
  return Array.from({ length: Math.ceil(bytes / JSON.stringify(row(1000)).length) }, (_, i) => row(i));
}

/** Events in an answer to `/events`: progress, and the result as the last. */
export const EVENTS = 20;

export const PAYLOADS: Readonly<Record<string, object>> = {
  events: { content: [{ type: 'text', text: text(200) }] },
  small: { content: [{ type: 'text', text: text(200) }] },
  '10kB': { content: [{ type: 'text', text: text(10_000) }] },
  '1MB-text': { content: [{ type: 'text', text: text(1_000_000) }] },
  '1MB-rows': {
    content: [{ type: 'text', text: 'see structuredContent' }],
    structuredContent: { rows: rows(1_000_000) },
  },
};

/** A caller's token for the benchmark; it opens nothing else. */
export const TOKEN = 'bench-token-bench-token-bench-token-bench-0';

export const TOOL = {
  name: 'echo',
  description: 'Answers what was prepared.',
  inputSchema: {
    type: 'object',
    properties: {
      city: { type: 'string', maxLength: 80 },
      count: { type: 'integer', minimum: 0, maximum: 1_000_000_000 },
      unit: { type: 'string', enum: ['metric', 'imperial'] },
      detailed: { type: 'boolean' },
      tags: { type: 'array', items: { type: 'string', maxLength: 40 }, maxItems: 20 },
      range: { type: 'object', properties: { from: { type: 'string' }, to: { type: 'string' } } },
      ratio: { type: 'number' },
      note: { type: 'string', maxLength: 400 },
    },
    required: ['city'],
  },
};

/** Arguments of one call; `fresh` ones differ from call to call. */
export function args(n: number, fresh: boolean): object {
  return {
    city: 'Lisbon',
    count: fresh ? n : 3,
    unit: 'metric',
    detailed: true,
    tags: ['a', 'b'],
    range: { from: '2026-01-01', to: '2026-02-01' },
    ratio: 0.5,
    note: 'as before',
  };
}
