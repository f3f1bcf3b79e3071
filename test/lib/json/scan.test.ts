import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Caps, parseJson, REPLY_CAPS, REQUEST_CAPS } from '../../../src/lib/json/scan.ts';
import { isRawNumber, type Json } from '../../../src/lib/json/types.ts';

const parse = (text: string, caps: Caps = REPLY_CAPS) => parseJson(Buffer.from(text), caps);
const why = (text: string | Buffer, caps: Caps = REPLY_CAPS) => {
  const parsed = parseJson(Buffer.from(text as string), caps);
  return parsed.ok ? 'ok' : parsed.why;
};
const value = (text: string): Json => {
  const parsed = parse(text);
  if (!parsed.ok) throw new Error(`${parsed.why} at ${parsed.at}`);
  return parsed.value;
};

describe('parseJson', () => {
  it.each([
    ['{"a":1,"a":1}', 'duplicate'],
    ['{"a":1,"\\u0061":2}', 'duplicate'],
    ['[[{"x":{"b":1,"c":{},"b":{"d":1}}}]]', 'duplicate'],
    ['{"a":{"b":1},"a":{}}', 'duplicate'],
    ['{"1":0,"1":0}', 'duplicate'],
    ['{"":0,"":0}', 'duplicate'],
    ['{"/":0,"\\/":0}', 'duplicate'],
    ['{"a":12345678901234567890,"a":1}', 'duplicate'],
    ['{"__proto__":1}', 'proto'],
    ['{"__proto__":"12"}', 'proto'],
    ['{"a":[{"\\u005f_proto__":1}]}', 'proto'],
    ['{"__prot\\u006F__":1}', 'proto'],
    ['["\\ud800"]', 'surrogate'],
    ['["\\udc00"]', 'surrogate'],
    ['["\\ud800\\ud800"]', 'surrogate'],
    ['["\\ud800x"]', 'surrogate'],
    ['["\\ud83d\\u0041"]', 'surrogate'],
    ['{"\\uDFFF":1}', 'surrogate'],
    ['1 2', 'trailing'],
    ['{} {}', 'trailing'],
    ['{}\0', 'trailing'],
    ['\ufeff{}', 'bom'],
    ['', 'syntax'],
    [' ', 'syntax'],
    ['{', 'syntax'],
    ['[1,]', 'syntax'],
    ['{"a":1,}', 'syntax'],
    ['{"a"}', 'syntax'],
    ['{a:1}', 'syntax'],
    ['{1:1}', 'syntax'],
    ['[1}', 'syntax'],
    ['{"a":1]', 'syntax'],
    ['"abc', 'syntax'],
    ['"a\nb"', 'syntax'],
    [`"${'a'.repeat(100)}\n"`, 'syntax'],
    ['"\\x"', 'syntax'],
    ['"\\u12g4"', 'syntax'],
    ['"\\u12', 'syntax'],
    ['"\\', 'syntax'],
    ['01', 'syntax'],
    ['-01', 'syntax'],
    ['[00]', 'syntax'],
    ['-', 'syntax'],
    ['+1', 'syntax'],
    ['.5', 'syntax'],
    ['1.', 'syntax'],
    ['1e', 'syntax'],
    ['1e+', 'syntax'],
    ['NaN', 'syntax'],
    ['nul', 'syntax'],
    ['truE', 'syntax'],
    ['falsy', 'syntax'],
    ["'a'", 'syntax'],
    ['[1]//', 'trailing'],
  ])('refuses %j as %s', (text, reason) => expect(why(text)).toBe(reason));

  it.each([
    [[0x22, 0xff, 0x22]],
    [[0x22, 0xc0, 0x80, 0x22]],
    [[0x22, 0xed, 0xa0, 0x80, 0x22]],
    [[0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]],
    [[0x22, 0xe2, 0x82, 0x22]],
  ])('refuses bytes %j that are not UTF-8', (bytes) => expect(why(Buffer.from(bytes))).toBe('utf8'));

  it('tells where', () => {
    expect(parse('{"a":1,"b":tru}')).toEqual({ ok: false, why: 'syntax', at: 11 });
    expect(parse('{"\u00e9":1,}')).toEqual({ ok: false, why: 'syntax', at: 8 });
  });

  it('keeps to its caps', () => {
    const caps: Caps = { maxBytes: 40, maxDepth: 3, maxString: 5, maxMembers: 4 };
    expect(why('[[[1]]]', caps)).toBe('ok');
    expect(why('[[[[]]]]', caps)).toBe('depth');
    expect(why('{"a":{"b":[{}]}}', caps)).toBe('depth');
    expect(why('"12345"', caps)).toBe('ok');
    expect(why('"123456"', caps)).toBe('string');
    expect(why('{"\u00e9\u00e9\u00e9":1}', caps)).toBe('string');
    expect(why('[1,2,3,4]', caps)).toBe('ok');
    expect(why('[1,[2],3,4]', caps)).toBe('members');
    expect(why('{"a":1,"b":2,"c":[3,4]}', caps)).toBe('members');
    expect(why(' '.repeat(38).concat('{}'), caps)).toBe('ok');
    expect(why(' '.repeat(39).concat('{}'), caps)).toBe('size');
  });

  it('says what it saw', () => {
    const facts = (text: string) => {
      const parsed = parse(text);
      return parsed.ok && parsed.facts;
    };
    expect(facts('7')).toEqual({ ascii: true, escapes: false, exact: true, depth: 0 });
    expect(facts('[[[]],[],1]')).toMatchObject({ depth: 3 });
    expect(facts('{"a":[]}')).toEqual({ ascii: true, escapes: false, exact: true, depth: 2 });
    expect(facts('"\u00e9"')).toEqual({ ascii: false, escapes: false, exact: true, depth: 0 });
    expect(facts('"\\n\\\\"')).toMatchObject({ escapes: false });
    expect(facts('"a\\/b"')).toMatchObject({ escapes: true });
    expect(facts('"\\u0041"')).toMatchObject({ ascii: true, escapes: true });
    expect(facts('[1,9007199254740993]')).toMatchObject({ exact: false });
    expect(facts('"9007199254740993"')).toMatchObject({ exact: true });
  });
});

