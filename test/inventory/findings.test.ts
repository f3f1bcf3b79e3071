import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PinKind } from '../../src/core/call.ts';
import { findingsOf, instructionFindings, packageFindings } from '../../src/inventory/findings.ts';
import { nearName } from '../../src/inventory/names.ts';
import { parseRun } from '../../src/inventory/packages/run.ts';
import type { JsonObject } from '../../src/lib/json/types.ts';

const input = { type: 'object', properties: { path: { type: 'string' } } };
const codes = (kind: PinKind, name: string, descriptor: JsonObject, others: string[] = []) =>
  findingsOf(
    kind,
    name,
    descriptor,
    others.map((other) => ({ name: other })),
  ).map(({ code, at }) => `${code} ${at}`);

describe('findings of a review', () => {
  it.each<readonly [string, string[], string[]]>([
    ['a plain tool', codes('tool', 'read', { inputSchema: input }), []],
    [
      'hidden text',
      codes('tool', 'r', { description: 'a\u{e0041}', inputSchema: input }),
      ['inventory.hidden-text /description'],
    ],
    [
      'hidden in a parameter name',
      codes('tool', 'r', { inputSchema: { properties: { 'a\u200b': {} } } }),
      ['inventory.hidden-text /inputSchema/properties/a<U+200B>', 'inventory.open /a<U+200B>'],
    ],
    ['an odd name', codes('tool', 'rеad', { inputSchema: input }), ['inventory.name /name']],
    [
      'a tool that may be an agent',
      codes('tool', 'askBillingAgent', { inputSchema: input, name: 'askBillingAgent' }),
      ['inventory.agent /name'],
    ],
    [
      'a tool for agents that says so',
      codes('tool', 'r', { inputSchema: input, annotations: { title: 'Copilot' } }),
      ['inventory.agent /name'],
    ],
    ['a page of user agents', codes('tool', 'reagent', { inputSchema: input, name: 'list_reagents' }), []],
    ['no name', codes('prompt', '', {}), ['inventory.name /name']],
    ['a near name', codes('tool', 'read_flie', { inputSchema: input }, ['read_file']), ['inventory.near-name /name']],
    ['no schema', codes('tool', 'r', {}), ['inventory.schema /inputSchema']],
    [
      'a remote reference',
      codes('tool', 'r', { inputSchema: { $ref: 'https://example.com/s' } }),
      ['inventory.schema /inputSchema/$ref'],
    ],
    [
      'a pattern without linear time',
      codes('tool', 'r', { inputSchema: { properties: { a: { type: 'string', pattern: '(?=a)' } } } }),
      ['inventory.schema /inputSchema/properties/a/pattern'],
    ],
    [
      'an open object',
      codes('tool', 'r', { inputSchema: { type: 'object', properties: { env: { type: 'object' } } } }),
      ['inventory.open /env'],
    ],
    [
      'an unknown format',
      codes('tool', 'r', { inputSchema: { properties: { a: { type: 'string', format: 'path' } } } }),
      ['inventory.note /inputSchema/properties/a/format'],
    ],
    ['an open result', codes('tool', 'r', { inputSchema: input, outputSchema: { type: 'object' } }), []],
    ['a URI that climbs', codes('resource', 'file:///a/../b', {}), ['inventory.uri /uri']],
    ['a template we cannot match', codes('template', 'a:{?q}', {}), ['inventory.uri /uri']],
  ])('%s', (_, found, expected) => expect(found).toEqual(expected));

  it('speaks for instructions and packages', () => {
    expect(instructionFindings('do\u2066 it').map(({ code }) => code)).toEqual(['inventory.hidden-text']);
    expect(packageFindings('mcp-toolbx', ['mcp-toolbox'])[0]!.code).toBe('inventory.near-name');
    expect(packageFindings('mcp-toolbox', ['mcp-toolbox'])).toEqual([]);
  });

  it.each([
    ['mcp-toolbx', 'mcp-toolbox', true],
    ['mcp-toolbxo', 'mcp-toolbox', true],
    ['mcp_toolbox', 'mcp-toolbox', true],
    ['MCP-T00lbox', 'mcp-toolbox', true],
    ['mcp-tool', 'mcp-toolbox', false],
    ['file_v1', 'file_v2', false],
    ['read', 'read_', true],
    ['get', 'set', false],
    ['same_name', 'same_name', false],
  ])('%s beside %s: %s', (name, other, near) => expect(nearName(name, [other]) !== undefined).toBe(near));

  const CORPORA = process.env.DOORWARD_CORPORA ?? resolve(import.meta.dirname, '../../../shared/corpora');
  const FILE = resolve(CORPORA, 'injection.jsonl');
  it.skipIf(!existsSync(FILE))('pins nearly every descriptor of public servers', { timeout: 60_000 }, () => {
    const rows = readFileSync(FILE, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { source: string; kind: string; json?: JsonObject })
      .filter((row) => row.source === 'npm-live-official' && row.kind === 'tool_descriptor');
    const tools = rows.flatMap((row) => (Array.isArray(row.json?.tools) ? row.json.tools : [row.json])) as JsonObject[];
    expect(tools.length).toBeGreaterThan(20);
    const refused = tools.filter((tool) =>
      findingsOf('tool', String(tool.name), tool).some((finding) => finding.refused),
    );
    expect(refused.map((tool) => tool.name)).toEqual([]);
  });
});

describe('the run line', () => {
  it.each([
    [['npx', '-y', '@a/b@1.2.3', '/data'], { name: '@a/b', version: '1.2.3', args: ['/data'] }],
    [['npx', 'b@1.2.3-rc.1'], { name: 'b', version: '1.2.3-rc.1', args: [] }],
  ])('%j', (run, expected) => expect(parseRun(run)).toEqual(expected));
  it.each([
    [['node', 'x.js']],
    [['npx']],
    [['npx', '-y', 'b']],
    [['npx', '-y', '@a/b']],
    [['npx', '-y', 'b@latest']],
    [['npx', '-y', 'b@^1.2.3']],
    [['npx', '-y', 'b@1.2']],
    [['npx', '--package', 'b@1.2.3']],
    [['npx', 'git+https://example.com/b@1.2.3']],
    [['npx', '../b@1.2.3']],
    [['npx', 'B@1.2.3']],
  ])('%j is refused', (run) => expect(parseRun(run)).toHaveProperty('fault'));
});
