import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../../src/lib/json/types.ts';
import { misfit } from '../../../src/wire/eras/asks.ts';
import { allAccepted, fromClient, linksAsked, refusesAsk, toClient } from '../../../src/wire/eras/older-asks.ts';

const OFFERED = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };

describe('a request of an older server', () => {
  it.each([
    ['2025-11-25', 'elicitation/create', { mode: 'url' }, undefined],
    ['2025-11-25', 'elicitation/create', { mode: 'page' }, -32602],
    ['2025-11-25', 'elicitation/create', {}, undefined],
    ['2025-06-18', 'elicitation/create', { mode: 'url' }, -32602],
    ['2025-03-26', 'elicitation/create', {}, -32601],
    ['2024-11-05', 'roots/list', {}, undefined],
    ['2024-11-05', 'sampling/createMessage', {}, undefined],
    ['2025-11-25', 'tasks/get', {}, -32601],
    ['2025-11-25', '__proto__', {}, -32601],
  ])('in %s, %s %j', (version, method, params, code) =>
    expect(refusesAsk(version, OFFERED, method, params as JsonObject)?.code).toBe(code),
  );
  it('is refused where nothing is offered, whatever it is', () => {
    for (const method of ['elicitation/create', 'roots/list', 'sampling/createMessage'])
      expect(refusesAsk('2025-11-25', {}, method, {})?.code).toBe(-32601);
  });
  it('reaches the client without what belongs to the connection', () => {
    const params = { message: 'm', mode: 'url', url: 'u', elicitationId: 'e', task: { ttl: 1 }, _meta: { a: 1 } };
    expect(toClient('elicitation/create', params)).toEqual({
      method: 'elicitation/create',
      params: { message: 'm', mode: 'url', url: 'u' },
    });
  });
  it('has no member that is not its own', () => {
    const params = JSON.parse('{"message":"m","__proto__":{"mode":"url"}}') as JsonObject;
    const { params: told } = toClient('elicitation/create', params) as { params: JsonObject };
    expect(told['mode']).toBeUndefined();
    expect(Object.getPrototypeOf(told)).toBe(Object.prototype);
    expect(JSON.stringify(told)).toBe(JSON.stringify(params));
  });
  it('is fit for a client whenever it was let through', () => {
    const methods = fc.constantFrom('elicitation/create', 'roots/list', 'sampling/createMessage', 'tools/call');
    const versions = fc.constantFrom('2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05');
    const params = fc.dictionary(
      fc.constantFrom('mode', 'message', 'url', '_meta', 'task', '__proto__'),
      fc.jsonValue(),
    );
    const modes = fc.constantFrom({ mode: 'url' }, { mode: 'form' }, {});
    fc.assert(
      fc.property(versions, methods, params, modes, (version, method, some, mode) => {
        const asked = { ...some, ...mode } as JsonObject;
        if (refusesAsk(version, OFFERED, method, asked)) return;
        expect(misfit({ inputRequests: { a: toClient(method, asked) } }, OFFERED)).toBeUndefined();
      }),
    );
  });
});

describe('an answer of a client', () => {
  const text = { type: 'text', text: 'x' };
  it.each([
    [
      '2025-11-25',
      'elicitation/create',
      { action: 'accept', content: {}, _meta: {}, resultType: 'x' },
      { action: 'accept', content: {} },
    ],
    ['2025-11-25', 'sampling/createMessage', { content: [text, text] }, { content: [text, text] }],
    ['2025-06-18', 'sampling/createMessage', { content: [text] }, { content: text }],
    ['2025-06-18', 'sampling/createMessage', { content: text }, { content: text }],
    ['2025-06-18', 'sampling/createMessage', { content: [text, text] }, undefined],
    ['2025-06-18', 'sampling/createMessage', { content: [] }, undefined],
    ['2025-11-25', 'roots/list', 'no', undefined],
    ['2025-11-25', 'roots/list', null, undefined],
  ] as [string, string, Json, JsonObject | undefined][])('in %s to %s: %j', (version, method, answer, result) =>
    expect(fromClient(version, method, answer)).toEqual(result),
  );
});

describe('error -32042', () => {
  const link = { mode: 'url', elicitationId: 'e', url: 'https://a.example/', message: 'm' };
  const error = (data: Json, code = -32042) => ({ code, data });
  it.each([
    ['2025-11-25', OFFERED, error({ elicitations: [link, link] }), 2],
    ['2025-06-18', OFFERED, error({ elicitations: [link] }), undefined],
    ['2025-11-25', { elicitation: { form: {} } }, error({ elicitations: [link] }), undefined],
    ['2025-11-25', OFFERED, error({ elicitations: [link] }, -32603), undefined],
    ['2025-11-25', OFFERED, error({ elicitations: [] }), undefined],
    ['2025-11-25', OFFERED, error({ elicitations: Array(9).fill(link) }), undefined],
    ['2025-11-25', OFFERED, error({ elicitations: [{ ...link, mode: 'form' }] }), undefined],
    ['2025-11-25', OFFERED, error({ elicitations: [link, 'x'] }), undefined],
    ['2025-11-25', OFFERED, error('x'), undefined],
    ['2025-11-25', OFFERED, { code: -32042 }, undefined],
  ] as [string, JsonObject, { code: number; data?: Json }, number | undefined][])(
    '%#',
    (version, offered, failed, count) => {
      const asked = linksAsked(version, offered, failed);
      expect(asked && Object.keys(asked).length).toBe(count);
      if (asked) expect(misfit({ inputRequests: asked }, offered)).toBeUndefined();
    },
  );
  it.each([
    [{}, false],
    [{ a: { action: 'accept' } }, true],
    [{ a: { action: 'accept' }, b: { action: 'decline' } }, false],
    [{ a: 'accept' }, false],
  ] as [JsonObject, boolean][])('%j is agreed to: %s', (answers, all) => expect(allAccepted(answers)).toBe(all));
});
