import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../src/lib/json/types.ts';
import { pass, tell } from '../../../src/wire/eras/legacy.ts';
import { claimedBy, resultOf } from '../../../src/wire/eras/older.ts';
import { type LegacyEra, OVER_LINES } from '../../../src/wire/eras/versions.ts';

const TOOL = {
  name: 't',
  title: 'T',
  description: 'd',
  inputSchema: { type: 'object', properties: { title: { type: 'string' }, icons: { type: 'array' } } },
  outputSchema: { type: 'object' },
  annotations: { readOnlyHint: true },
  icons: [{ src: 'https://x.example/i.png' }],
  execution: { taskSupport: 'optional' },
  _meta: { a: 1 },
};
const { inputSchema, annotations, outputSchema, title, description, _meta } = TOOL;
const PLAIN = { type: 'resource_link', uri: 'file:///a', name: 'a', annotations: { priority: 1 } };
const LINK = { ...PLAIN, icons: [] };
const AUDIO = { type: 'audio', data: '', mimeType: 'audio/wav' };
const TEXT = { type: 'text', text: 'words', _meta: { b: 1 } };

const CASES: readonly [what: string, method: string, value: JsonObject, of: Record<string, JsonObject>][] = [
  [
    'a tool',
    'tools/list',
    { tools: [TOOL] },
    {
      '2025-06-18': { tools: [{ name: 't', title, description, inputSchema, outputSchema, annotations, _meta }] },
      '2025-03-26': { tools: [{ name: 't', description, inputSchema, annotations }] },
      '2024-11-05': { tools: [{ name: 't', description, inputSchema }] },
    },
  ],
  [
    'a prompt with titles',
    'prompts/list',
    { prompts: [{ name: 'p', title: 'P', arguments: [{ name: 'a', title: 'A', required: true }] }] },
    {
      '2025-03-26': { prompts: [{ name: 'p', arguments: [{ name: 'a', required: true }] }] },
      '2024-11-05': { prompts: [{ name: 'p', arguments: [{ name: 'a', required: true }] }] },
    },
  ],
  [
    'blocks',
    'tools/call',
    { content: [TEXT, LINK, AUDIO] },
    {
      '2025-06-18': { content: [TEXT, PLAIN, AUDIO] },
      '2025-03-26': {
        content: [
          { type: 'text', text: 'words' },
          { type: 'text', text: 'file:///a', annotations: { priority: 1 } },
          AUDIO,
        ],
      },
      '2024-11-05': {
        content: [
          { type: 'text', text: 'words' },
          { type: 'text', text: 'file:///a', annotations: { priority: 1 } },
          { type: 'text', text: '[audio that this revision of MCP cannot carry]' },
        ],
      },
    },
  ],
  [
    'structure beside text',
    'tools/call',
    { content: [{ type: 'text', text: '{"a":1}' }], structuredContent: { a: 1 } },
    {
      '2025-03-26': { content: [{ type: 'text', text: '{"a":1}' }] },
      '2024-11-05': { content: [{ type: 'text', text: '{"a":1}' }] },
    },
  ],
  [
    'structure alone',
    'tools/call',
    { content: [], structuredContent: { a: 1 } },
    {
      '2025-03-26': { content: [{ type: 'text', text: '{"a":1}' }] },
      '2024-11-05': { content: [{ type: 'text', text: '{"a":1}' }] },
    },
  ],
  [
    'an embedded resource',
    'prompts/get',
    { messages: [{ role: 'user', content: { type: 'resource', resource: { uri: 'a:b', text: 't', _meta: {} } } }] },
    {
      '2025-03-26': {
        messages: [{ role: 'user', content: { type: 'resource', resource: { uri: 'a:b', text: 't' } } }],
      },
      '2024-11-05': {
        messages: [{ role: 'user', content: { type: 'resource', resource: { uri: 'a:b', text: 't' } } }],
      },
    },
  ],
  [
    'contents',
    'resources/read',
    { contents: [{ uri: 'a:b', text: 't', _meta: {} }] },
    {
      '2025-03-26': { contents: [{ uri: 'a:b', text: 't' }] },
      '2024-11-05': { contents: [{ uri: 'a:b', text: 't' }] },
    },
  ],
];

describe.each(CASES)('%s', (_what, method, value, of) => {
  it.each(OVER_LINES)('of %s', (era) => {
    const bytes = Buffer.from(JSON.stringify(value));
    const inner = { ...value, resultType: 'complete' };
    const told = tell(method, { kind: 'result', value: freeze(inner) }, {}, era);
    expect(told).toEqual({ result: of[era] ?? value });
    // Bytes go out exactly where they say the same.
    expect(pass(method, { kind: 'result', value: inner, bytes }, era) === undefined).toBe(of[era] !== undefined);
  });
});

it.each<[LegacyEra, JsonObject, JsonObject]>([
  ['2025-06-18', { name: 'd', title: 'D', version: '1' }, { tools: {}, completions: {} }],
  ['2025-03-26', { name: 'd', version: '1' }, { tools: {}, completions: {} }],
  ['2024-11-05', { name: 'd', version: '1' }, { tools: {} }],
])('a server speaks of itself to a client of %s as it can', (era, serverInfo, capabilities) => {
  const info = { name: 'd', title: 'D', version: '1', icons: [], description: 'x', websiteUrl: 'https://x.example' };
  const value = {
    capabilities: { tools: {}, completions: {}, tasks: {}, extensions: {} },
    _meta: { 'io.modelcontextprotocol/serverInfo': info },
  };
  const told = tell('initialize', { kind: 'result', value }, {}, era);
  expect(told).toEqual({ result: { protocolVersion: era, capabilities, serverInfo } });
});

it('progress has no words in the oldest', () => {
  const note = {
    kind: 'notification',
    method: 'notifications/progress',
    params: { progressToken: 1, progress: 1, message: 'm' },
  } as const;
  expect(tell('', note, { progressToken: 7 }, '2024-11-05')).toMatchObject({
    params: { progressToken: 7, progress: 1 },
  });
  expect(JSON.stringify(tell('', note, { progressToken: 7 }, '2024-11-05'))).not.toContain('message"');
  expect(tell('', note, { progressToken: 7 }, '2025-03-26')).toMatchObject({ params: { message: 'm' } });
});

it.each<[LegacyEra, JsonObject]>([
  ['2025-11-25', { roots: {}, elicitation: { form: {}, url: {} }, sampling: { tools: {} }, tasks: {} }],
  ['2025-06-18', { roots: {}, elicitation: { form: {} }, sampling: {} }],
  ['2025-03-26', { roots: {}, sampling: {} }],
  ['2024-11-05', { roots: {}, sampling: {} }],
])('a client of %s cannot mean what came later', (era, kept) => {
  const said = { roots: {}, elicitation: { form: {}, url: {} }, sampling: { tools: {} }, tasks: {} };
  expect(claimedBy(era, said)).toEqual(kept);
});

it('says the same twice', () => {
  for (const [, method, value] of CASES)
    for (const era of OVER_LINES) {
      const once = resultOf(era, method, value);
      expect(resultOf(era, method, once)).toBe(once);
    }
});

function freeze<T extends Json>(value: T): T {
  if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) freeze(inner as Json);
  return Object.freeze(value);
}
