import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Gather } from '../../src/doors/gather.ts';
import { LineReader } from '../../src/doors/line-reader.ts';

function read(max: number, chunks: readonly Uint8Array[]): string[] {
  const seen: string[] = [];
  const reader = new LineReader(max, {
    line: (bytes) => seen.push(Buffer.from(bytes).toString('latin1')),
    tooLong: () => seen.push('<too long>'),
  });
  for (const chunk of chunks) reader.push(chunk);
  return seen;
}

describe('lines', () => {
  it('reads the same lines however the bytes are cut', () => {
    const text = fc.array(fc.constantFrom('a', 'bc', '\n', '\r', '\0', 'x'.repeat(7)), { maxLength: 60 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(20), { maxLength: 60 }), (parts, cuts) => {
        const bytes = Buffer.from(parts.join(''), 'latin1');
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) chunks.push(bytes.subarray(at, (at += cut)));
        chunks.push(bytes.subarray(at));
        const expected = bytes.toString('latin1').split('\n').slice(0, -1);
        expect(read(10, chunks)).toEqual(expected.map((line) => (line.length > 10 ? '<too long>' : line)));
      }),
    );
  });

  it('reports a line over the cap once, and goes on', () => {
    const long = Buffer.from(`${'x'.repeat(100)}\nok\n`);
    expect(
      read(
        10,
        [...long].map((byte) => Uint8Array.of(byte)),
      ),
    ).toEqual(['<too long>', 'ok']);
  });

  it('holds an endless line of one-byte pieces in bounded memory and time', () => {
    const reader = new LineReader(1 << 20, { line: () => {}, tooLong: () => {} });
    const byte = Uint8Array.of(120);
    // Of the processor: other tests run beside this one.
    const began = process.cpuUsage();
    for (let i = 0; i < 3 << 20; i++) reader.push(byte);
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(3000);
  });
});

describe('gather', () => {
  it('gives back what it was given, and begins anew', () => {
    const gather = new Gather(6);
    expect(gather.add(Buffer.from('ab'))).toBe(true);
    expect(gather.add(Buffer.from('cdef'))).toBe(true);
    expect(Buffer.from(gather.take()).toString()).toBe('abcdef');
    expect(gather.take()).toHaveLength(0);
    expect(gather.add(Buffer.from('1234567'))).toBe(false);
    expect(gather.size).toBe(0);
  });

  it('does not copy a single piece', () => {
    const piece = Buffer.from('abc');
    const gather = new Gather(10);
    gather.add(piece);
    expect(gather.take()).toBe(piece);
  });
});
