import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comment, encodeEvent, type SseEvent, SseReader } from '../../src/wire/sse.ts';

const plain = (events: readonly SseEvent[]) =>
  events.map(({ event, data, id }) => ({ event, data: Buffer.from(data).toString(), ...(id !== undefined && { id }) }));

function read(bytes: Uint8Array, cuts: readonly number[] = []) {
  const reader = new SseReader(1 << 20);
  const events: SseEvent[] = [];
  let start = 0;
  for (const cut of [...cuts, bytes.length].map((c) => Math.min(c, bytes.length)).sort((a, b) => a - b)) {
    // A copy that is overwritten afterwards: events must not share memory with chunks.
    const chunk = Buffer.from(bytes.subarray(start, cut));
    events.push(...reader.push(chunk));
    chunk.fill(0x58);
    start = cut;
  }
  return { events: plain(events), retry: reader.retry, failed: reader.failed };
}
const events = (text: string) => read(Buffer.from(text)).events;
const message = (data: string) => ({ event: 'message', data });

describe('SseReader', () => {
  it.each([
    ['data: a\n\n', [message('a')]],
    ['data:a\n\n', [message('a')]],
    ['data:  a \n\n', [message(' a ')]],
    ['data: a\r\n\r\ndata: b\r\rdata: c\n\n', [message('a'), message('b'), message('c')]],
    ['data: a\ndata: b\n\n', [message('a\nb')]],
    ['data\n\n', [message('')]],
    ['data\ndata\n\n', [message('\n')]],
    ['\n\n', []],
    ['event: x\n\ndata: a\n\n', [message('a')]],
    ['event: x\ndata: a\n\ndata: b\n\n', [{ event: 'x', data: 'a' }, message('b')]],
    [': hello\ndata: a\n: more\n\n', [message('a')]],
    [
      'id: 7\ndata: a\n\ndata: b\n\n',
      [
        { ...message('a'), id: '7' },
        { ...message('b'), id: '7' },
      ],
    ],
    ['id: a\0b\ndata: a\n\n', [message('a')]],
    ['unknown: x\ndata: a\nDATA: b\n\n', [message('a')]],
    ['\ufeffdata: a\n\n', [message('a')]],
    ['data: a\n', []],
    ['data: a', []],
    ['data: a\n\ndata: b\n', [message('a')]],
  ])('reads %j', (text, expected) => expect(events(text)).toEqual(expected));

  it('keeps a reconnection time in digits only', () => {
    expect(read(Buffer.from('retry: 3000\n')).retry).toBe(3000);
    expect(read(Buffer.from('retry: 3x\nretry:\nretry: 9999999999\n')).retry).toBeUndefined();
  });

  it('ends at its cap', () => {
    const over = (...chunks: string[]) => {
      const reader = new SseReader(16);
      const all = chunks.flatMap((chunk) => plain(reader.push(Buffer.from(chunk))));
      return { failed: reader.failed, all };
    };
    expect(over('data: 123456789\n\n')).toEqual({ failed: false, all: [message('123456789')] });
    expect(over('data: 12345678901\n\n')).toMatchObject({ failed: true, all: [] });
    expect(over(...'x'.repeat(17))).toMatchObject({ failed: true });
    expect(over('data: 1234\n', 'data: 1234\n', 'data: 1234\n')).toMatchObject({ failed: true });
    expect(over('data: a\n\n', 'x'.repeat(17), '\ndata: b\n\n')).toEqual({ failed: true, all: [message('a')] });
  });

  it('stays linear when fed byte by byte', () => {
    const reader = new SseReader(1 << 20);
    const bytes = Buffer.from(`data: ${'x'.repeat(200_000)}`);
    const began = process.cpuUsage();
    for (let i = 0; i < bytes.length; i++) reader.push(bytes.subarray(i, i + 1));
    for (let i = 0; i < 5; i++) reader.push(Buffer.from('\r'.repeat(50_000)));
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(1000);
  });

  it('gives the same events however the stream is cut', () => {
    const piece = fc.constantFrom(
      'data: ',
      'data',
      'event: e',
      'id: 1',
      ':',
      'retry: 5',
      'x',
      ' ',
      '\u20ac',
      '\ufeff',
      '\r',
      '\n',
      '\r\n',
      '\n\n',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.array(fc.nat(120), { maxLength: 40 }), (pieces, cuts) => {
        const bytes = Buffer.from(pieces.join(''));
        expect(read(bytes, cuts)).toEqual(read(bytes));
        expect(read(bytes, [...bytes.keys()])).toEqual(read(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  it('reads what is encoded', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ' ', ':', '\n', '\u00e9', '{"', 'data: ') });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 5 }), (texts) => {
        expect(events(comment() + texts.map(encodeEvent).join(comment()))).toEqual(texts.map(message));
      }),
    );
  });

  it('lets no line end out of an encoded event', () => {
    expect(encodeEvent('{}')).toBe('data: {}\n\n');
    expect(encodeEvent('a\r\nevent: b\rc\n\nd')).toBe('data: a\ndata: event: b\ndata: c\ndata: \ndata: d\n\n');
  });
});
