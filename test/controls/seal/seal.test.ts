import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { input } from '../../../src/controls/input/index.ts';
import { compile as compileInput, schema as inputSchema } from '../../../src/controls/input/rules.ts';
import { openedBy, opening, seal, WITHHELD } from '../../../src/controls/seal/index.ts';
import type { Call, CallView, Handler, Message, Pinned, Result, Sealing } from '../../../src/core/call.ts';
import type { Ended } from '../../../src/core/ended.ts';
import { looksSealed } from '../../../src/core/fields.ts';
import { principalOf } from '../../../src/core/principal.ts';
import { shownTo } from '../../../src/inventory/sealed.ts';
import type { Json, JsonObject } from '../../../src/lib/json/types.ts';
import { fieldCipher } from '../../../src/secrets/fields.ts';
import { CALLER, call, TOOL } from '../../core/fakes.ts';

const key = new Uint8Array(randomBytes(32));
const ring = { current: () => ({ kid: 'k', key }), find: () => key };
let now = 0;
const fields = fieldCipher({ ring, clock: () => now, random: (n) => new Uint8Array(randomBytes(n)) });
const rules = { fields };
const state = { now: () => now, scratch: () => ({}) } as never;

const ROWS = {
  type: 'array',
  items: { type: 'object', properties: { ssn: { type: 'integer' }, name: { type: 'string' } } },
};
const OUT: JsonObject = {
  type: 'object',
  properties: { card: { $ref: '#/$defs/Card' }, rows: ROWS },
  $defs: { Card: { type: 'integer' } },
};
const IN: JsonObject = {
  type: 'object',
  properties: { card: { type: 'integer', minimum: 1000 }, note: { type: 'string' } },
  required: ['card'],
};
function toolOf(own: Sealing, upstream = 'files'): Pinned {
  const descriptor = { name: 'read', inputSchema: IN, outputSchema: OUT };
  return shownTo({ ...TOOL, upstream, descriptor, seal: own });
}
const of = (own: Sealing, more: Partial<Call> = {}): Call => {
  const target = toolOf(own, more.upstream);
  return { ...(call() as Call), target, ...more };
};
const out = (own: Sealing, message: Message) =>
  seal.inspect!(of(own), message, rules, state) as { kind: string; code?: string; value: Message };
const DATA = { card: 4111, rows: [{ ssn: 78051120, name: 'Ann' }, { name: 'Bob' }] };
const reply = (value: JsonObject): Result => ({ kind: 'result', value });
const BOTH = { results: ['/card', '/rows/*/ssn'] };

const sealedFor = (value: Json): string =>
  fields.seal(value, { principal: principalOf(CALLER), upstreams: ['files'], until: 1000 });

