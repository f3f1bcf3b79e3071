/** How a call that waits for a person is put to its client: by era, method, what the client declared, and what it was told. */
import { describe, expect, it } from 'vitest';
import { type Asks, asks, sends } from '../../src/core/asks.ts';
import type { Call, Era } from '../../src/core/call.ts';
import { view } from '../controls/cases.ts';
import { TOOL } from './fakes.ts';

const ASKING: Asks = {
  page: (_, id) => `http://127.0.0.1:8809/approvals/${id}`,
  state: (_, id) => `sealed ${id}`,
  sent: () => 'sealed sent',
};
const NO_PAGE: Asks = { ...ASKING, page: () => undefined };
const BOTH = { elicitation: { url: {}, form: {} } };
const URL_ = { elicitation: { url: {} } };
const FORM = { elicitation: {} };
const call = (era: Era, capabilities: object, more: Partial<Call> = {}) =>
  ({ ...view({ target: TOOL, claimed: { capabilities } as never, ...more }), era }) as Call;

type Row = readonly [
  how: string,
  era: Era,
  capabilities: object,
  client: boolean,
  wanted: 'url' | 'form' | -32042 | 'text',
];
const ROWS: readonly Row[] = [
  ['a page, modern', '2026-07-28', URL_, false, 'url'],
  ['a page, modern, also where a form would count', '2026-07-28', URL_, true, 'url'],
  ['no form where it does not count', '2026-07-28', FORM, false, 'text'],
  ['a form where it counts', '2026-07-28', FORM, true, 'form'],
  ['a form rather than a page where it counts', '2026-07-28', BOTH, true, 'form'],
  ['nothing declared', '2026-07-28', {}, true, 'text'],
  ['a page, 2025-11-25', '2025-11-25', URL_, false, -32042],
  ['a form, 2025-11-25', '2025-11-25', FORM, true, 'form'],
  ['a form that does not count, 2025-11-25', '2025-11-25', FORM, false, 'text'],
  ['a form, 2025-06-18', '2025-06-18', FORM, true, 'form'],
  ['no pages before 2025-11-25', '2025-06-18', URL_, false, 'text'],
  ['nothing before 2025-06-18', '2025-03-26', BOTH, true, 'text'],
  ['malformed capabilities', '2026-07-28', { elicitation: 'url' }, true, 'text'],
  ['malformed modes', '2026-07-28', { elicitation: { url: true } }, false, 'text'],
];

describe('a call that waits is put to its client as', () => {
  it.each(ROWS)('%s', (_, era, capabilities, client, wanted) => {
    const said = asks(call(era, capabilities), { id: 'K7QD', codes: [], client }, ASKING);
    if (wanted === 'text') return expect(said).toBeUndefined();
    if (wanted === -32042)
      return expect(said).toMatchObject({
        kind: 'error',
        code: -32042,
        data: { elicitations: [{ mode: 'url', url: 'http://127.0.0.1:8809/approvals/K7QD', elicitationId: 'K7QD' }] },
      });
    expect(said).toMatchObject({
      value: {
        resultType: 'input_required',
        requestState: 'sealed K7QD',
        inputRequests: { approval: { method: 'elicitation/create', params: { mode: wanted } } },
      },
    });
  });

  it.each([
    ['there is no page', call('2026-07-28', URL_), NO_PAGE],
    ['its method takes no answers', call('2026-07-28', URL_, { method: 'completion/complete' }), ASKING],
    ['it brings answers to its server', call('2026-07-28', URL_, { resume: { answers: {} } }), ASKING],
    [
      'it was told of this approval',
      call('2026-07-28', URL_, { approval: { kind: 'asked', id: 'K7QD', ground: 'x' } }),
      ASKING,
    ],
    [
      'it was asked with a form',
      call('2025-11-25', FORM, { approval: { kind: 'asked', id: 'K7QD', ground: 'x' } }),
      ASKING,
    ],
  ])('text when %s', (_, made, asking) => {
    expect(asks(made, { id: 'K7QD', codes: [], client: true }, asking)).toBeUndefined();
  });

  it('a new question when another approval stands in the place of the one it was told of', () => {
    const made = call('2026-07-28', URL_, { approval: { kind: 'asked', id: 'M2XF', ground: 'x' } });
    expect(asks(made, { id: 'K7QD', codes: [] }, ASKING)).toMatchObject({ value: { requestState: 'sealed K7QD' } });
  });

  it('a form that names the thing in visible characters', () => {
    const odd = call('2026-07-28', FORM, { target: { ...TOOL, name: 'wr\u202eite' } });
    expect(JSON.stringify(asks(odd, { id: 'K7QD', codes: [], client: true }, ASKING))).toContain('wr<U+202E>ite');
  });
});

describe('a caller who can put it right on a page of ours', () => {
  const LINK = 'http://127.0.0.1:8810/connect/x';
  it.each<[string, Era, object, Partial<Call>, 'url' | -32042 | 'text']>([
    ['is sent there, modern', '2026-07-28', URL_, {}, 'url'],
    ['is not sent there twice', '2026-07-28', URL_, { sent: true }, 'text'],
    ['is not sent by a form', '2026-07-28', FORM, {}, 'text'],
    ['is not sent in the middle of other questions', '2026-07-28', URL_, { resume: { answers: {} } }, 'text'],
    ['is not sent by a listing', '2026-07-28', URL_, { method: 'tools/list' }, 'text'],
    ['is sent there, 2025-11-25', '2025-11-25', URL_, {}, -32042],
    ['is told, 2025-06-18', '2025-06-18', URL_, {}, 'text'],
  ])('%s', (_, era, capabilities, more, wanted) => {
    const said = sends(call(era, capabilities, { method: 'tools/call', ...more }), LINK, ASKING);
    if (wanted === 'text') expect(said).toBeUndefined();
    else if (wanted === 'url')
      expect(said).toMatchObject({
        value: {
          resultType: 'input_required',
          requestState: 'sealed sent',
          inputRequests: { connect: { method: 'elicitation/create', params: { mode: 'url', url: LINK } } },
        },
      });
    else expect(said).toMatchObject({ code: wanted, data: { elicitations: [{ mode: 'url', url: LINK }] } });
  });
});