describe('numbers', () => {
  it.each([
    '9007199254740992',
    '-9007199254740993',
    '12345678901234567890',
    '0.1234567890123456789',
    '1e400',
    '-1e400',
    '1e-400',
    '123456789012345678e-5',
  ])('keeps %s by its digits', (text) => {
    const kept = value(`{"é":[${text},1]}`) as { é: Json[] };
    expect(isRawNumber(kept.é[0])).toBe(true);
    expect(JSON.stringify(kept)).toBe(`{"é":[${text},1]}`);
  });

  it.each([
    '0',
    '-0',
    '9007199254740991',
    '-9007199254740991',
    '0.1',
    '0.30000000000000004',
    '3.141592653589793',
    '1.7976931348623157e308',
    '1.7976931348623157E+308',
    '5e-324',
    '1e21',
    '1.50000000000000000000',
    '0.00000000000000000000',
    '0.0000001234567890123456',
    '0e999',
  ])('reads %s as a double', (text) => {
    expect(value(text)).toBe(JSON.parse(text));
  });

  it('reads what a double prints', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        const text = JSON.stringify(x);
        const plainInteger = /^-?\d+$/.test(text);
        const read = value(text);
        if (plainInteger && !Number.isSafeInteger(x)) expect(JSON.stringify(read)).toBe(text);
        else expect(read).toBe(JSON.parse(text));
      }),
    );
  });
});