describe('on the way out', () => {
  it('named fields leave as sealed text, also in the copy of the structure', () => {
    const said = out(
      BOTH,
      reply({ structuredContent: DATA, content: [{ type: 'text', text: JSON.stringify(DATA, null, 1) }] }),
    );
    expect(said).toMatchObject({ kind: 'edit', code: 'seal.sealed', what: '/card /rows/*/ssn' });
    const { structuredContent, content } = (said.value as Result).value as { structuredContent: any; content: any[] };
    expect(JSON.stringify(said.value)).not.toMatch(/4111|78051120/);
    expect([looksSealed(structuredContent.card), looksSealed(structuredContent.rows[0].ssn)]).toEqual([true, true]);
    expect([structuredContent.rows[0].name, structuredContent.rows[1]]).toEqual(['Ann', { name: 'Bob' }]);
    expect(JSON.parse(content[0].text)).toEqual(structuredContent);
    expect(openedBy(fields, of({ arguments: ['/card'] }, { args: { card: structuredContent.card } }))).toEqual({
      args: { card: 4111 },
    });
  });

  it.each<[string, JsonObject]>([
    ['prose', { type: 'text', text: 'The card is 4111.' }],
    ['JSON of another shape', { type: 'text', text: '{"it":{"card":4111}}' }],
    ['JSON that two readers read as two', { type: 'text', text: '{"card":1,"card":4111}' }],
    ['an image', { type: 'image', data: '4111', mimeType: 'image/png' }],
    ['a resource', { type: 'resource', resource: { uri: 'x:y', text: '4111' } }],
    ['a link', { type: 'resource_link', uri: 'x:4111', name: '4111' }],
  ])('what could hold it in another form is withheld: %s', (_, block) => {
    for (const more of [{ structuredContent: DATA }, { isError: true }, {}]) {
      const said = out(BOTH, reply({ ...more, content: [block], _meta: { card: 4111 } }));
      const { value } = said.value as Result;
      expect(value['content']).toEqual([{ type: 'text', text: WITHHELD }]);
      expect(JSON.stringify(value)).not.toContain('4111');
    }
  });

  it('messages before the answer say nothing in prose', () => {
    const note = (method: string, params: JsonObject): Message => ({ kind: 'notification', method, params });
    const log = out(BOTH, note('notifications/message', { level: 'info', data: { card: 4111 }, logger: '4111' }));
    const said = { progressToken: 1, progress: 1, _meta: { card: '4111' } };
    const progress = out(BOTH, note('notifications/progress', { ...said, message: '4111' }));
    expect(JSON.stringify([log.value, progress.value])).not.toContain('4111');
    expect(log.value).toMatchObject({ params: { level: 'info' } });
    expect(out(BOTH, note('notifications/progress', { progressToken: 1, progress: 1 })).kind).toBe('pass');
  });

  it('words about a task that is not over go, and a tool that seals nothing is left alone', () => {
    expect(out(BOTH, reply({ resultType: 'task', statusMessage: '4111' })).value).toEqual(
      reply({ resultType: 'task' }),
    );
    expect(out({ arguments: ['/card'] }, reply({ structuredContent: DATA })).kind).toBe('pass');
  });

  it('what a task has become leaves sealed too', () => {
    const made = of(BOTH, { family: 'task', method: 'tasks/get' });
    const said = seal.inspect!(made, reply({ resultType: 'complete', structuredContent: DATA }), rules, state);
    expect(JSON.stringify(said)).not.toMatch(/4111|78051120/);
  });

  it('more fields than anyone would pass on by hand are refused', () => {
    const rows = (count: number) =>
      reply({ structuredContent: { rows: Array.from({ length: count }, () => ({ ssn: 1 })) } });
    expect(out(BOTH, rows(256)).kind).toBe('edit');
    expect(out(BOTH, rows(257))).toMatchObject({ kind: 'stop', code: 'seal.many' });
    const many = (count: number) => {
      const card = sealedFor(1);
      const target = { ...TOOL, seal: { arguments: ['/cards/*'] } };
      return openedBy(fields, of({}, { args: { cards: Array(count).fill(card) }, target }));
    };
    expect(many(256)).toHaveProperty('args');
    expect(many(257)).toEqual({ code: 'seal.many' });
  });

  it('nothing leaves where there is no key', () => {
    const said = seal.inspect!(of(BOTH), reply({ structuredContent: DATA }), {}, state);
    expect(said).toMatchObject({ kind: 'stop', code: 'internal.seal' });
  });
});

