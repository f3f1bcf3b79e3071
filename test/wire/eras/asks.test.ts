import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/lib/json/types.ts';
import { type Asks, misfit, offer } from '../../../src/wire/eras/asks.ts';

const NO_ASKS: Asks = { elicitation: [], sampling: false, roots: false };
const ALL: Asks = { elicitation: ['form', 'url'], sampling: true, roots: true };
const form = { method: 'elicitation/create', params: { message: 'm', requestedSchema: {} } };
const url = { method: 'elicitation/create', params: { mode: 'url', url: 'https://a.example', message: 'm' } };

describe('what is offered', () => {
  it.each([
    [{}, ALL, {}],
    [{ elicitation: {}, sampling: {}, roots: { listChanged: true } }, NO_ASKS, {}],
    [{ elicitation: {} }, ALL, { elicitation: { form: {} } }],
    [{ elicitation: { form: {}, url: {}, page: {} } }, ALL, { elicitation: { form: {}, url: {} } }],
    [{ elicitation: { form: {}, url: {} } }, { ...NO_ASKS, elicitation: ['url'] }, { elicitation: { url: {} } }],
    [{ elicitation: { form: {} } }, { ...NO_ASKS, elicitation: ['url'] }, {}],
    [{ elicitation: true, sampling: 1, roots: [] }, ALL, {}],
    [{ sampling: { tools: {}, context: true, more: {} } }, ALL, { sampling: { tools: {} } }],
    [{ roots: { listChanged: true }, extensions: { x: {} }, experimental: {} }, ALL, { roots: {} }],
  ] as [JsonObject, Asks, JsonObject][])('%j under %j is %j', (declared, asks, offered) =>
    expect(offer(declared, asks)).toEqual(offered),
  );
});

describe('an input_required result', () => {
  const offered = offer({ elicitation: {}, roots: {} }, ALL);
  it.each([
    [{}, 'neither requests nor state'],
    [{ requestState: 7 }, 'a state that is no text, or too long'],
    [{ requestState: 'x'.repeat(65_537) }, 'a state that is no text, or too long'],
    [{ requestState: 's' }, undefined],
    [{ inputRequests: { a: form, b: { method: 'roots/list' } } }, undefined],
    [{ inputRequests: [form] }, 'requests that are no object'],
    [{ inputRequests: { a: url } }, 'url was not offered'],
    [{ inputRequests: { a: { method: 'sampling/createMessage', params: {} } } }, 'sampling was not offered'],
    [{ inputRequests: { a: { method: 'tools/call', params: {} } } }, 'a request that is not known'],
    [{ inputRequests: { a: 'form' } }, 'a request that is not known'],
    [{ inputRequests: { ['a'.repeat(257)]: form } }, 'a long id of a request'],
    [{ inputRequests: Object.fromEntries([...'123456789'].map((id) => [id, form])) }, 'over 8 requests'],
  ] as [JsonObject, string | undefined][])('%#', (value, fault) => expect(misfit(value, offered)).toBe(fault));
});
