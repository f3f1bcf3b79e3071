import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/lib/json/types.ts';
import { toOlder } from '../../../src/wire/eras/client-asks.ts';
import type { LegacyEra } from '../../../src/wire/eras/versions.ts';

const form = (properties: JsonObject, mode?: string) => ({
  method: 'elicitation/create',
  params: { ...(mode && { mode }), message: 'Who?', requestedSchema: { type: 'object', properties, required: [] } },
});
const fields = (era: LegacyEra, properties: JsonObject) => {
  const told = toOlder(form(properties), era, 'e');
  return (told?.['params'] as JsonObject | undefined)?.['requestedSchema'] as JsonObject | undefined;
};

describe('a question to an older client', () => {
  it('has a mode from 2025-11-25 on', () => {
    for (const mode of [undefined, 'form']) {
      expect(toOlder(form({}, mode), '2025-11-25', 'e')).toEqual(form({}, 'form'));
      expect(toOlder(form({}, mode), '2025-06-18', 'e')).toEqual(form({}));
    }
  });

  it('about a page has an id of its own', () => {
    const params = { mode: 'url', message: 'Sign in', url: 'https://a.example/' };
    const told = toOlder({ method: 'elicitation/create', params }, '2025-11-25', 'e');
    expect(told).toEqual({ method: 'elicitation/create', params: { ...params, elicitationId: 'e' } });
  });

  it('has the choices that its revision has', () => {
    const titled = { type: 'string', title: 'City', oneOf: [{ const: 'b', title: 'Bern' }], default: 'b' };
    const many = { type: 'array', items: { type: 'string', enum: ['a'] } };
    expect(fields('2025-11-25', { titled, many })!['properties']).toEqual({ titled, many });
    expect(fields('2025-06-18', { titled, sure: { type: 'boolean', default: true } })!['properties']).toEqual({
      titled: { type: 'string', title: 'City', enum: ['b'], enumNames: ['Bern'] },
      sure: { type: 'boolean', default: true },
    });
    expect(fields('2025-06-18', { titled, many })).toBe(undefined);
  });

  it('to its model has one block in a message', () => {
    const [a, b] = ['a', 'b'].map((text) => ({ type: 'text', text }));
    const asked = (messages: JsonObject[]) => ({
      method: 'sampling/createMessage',
      params: { messages, maxTokens: 1 } as JsonObject,
    });
    const both = asked([
      { role: 'user', content: [a!, b!] },
      { role: 'assistant', content: a! },
    ]);
    expect(toOlder(both, '2025-11-25', 'e')).toEqual(both);
    expect(toOlder(both, '2025-03-26', 'e')).toEqual(
      asked([
        { role: 'user', content: a! },
        { role: 'user', content: b! },
        { role: 'assistant', content: a! },
      ]),
    );
  });

  it('about folders is the same in all', () => {
    const roots = { method: 'roots/list' } as never;
    for (const era of ['2025-11-25', '2024-11-05'] as const) expect(toOlder(roots, era, 'e')).toEqual(roots);
  });
});
