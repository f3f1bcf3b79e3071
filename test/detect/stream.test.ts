import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NAMED, RULES, redactText, StreamRedactor } from '../../src/detect/secrets.ts';

function through(chunks: readonly Uint8Array[]): string {
  const stream = new StreamRedactor();
  const out = chunks.map((chunk) => Buffer.from(stream.push(chunk)));
  out.push(Buffer.from(stream.end()));
  return Buffer.concat(out).toString('utf8');
}
const token = (length: number) =>
  'q7Zx2KpV9mTb4RwL8sYc3NdJ6hGfA1uE5kWo0yXvPiQtBzMrSgCnHjDlUeFaI'.repeat(200).slice(0, length);

describe('StreamRedactor', () => {
  it.each([...RULES, ...NAMED].map((rule) => [rule.id, rule.example.join('')] as const))(
    '%s goes, wherever a chunk cuts it',
    (_, secret) => {
      const text = `12:04 \u00e9 first line\nsecond ${secret}\nthird line\n`;
      const bytes = Buffer.from(text);
      const expected = redactText(text).text;
      expect(through([bytes])).toBe(expected);
      for (let cut = 1; cut < bytes.length; cut++) {
        expect(through([bytes.subarray(0, cut), bytes.subarray(cut)])).toBe(expected);
      }
      expect(through(Array.from(bytes, (b) => Uint8Array.of(b)))).toBe(expected);
    },
  );

  it('changes nothing else by a byte, in any chunking', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('key=', '"', 'password: x', '://', '4111 1111', 'eyJ'),
    );
    const text = fc.array(line).map((lines) => lines.join('\n'));
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 300 })), (whole, sizes) => {
        fc.pre(redactText(whole).found.length === 0 && whole.isWellFormed());
        const bytes = Buffer.from(whole);
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const size of sizes) chunks.push(bytes.subarray(at, (at += size)));
        chunks.push(bytes.subarray(at));
        expect(through(chunks)).toBe(whole);
      }),
    );
  });

  it('lets a whole line go at once', () => {
    const stream = new StreamRedactor();
    expect(Buffer.from(stream.push(Buffer.from('ready\n'))).toString()).toBe('ready\n');
  });

  it('holds back at most 4 kB', () => {
    const stream = new StreamRedactor();
    let sent = 0;
    for (let i = 1; i <= 400; i++) {
      sent += stream.push(Buffer.from('a long line with words, '.repeat(4))).length;
      expect(i * 96 - sent).toBeLessThanOrEqual(4096);
    }
  });

  it('swallows a token that outgrows what it holds', () => {
    const jwt = `eyJhbGciOiJIUzI1NiJ9.${token(9000)}.${token(43)}`;
    for (const size of [10, 999, 4096, 20_000]) {
      const bytes = Buffer.from(`a ${jwt} b\n`);
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      const out = through(chunks);
      expect(out).toMatch(/^a \[redacted [a-z-]+\] b\n$/);
    }
  });

  it('masks a key block to its end, however long and however cut', () => {
    const block = `-----BEGIN PRIVATE KEY-----\n${`${token(64)}\n`.repeat(120)}-----END PRIVATE KEY-----`;
    for (const size of [7, 64, 1000, 50_000]) {
      const bytes = Buffer.from(`before\n${block}\nafter\n`);
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      );
      expect(through(chunks)).toBe('before\n[redacted private-key]\nafter\n');
    }
  });

  it('finds what the line before names', () => {
    const stream = new StreamRedactor();
    const first = Buffer.from(stream.push(Buffer.from('"password":\n'))).toString();
    const second = Buffer.from(stream.push(Buffer.from('"hunter2x"\n'))).toString();
    expect(first + second + Buffer.from(stream.end()).toString()).toBe('"password":\n"[redacted password]"\n');
  });
});