describe('on the way in', () => {
  const TAKES: Sealing = { arguments: ['/card'] };
  const sealedBy = (own: Sealing, value: Json = 4111, who = CALLER): string => {
    const made = { ...of({ ...own, results: ['/card'] }), caller: who };
    const said = seal.inspect!(made, reply({ structuredContent: { card: value } }), rules, state) as { value: Result };
    return (said.value.value['structuredContent'] as { card: string }).card;
  };
  const pinned = [toolOf(TAKES), toolOf({ ...TAKES, require: true }, 'strict')];
  const inputs = compileInput(inputSchema.parse(undefined), { pinned, opened: (view) => openedBy(fields, view) });
  /** What seal and input say, and what the server gets. */
  async function given(args: Json, more: Partial<Call> = {}): Promise<unknown> {
    const strict = more.upstream === 'strict';
    const made = of(strict ? { ...TAKES, require: true } : TAKES, { args, ...more }) as Call;
    for (const control of [
      () => seal.decide!(made, rules, state),
      () => input.decide!(made as CallView, inputs, state),
    ]) {
      const said = (await control()) as { kind: string; code?: string };
      if (said.kind !== 'pass') return said.code;
    }
    let sent: Json | undefined;
    const far: Handler = (call) => {
      sent = call.args;
      return reply({});
    };
    try {
      await (opening(made, far, fields) ?? far)(made, {} as never);
    } catch (error) {
      return (error as Ended).code;
    }
    expect(made.args).toBe(args);
    return sent;
  }

  it('a sealed value is judged by the reviewed schema, and opened for the server alone', async () => {
    expect(await given({ card: sealedBy({}), note: 'x' })).toEqual({ card: 4111, note: 'x' });
    expect(await given({ card: sealedBy({}, 7) })).toBe('input.schema');
    expect(await given({ card: sealedBy({}, 'text') })).toBe('input.schema');
    expect(await given({ card: sealedBy({}, { deep: [1] }) })).toBe('input.schema');
  });

  it('a plain value passes where it may, and not where a sealed one is required', async () => {
    expect(await given({ card: 5000 })).toEqual({ card: 5000 });
    expect(await given({ card: 5000 }, { upstream: 'strict' })).toBe('seal.plain');
    expect(await given({ card: sealedBy({ to: ['strict'] }) }, { upstream: 'strict' })).toEqual({ card: 4111 });
    expect(await given({}, { upstream: 'strict' })).toBe('input.schema');
  });

  it.each<[string, () => string, string]>([
    ['another agent', () => sealedBy({}, 4111, { ...CALLER, agent: ['x'] }), 'seal.foreign'],
    ['another tenant', () => sealedBy({}, 4111, { ...CALLER, tenant: 'x' }), 'seal.foreign'],
    ['other upstreams', () => sealedBy({ to: ['mail', 'bank'] }), 'seal.foreign'],
    ['no key of ours', () => 'eyJhbGciOiJkaXIifQ..AAAA.AAAA.AAAA', 'seal.unknown'],
  ])('a value sealed for %s is refused', async (_, text, code) => {
    expect(await given({ card: text() })).toBe(code);
  });

  it('a value is refused when its time is over, also between judgement and dispatch', async () => {
    const text = sealedBy({ minutes: 1 });
    now = 59_999;
    expect(await given({ card: text })).toEqual({ card: 4111 });
    now = 60_000;
    expect(await given({ card: text })).toBe('seal.expired');
    expect(() =>
      opening(of(TAKES), () => reply({}), fields)!({ ...of(TAKES), args: { card: text } }, {} as never),
    ).toThrow('seal.expired');
    now = 0;
  });

  it('a sealed value is text like any other where no reviewer named the place', async () => {
    const text = sealedBy({});
    expect(await given({ card: 5000, note: text })).toEqual({ card: 5000, note: text });
  });

  it('is asked again after an edit of the arguments', () => {
    const view = of(TAKES, { args: { card: sealedBy({}) } }) as CallView;
    expect(inputs.refit(view)).toBeUndefined();
    expect(inputs.refit({ ...view, args: { card: sealedBy({}, 7) } })).toBe('input.misfit');
    expect(inputs.refit({ ...view, args: { card: sealedBy({ to: ['mail'] }) } })).toBe('input.misfit');
  });
});

describe('what a client sees', () => {
  const TEXT = { type: 'string', description: 'A sealed value: pass it on as it is.' };
  const seen = (own: Sealing) => toolOf(own).descriptor as { inputSchema: any; outputSchema: any };

  it('is a text where a field is sealed, and the rest as it was', () => {
    const { outputSchema } = seen(BOTH);
    expect(outputSchema.properties.card).toEqual(TEXT);
    expect(outputSchema.properties.rows.items.properties).toEqual({ ssn: TEXT, name: { type: 'string' } });
    expect(outputSchema.$defs).toEqual(OUT['$defs']);
    expect(seen({ arguments: ['/card'] }).inputSchema).toEqual({
      ...IN,
      properties: { card: { anyOf: [{ type: 'integer', minimum: 1000 }, TEXT] }, note: { type: 'string' } },
    });
    expect(seen({ arguments: ['/card'], require: true }).inputSchema.properties.card).toEqual(TEXT);
  });

  it.each(['', '/nothing', '/card/deep', '/rows/0', '/rows/ssn', '/__proto__', '/*'])('no schema names %j', (place) => {
    expect(() => seen({ results: [place] })).toThrow(place);
  });

  it('keeps what is around a field from being a text that holds it', () => {
    const outputSchema = {
      properties: { a: { properties: { b: {} } }, c: { type: ['array', 'null', 'string'], items: {} } },
    };
    const { descriptor } = shownTo({ ...TOOL, descriptor: { outputSchema }, seal: { results: ['/a/b', '/c/*'] } });
    expect(descriptor['outputSchema']).toEqual({
      type: 'object',
      properties: {
        a: { type: 'object', properties: { b: TEXT } },
        c: { type: ['array', 'null'], items: TEXT },
      },
    });
  });

  it('ends where references go in circles', () => {
    const outputSchema = {
      type: 'object',
      properties: { a: { $ref: '#/$defs/a' } },
      $defs: { a: { $ref: '#/$defs/a' } },
    };
    expect(() => shownTo({ ...TOOL, descriptor: { outputSchema }, seal: { results: ['/a/b'] } })).toThrow('/a/b');
  });
});
