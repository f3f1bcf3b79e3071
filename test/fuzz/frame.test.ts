import { describe, expect, it } from 'vitest';
import { CODES } from '../../src/core/codes/index.ts';
import { frame, isId } from '../../src/wire/frame.ts';
import { corpus, fuzz, JSON_TOKENS, near, TIMEOUT } from './fuzz.ts';

const SEEDS = [
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"a":[1]}}}',
  '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x"}}',
  '{"jsonrpc":"2.0","id":"x","result":{"content":[]}}',
  '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m","data":null}}',
  '[{"jsonrpc":"2.0","id":1,"method":"ping"}]',
];
const TOKENS = [
  ...JSON_TOKENS,
  '"id":',
  '"method":',
  '"params":',
  '"result":',
  '"error":',
  '"jsonrpc":"2.0"',
  '"extra":1',
];

function check(bytes: Buffer): void {
  const said = frame(bytes);
  if ('fault' in said) {
    expect(CODES[said.fault].http).toBe(400);
    // An id is named only where JSON.parse, too, reads that one.
    if ('id' in said) expect(JSON.parse(bytes.toString())).toMatchObject({ id: said.id });
    return;
  }
  if ('id' in said) expect(isId(said.id)).toBe(true);
  const { kind: _, facts: _facts, ...members } = said;
  const again = frame(
    Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...(said.kind === 'response' && { id: null }), ...members })),
  );
  expect(JSON.stringify({ ...again, facts: 0 })).toBe(JSON.stringify({ ...said, facts: 0 }));
  const keys = Object.keys(JSON.parse(bytes.toString()) as object);
  expect(keys.filter((key) => !['jsonrpc', 'id', 'method', 'params', 'result', 'error'].includes(key))).toEqual([]);
}

describe('fuzzing the frame', () => {
  it('keeps what was found', () => corpus('frame').forEach(check));
  it('reads a message or says why not', { timeout: TIMEOUT }, () => fuzz(near(SEEDS, TOKENS), check));
});
