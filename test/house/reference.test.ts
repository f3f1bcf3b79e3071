import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { type Node, PAGE, reference, renewed, rows } from '../../scripts/reference.ts';
import { EXIT } from '../../src/cli/terminal.ts';
import { jsonSchema } from '../../src/config/schema.ts';

const page = readFileSync(join(resolve(import.meta.dirname, '../..'), PAGE), 'utf8');

it('is what the schema says now (node scripts/reference.ts writes it)', () => {
  expect(renewed(page)).toBe(page);
});

it('has a row for every key, however deep', () => {
  const keys = rows(jsonSchema() as Node).map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys).toEqual(
    expect.arrayContaining(['listen.port', 'upstreams.<name>.run', 'policy[].to.subject', 'limits.subject.minute']),
  );
});

it('prints defaults, bounds and alternatives; a bar cannot break the table', () => {
  const schema: Node = {
    type: 'object',
    properties: {
      a: {
        type: 'object',
        required: ['b'],
        properties: {
          b: { type: 'integer', minimum: 1, maximum: 9, default: 3, description: 'x | y' },
          c: {
            anyOf: [
              { type: 'string', const: 'local' },
              { type: 'array', items: { type: 'string' } },
            ],
            default: 'z',
          },
          d: { type: 'object', additionalProperties: { type: 'object', properties: { e: { type: 'boolean' } } } },
        },
      },
    },
  };
  expect(
    reference(rows(schema))
      .split('\n')
      .filter((line) => line.startsWith('| `')),
  ).toEqual([
    '| `a.b` | 1 to 9 | needed | x \\| y |',
    '| `a.c` | "local" or list of text | z |  |',
    '| `a.d` | block for each name |  |  |',
    '| `a.d.<name>` | block |  |  |',
    '| `a.d.<name>.e` | true, false |  |  |',
  ]);
});

it('names every exit code', () => {
  for (const code of Object.values(EXIT)) expect(page).toMatch(new RegExp(`^\\| ${code} \\|`, 'm'));
});
