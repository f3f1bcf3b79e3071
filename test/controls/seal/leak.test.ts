/** Whatever a server answers, a field that travels sealed never leaves in plain: through seal and output, as calls go. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { output } from '../../../src/controls/output/index.ts';
import { compile, schema } from '../../../src/controls/output/rules.ts';
import { seal } from '../../../src/controls/seal/index.ts';
import type { Call, Message } from '../../../src/core/call.ts';
import type { Verdict } from '../../../src/core/verdict.ts';
import { shownTo } from '../../../src/inventory/sealed.ts';
import { isObject, type Json, type JsonObject } from '../../../src/lib/json/types.ts';
import { fieldCipher } from '../../../src/secrets/fields.ts';
import { memoryState } from '../../../src/store/memory.ts';
import { call, TOOL } from '../../core/fakes.ts';

const SECRET = 'TOP-SECRET';
const key = new Uint8Array(randomBytes(32));
const ring = { current: () => ({ kid: 'k', key }), find: () => key };
const fields = fieldCipher({ ring, clock: () => 0, random: (n) => new Uint8Array(randomBytes(n)) });
// Nothing here has a type: what is around a sealed field must be told by its place alone.
const outputSchema = {
  properties: {
    a: { properties: { s: {} } },
    l: { items: { properties: { s: {} } } },
    b: { type: 'string', maxLength: 3 },
  },
};
const descriptor = { name: 'read', inputSchema: { type: 'object' }, outputSchema };
const target = shownTo({ ...TOOL, descriptor, seal: { results: ['/a/s', '/l/*/s'] } });
const made: Call = { ...(call() as Call), target };
const rules = compile(schema.parse({}), { pinned: [target] });

const json: fc.Arbitrary<Json> = fc.letrec<{ node: Json }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<Json>(SECRET, [SECRET], { x: SECRET }, { [SECRET]: 1 }),
    fc.constantFrom<Json>(1, null, true, 'ok'),
    fc.array(tie('node'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'l', 's', 'b', '0'), tie('node'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).node;
const block: fc.Arbitrary<Json> = fc.oneof(
  json.map((value) => ({ type: 'text', text: JSON.stringify(value) })),
  fc.constantFrom<Json>({ type: 'text', text: SECRET }, { type: 'image', data: SECRET, mimeType: 'image/png' }),
);

it('never in plain', async () => {
  await fc.assert(
    fc.asyncProperty(
      json,
      fc.array(block, { maxLength: 4 }),
      fc.boolean(),
      fc.boolean(),
      async (data, blocks, fails, copies) => {
        const structuredContent: JsonObject = isObject(data) ? data : { a: { s: data } };
        const copy: Json[] = copies ? [{ type: 'text', text: JSON.stringify(structuredContent) }] : [];
        const value: JsonObject = { structuredContent, content: [...copy, ...blocks], ...(fails && { isError: true }) };
        let message: Message = { kind: 'result', value };
        const state = memoryState(() => 0);
        for (const verdict of [
          (m: Message) => seal.inspect!(made, m, { fields }, state),
          (m: Message) => output.inspect!(made, m, rules, state),
        ]) {
          const said: Verdict<Message> = await verdict(message);
          if (said.kind === 'stop') return;
          if (said.kind === 'edit') message = said.value;
        }
        expect(JSON.stringify(message)).not.toContain(SECRET);
      },
    ),
    { numRuns: Number(process.env['DOORWARD_RUNS'] ?? 2000) },
  );
});

it.each<JsonObject>([
  { a: SECRET },
  { a: [SECRET] },
  { l: SECRET },
  { l: [SECRET] },
  { l: [[SECRET]] },
  { l: { [SECRET]: 1 } },
])('nor in what is around it, where a grant leaves only some fields and no schema is asked: %j', async (data) => {
  const content = [{ type: 'text', text: JSON.stringify(data) }];
  const state = memoryState(() => 0);
  const partly = compile(schema.parse({}), { pinned: [target], minimised: new Set([target]) });
  const said = seal.inspect!(made, { kind: 'result', value: { structuredContent: data, content } }, { fields }, state);
  const { value } = said as Extract<Verdict<Message>, { kind: 'edit' }>;
  expect(await output.inspect!(made, value, partly, state)).toMatchObject({ kind: 'stop', code: 'output.schema' });
});
