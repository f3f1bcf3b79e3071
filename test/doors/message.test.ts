import { expect, it } from 'vitest';
import type { Said } from '../../src/core/admit.ts';
import type { Code } from '../../src/core/codes/index.ts';
import { missing, refusedMessage } from '../../src/doors/message.ts';

const UNKNOWN = { kind: 'error', code: -32602, message: 'unknown name' } as const;
const data = (code: Code, family: Said['family'], name: string) =>
  missing({ code, message: UNKNOWN }, { family, name } as Said);

it.each(['inventory.unknown', 'inventory.held', 'inventory.hidden'] as const)('names the resource of %s', (code) => {
  expect(data(code, 'read', 'file:///a')).toEqual({ uri: 'file:///a' });
});

it('makes what was asked for inert', () => {
  const uri = 'file:///a\u202e\u001b[2J';
  expect(data('inventory.unknown', 'read', uri)).toEqual({ uri: 'file:///a<U+202E><U+001B>[2J' });
});

it.each([
  ['a tool', 'inventory.unknown', 'call'],
  ['a refusal of another kind', 'limits.rate', 'read'],
] as const)('says nothing more of %s', (_what, code, family) => {
  expect(data(code, family, 'x')).toBeUndefined();
  expect(JSON.parse(refusedMessage(1, UNKNOWN, data(code, family, 'x')))).toEqual({
    jsonrpc: '2.0',
    id: 1,
    error: { code: -32602, message: 'unknown name' },
  });
});
