import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineReader } from '../../src/upstreams/lines.ts';

const CAP = 16;
function read(chunks: readonly Uint8Array[], cap = CAP): (string | 'OVER')[] {
  const told: string[] = [];
  const reader = new LineReader(cap, {
    line: (bytes) => void told.push(Buffer.from(bytes).toString('latin1')),
    over: () => void told.push('OVER'),
  });
  for (const chunk of chunks) reader.push(chunk);
  return told;
}
const bytes = (text: string) => Buffer.from(text, 'latin1');

describe('the line reader', () => {
  it.each([
    ['a\nb\n', ['a', 'b']],
    ['a\nb', ['a']],
    ['\n\n', ['', '']],
    ['a\r\n', ['a\r']],
    [`${'x'.repeat(16)}\n`, ['x'.repeat(16)]],
    [`${'x'.repeat(17)}\nb\n`, ['OVER', 'b']],
    ['x'.repeat(100), ['OVER']],
    [`${'x'.repeat(100)}\n${'y'.repeat(100)}\nb\n`, ['OVER', 'OVER', 'b']],
  ])('%j', (text, wanted) => expect(read([bytes(text)])).toEqual(wanted));

  it('tells the same however the bytes are cut', () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '\u00ff'), maxLength: 80 });
    fc.assert(
      fc.property(line, fc.array(fc.nat(80), { maxLength: 10 }), (text, cuts) => {
        const whole = bytes(text);
        const at = [...new Set([0, ...cuts.filter((cut) => cut < whole.length), whole.length])].sort((a, b) => a - b);
        const chunks = at.slice(1).map((end, i) => whole.subarray(at[i], end));
        expect(read(chunks)).toEqual(read([whole]));
      }),
    );
  });

  it('tells of an oversized line before its end, and goes on counting', () => {
    const told: (string | number)[] = [];
    const reader = new LineReader(4, {
      line: () => told.push('line'),
      over: () => told.push('over'),
      still: (count) => told.push(count),
    });
    for (let i = 0; i < 12; i++) reader.push(bytes('x'));
    expect(told).toEqual(['over', 8, 12]);
    reader.push(bytes('\nab\n'));
    expect(told.at(-1)).toBe('line');
  });

  it('is linear in the bytes and small in memory, however small the pieces', () => {
    const piece = bytes('x');
    const before = process.memoryUsage();
    const began = process.cpuUsage();
    const told = read([...Array.from({ length: 1 << 20 }, () => piece), bytes('\n')], 4 << 20);
    expect(told[0]).toHaveLength(1 << 20);
    // What the processor did, whatever else the machine does.
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(2000);
    expect(process.memoryUsage().arrayBuffers - before.arrayBuffers).toBeLessThan(16 << 20);
  });
});
