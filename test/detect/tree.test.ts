import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mayHold, NAMED, RULES, redactJson } from '../../src/detect/secrets.ts';
import type { Json } from '../../src/lib/json/types.ts';

const RUNS = Number(process.env['DOORWARD_RUNS'] ?? 3000);
const rawJSON = (JSON as unknown as { rawJSON(text: string): Json }).rawJSON;
const token = (length: number) => 'q7Zx2KpV9mTb4RwL8sYc3NdJ6hGfA1uE5kWo0yXvPiQtBzMrSgCnHjDlUeFaI'.slice(0, length);

describe('redactJson', () => {
  it('answers the same object when there is nothing', () => {
    const value = {
      content: [{ type: 'text', text: 'a plain answer' }],
      n: 1,
      list: [[null, true], 'x'],
      tokens_used: 12,
    };
    const done = redactJson(value);
    expect(done.value).toBe(value);
    expect(done.found).toEqual([]);
  });

  it('shares what holds nothing', () => {
    const value = { a: { b: ['x'] }, c: `AWS ${'AKIA'}Z7QK2PVM9TB4RWL8` };
    const done = redactJson(value).value as typeof value;
    expect(done.a).toBe(value.a);
    expect(done.c).toBe('AWS [redacted aws-access-key-id]');
  });

  it.each<[string, Json, Json]>([
    ['a password', { password: 'Tr0ub4dor&3' }, { password: '[redacted password]' }],
    ['any case, nested', { a: [{ DbPassword: 'hunter2!x' }] }, { a: [{ DbPassword: '[redacted password]' }] }],
    ['words of a name', { 'api-key': token(24) }, { 'api-key': '[redacted assigned-secret]' }],
    ['a list under a name', { tokens: [token(20), 'none'] }, { tokens: ['[redacted assigned-secret]', 'none'] }],
    ['the rule that knows more', { token: `${'ghp_'}${token(36)}` }, { token: '[redacted github-token]' }],
    ['a vendor alone', { datadog: '9f3c7a1e5b8d20469f3c7a1e5b8d2046' }, { datadog: '[redacted datadog-key]' }],
    ['a card as a number', { card: 4111111111111111 }, { card: '[redacted card-number]' }],
    ['a card by its digits', { card: rawJSON('4111111111111111') }, { card: '[redacted card-number]' }],
    ['a name', { [`${'ghp_'}${token(36)}`]: 1 }, { '[redacted github-token]': 1 }],
    ['text in text', { text: `{"password":"${token(9)}"}` }, { text: '{"password":"[redacted password]"}' }],
    [
      'escaped text in text',
      { text: `{\\"secret\\": \\"${token(20)}\\"}` },
      { text: '{\\"secret\\": \\"[redacted assigned-secret]\\"}' },
    ],
  ])('takes %s', (_, value, expected) => {
    expect(redactJson(value).value).toEqual(expected);
    expect(mayHold(Buffer.from(JSON.stringify(value)))).toBe(true);
  });

  it.each<[string, Json]>([
    ['a count', { tokens_used: 12, maxTokens: 4096, total_tokens: '120000' }],
    ['a plain word', { key: 'name', token: 'string', password: 'required', secret: 'my-secret' }],
    ['an identifier', { key: 'PROJ-1234', keyId: token(20), secretName: 'prod-db-2', token_type: 'Bearer' }],
    ['a page token', { nextPageToken: token(40), cursor: token(40) }],
    ['a reference', { password: 'env:DB_PASSWORD_2', token: '${TOKEN_1}', secret: 'arn:aws:secretsmanager:eu:12:x1' }],
    ['an order number', { order: 4111111111111111, id: '4111111111111111' }],
    ['a public key', { public_key: token(44) }],
    ['a long name', { [`${'password'.repeat(20)}`]: 'x1y2z3w4' }],
  ])('leaves %s', (_, value) => {
    expect(redactJson(value).value).toBe(value);
  });

  it('keeps two members apart that redaction would give one name', () => {
    const value = { [`${'ghp_'}${token(36)}`]: 1, [`${'ghp_'}${token(37)}`]: 2 };
    expect(Object.values(redactJson(value).value as object)).toEqual([1, 2]);
  });

  it('tells equal secrets equal', () => {
    const secret = `${'ghp_'}${token(36)}`;
    const done = redactJson([secret, secret, `${secret}x`], (s) => String(s.length)).value as string[];
    expect(done).toEqual(['[redacted github-token 40]', '[redacted github-token 40]', '[redacted github-token 41]']);
  });
});