describe('properties', () => {
  const text = fc.tuple(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 2, '\t', ' \n')).map(([v, gap]) => {
    return JSON.stringify(v, null, gap as number);
  });

  it('reads generated JSON as JSON.parse does', () => {
    fc.assert(
      fc.property(text, (t) => {
        const parsed = parse(t);
        if (parsed.ok && parsed.facts.exact) expect(parsed.value).toEqual(JSON.parse(t));
        else if (parsed.ok) expect(JSON.parse(JSON.stringify(parsed.value))).toEqual(JSON.parse(t));
        else expect(parsed.why).toMatch(/proto|surrogate/);
      }),
    );
  });

  it('accepts nothing that JSON.parse refuses, and refuses nothing else for its syntax', () => {
    const bytes = fc.array(fc.constantFrom(...'{}[]:,"\\/u0019eE+-.ntfalsr d8 \n\u00e9'), { maxLength: 24 });
    fc.assert(
      fc.property(bytes, (parts) => {
        const t = parts.join('');
        let readable = true;
        try {
          JSON.parse(t);
        } catch {
          readable = false;
        }
        const reason = why(t);
        if (!readable) expect(reason).not.toBe('ok');
        if (['syntax', 'trailing', 'utf8', 'bom'].includes(reason)) expect(readable).toBe(false);
      }),
      { numRuns: 5000 },
    );
  });

  const escaped = (name: string, mask: number) =>
    [...name]
      .map((c, i) => ((mask >> i) & 1 && c.length === 1 ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}` : c))
      .join('');

  it('finds a duplicate at any depth and by any escape', () => {
    const name = fc.string({ unit: fc.constantFrom(...'ab1_-\u00e9'), maxLength: 8 });
    fc.assert(
      fc.property(name, fc.nat(255), fc.nat(255), fc.jsonValue({ maxDepth: 2 }), fc.nat(20), (n, m1, m2, v, depth) => {
        const inner = `{"${escaped(n, m1)}":${JSON.stringify(v)},"z":0,"${escaped(n, m2)}":1}`;
        const reason = why('{"k":['.repeat(depth) + inner + ']}'.repeat(depth));
        expect(reason === 'duplicate' || (reason !== 'ok' && JSON.stringify(v).includes('__proto__'))).toBe(true);
      }),
    );
  });
});

const corpora = process.env.DOORWARD_CORPORA ?? join(import.meta.dirname, '../../../../shared/corpora');
const file = join(corpora, 'jsonrpc_raw.jsonl');

describe.skipIf(!existsSync(file))('public parser tests', () => {
  interface CorpusRow {
    id: string;
    note?: string;
    label: 'attack' | 'benign' | 'either';
    text?: string;
    json?: Json;
    parts?: string[];
    b64?: string;
    gen?: { repeat: string; count: number };
  }
  const rows = existsSync(file)
    ? readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as CorpusRow)
    : [];
  const bytes = (row: CorpusRow): Buffer => {
    if (row.b64 !== undefined) return Buffer.from(row.b64, 'base64');
    if (row.gen) return Buffer.from(row.gen.repeat.repeat(row.gen.count));
    return Buffer.from(row.parts?.join('') ?? row.text ?? JSON.stringify(row.json));
  };

  const labelled = (label: CorpusRow['label']) => rows.filter((row) => row.label === label);
  // RFC 8259 leaves equal names to the reader; a gateway must not.
  const duplicated = (row: CorpusRow) => row.note?.includes('duplicated_key') === true;

  it('are all there', () => expect(rows.length).toBeGreaterThan(300));
  it('attacks are refused', () => {
    const passed = labelled('attack').filter((row) => parseJson(bytes(row), REQUEST_CAPS).ok);
    expect(passed.map((row) => row.id)).toEqual([]);
  });
  it('benign texts keep their value', () => {
    for (const row of labelled('benign')) {
      const text = bytes(row);
      const parsed = parseJson(text, REQUEST_CAPS);
      if (duplicated(row)) expect(parsed).toMatchObject({ why: 'duplicate' });
      else
        expect(parsed.ok ? JSON.stringify(parsed.value) : row.id).toEqual(JSON.stringify(JSON.parse(text.toString())));
    }
  });
  it('the rest is survived', () => {
    for (const row of labelled('either')) {
      const text = bytes(row);
      if (parseJson(text, REQUEST_CAPS).ok) expect(() => JSON.parse(text.toString())).not.toThrow();
    }
  });
});