describe('a token cut into values beside each other', () => {
  const key = `ghp_${token(36)}`;
  it.each<[string, Json, Json]>([
    ['a list', [key.slice(0, 4), key.slice(4)], ['[redacted github-token]', '']],
    ['a list of more', ['a', key.slice(0, 20), key.slice(20), 'b'], ['a', '[redacted github-token]', '', 'b']],
    ['three pieces', [key.slice(0, 9), key.slice(9, 20), key.slice(20)], ['[redacted github-token]', '', '']],
    ['what follows it stays', [`see ${key.slice(0, 9)}`, `${key.slice(9)} b`], ['see [redacted github-token]', ' b']],
    ['members', { a: key.slice(0, 9), b: key.slice(9), c: 1 }, { a: '[redacted github-token]', b: '', c: 1 }],
    ['a value between', { a: key.slice(0, 9), n: 1, b: key.slice(9) }, { a: key.slice(0, 9), n: 1, b: key.slice(9) }],
    ['beginnings', ['ghp_', 'gho_', 'AKIA', 'ASIA'], ['ghp_', 'gho_', 'AKIA', 'ASIA']],
    ['a word behind a beginning', ['AKIA', 'suffix'], ['AKIA', 'suffix']],
  ])('%s', (_, value, clean) => expect(redactJson(value).value).toEqual(clean));
});

describe('mayHold', () => {
  it('is true for escapes that could hide something', () => {
    for (const text of ['{"a":"\\u0041"}', '{"a":"https:\\/\\/x"}']) expect(mayHold(Buffer.from(text))).toBe(true);
  });
  it('is false for a clean answer', () => {
    const text = JSON.stringify({
      content: [{ type: 'text', text: 'The key to the door is under the mat, 12 March.\n' }],
    });
    expect(mayHold(Buffer.from(text))).toBe(false);
  });

  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...[...RULES, ...NAMED].map((rule) => rule.example.join(''))) },
    { weight: 3, arbitrary: fc.constantFrom(...[...RULES, ...NAMED].flatMap((rule) => rule.example)) },
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        'password',
        'api key',
        'API_KEY',
        'token',
        'secret',
        'Authorization',
        'curl -u',
        'curl',
        'pw',
        'x',
        'is',
        'Bearer',
        'Basic',
        'value=',
        'key',
        'mysql',
        'sshpass ',
        ' -p',
        ' -p ',
        'requirepass',
        'ENV API_TOKEN',
        'setPassword(',
        'auth',
        'identified by',
        'echo ',
        ' | chpasswd',
        ':5432:a:b:',
        '\u5bc6\u7801',
        '\u043f\u0430\u0440\u043e\u043b\u044c',
        'Contrase\u00f1a',
      ),
    },
    {
      weight: 6,
      arbitrary: fc.constantFrom(
        ' ',
        '\n',
        '\t',
        '"',
        "'",
        ':',
        '=',
        ': ',
        ' = "',
        '","',
        '\\',
        '>',
        ',',
        '-',
        '/',
        '://',
        '@',
        '.',
        '%3D',
        '\u00e9',
        '\u4e2d',
        '\\n',
        '\uff1a',
        '|\n  ',
        '(',
        ')',
      ),
    },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        'hunter2!',
        'Ym90Omg3IWtRejl4UG0ydjh3TjRqTA==',
        Buffer.from(`AKIA${'Z7QK2PVM9TB4RWL8'}`).toString('hex'),
        Buffer.from(`ab AKIA${'Z7QK2PVM9TB4RWL8'}`).toString('base64'),
        'AKIA',
        'Z7QK2PVM9TB4RWL8',
        '\\x41KIAZ7QK2PVM9TB4RWL8',
        '&#65;KIAZ7QK2PVM9TB4RWL8',
        '" + "',
        token(12),
        token(24),
        token(40),
        'a:b9c8d7e6',
        '4111 1111 1111 1111',
        '4111111111111111',
        'card',
        '9f3c7a1e5b8d2046',
      ),
    },
  );
  const text = fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join(''));
  const value = fc.letrec<{ node: Json }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      text,
      fc.constantFrom<Json>(1, true, null, 4111111111111111, rawJSON('4111111111111111'), 12345),
      fc.array(tie('node'), { maxLength: 3 }),
      fc.dictionary(text, tie('node'), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).node;

  it('false proves that redactJson finds nothing', () => {
    fc.assert(
      fc.property(value, fc.constantFrom(0, 2), (made, indent) => {
        const bytes = Buffer.from(JSON.stringify(made, null, indent));
        if (!mayHold(bytes)) expect(redactJson(made).found).toEqual([]);
      }),
      { numRuns: RUNS },
    );
  });
});
