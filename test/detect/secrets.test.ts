import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NAMED, RULES, redactText } from '../../src/detect/secrets.ts';

const ALL = [...RULES, ...NAMED];
const token = (length: number) => 'q7Zx2KpV9mTb4RwL8sYc3NdJ6hGfA1uE5kWo0yXvPiQtBzMrSgCnHjDlUeFaI'.slice(0, length);

describe('the rules', () => {
  it('cover forty kinds and more, under names that can stand in a log', () => {
    const ids = new Set(ALL.map((rule) => rule.id));
    expect(ids.size).toBeGreaterThan(120);
    for (const id of ids) expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  it.each(ALL.map((rule) => [rule.id, rule.example] as const))(
    '%s: its example goes, and nothing else',
    (id, example) => {
      const secret = example.join('');
      for (const [before, after] of [
        ['', ''],
        ['see "', '", then'],
        ['\n', '\n'],
        ['a (', ') b'],
      ] as const) {
        const done = redactText(before + secret + after);
        expect(done.found.map(({ rule }) => rule)).toContain(id);
        expect(done.text.startsWith(before) && done.text.endsWith(after)).toBe(true);
        const longest = example.reduce((a, b) => (b.length > a.length ? b : a));
        if (longest.length >= 20) expect(done.text).not.toContain(longest.slice(0, -4));
      }
    },
  );

  it.each(RULES.filter((rule) => rule.matcher === undefined).map((rule) => [rule.id, rule] as const))(
    '%s: a part of it is not a token',
    (id, { example, back, find }) => {
      const whole = example.join('');
      const first = example[0]!.length;
      const stump = back === undefined ? whole.slice(0, first + 5) : whole.slice(whole.indexOf(find[0]!) - 5);
      expect(redactText(stump).found.filter(({ rule }) => rule === id)).toEqual([]);
    },
  );
});

describe('redactText', () => {
  it.each([
    ['bold text', `**gh${'p_'}${token(36)}** and more`, '**[redacted github-token]** and more'],
    ['a bold name', '**Password:** h7!kQz9x', '**Password:** [redacted password]'],
    ['a bold name before the colon', '- **API key**: 9f3c7a1e5b8d2046', '- **API key**: [redacted assigned-secret]'],
    ['a row of a table', '| password | h7!kQz9x |', '| password | [redacted password] |'],
    [
      'a name that is a value',
      '- name: DB_PASSWORD\n  value: h7!kQz9x\n',
      '- name: DB_PASSWORD\n  value: [redacted password]\n',
    ],
    [
      'a name that is a value, in JSON',
      '{"name": "DB_PASSWORD", "value": "h7!kQz9x"}',
      '{"name": "DB_PASSWORD", "value": "[redacted password]"}',
    ],
    ['a sentence with a colon', 'The password is: h7!kQz9x', 'The password is: [redacted password]'],
    ['a longer name', `my_gh${'p_'}${token(36)}`, 'my_[redacted github-token]'],
    ['a header', `Authorization: Bearer ${token(30)}`, 'Authorization: Bearer [redacted authorization-header]'],
    [
      'a basic header',
      'Authorization: Basic YWRtaW46aHVudGVyMg==',
      'Authorization: Basic [redacted authorization-header]',
    ],
    [
      'a header in code',
      `headers: {"Authorization": "token ${token(30)}"}`,
      'headers: {"Authorization": "token [redacted authorization-header]"}',
    ],
    ['a database address', 'postgres://app:h7!kQz@db/x', 'postgres://app:[redacted url-credential]@db/x'],
    ['a password with @', 'https://me:p@ss9word@host/', 'https://me:[redacted url-credential]@host/'],
    ['a token as user', `https://${token(30)}@git.internal/x`, 'https://[redacted url-credential]@git.internal/x'],
    ['code', `const apiKey = '${token(20)}';`, "const apiKey = '[redacted assigned-secret]';"],
    ['typed code', `secret: string = "${token(20)}"`, 'secret: string = "[redacted assigned-secret]"'],
    ['shell', 'export DB_PASSWORD=hunter2!', 'export DB_PASSWORD=[redacted password]'],
    ['an option', `run --api-token ${token(20)} now`, 'run --api-token [redacted assigned-secret] now'],
    ['YAML', `client_secret: ${token(20)}\nnext: 1`, 'client_secret: [redacted assigned-secret]\nnext: 1'],
    ['XML', `<password>hunter2x</password>`, '<password>[redacted password]</password>'],
    ['XML attributes', `<add key="Password" value="hunter2x"/>`, '<add key="Password" value="[redacted password]"/>'],
    ['SQL', `ALTER USER me WITH PASSWORD 'hunter2x';`, "ALTER USER me WITH PASSWORD '[redacted password]';"],
    ['a call', `setProperty("API_TOKEN", "${token(20)}")`, 'setProperty("API_TOKEN", "[redacted assigned-secret]")'],
    ['prose', 'The password is hunter2x.', 'The password is [redacted password].'],
    ['a query', `https://x/?access_token=${token(20)}&a=1`, 'https://x/?access_token=[redacted assigned-secret]&a=1'],
    [
      'an id and its secret',
      `AKIA${'Z7QK2PVM9TB4RWL8'}, ${token(40)}`,
      '[redacted aws-access-key-id], [redacted aws-secret-access-key]',
    ],
    ['colours', `\u001b[94mghp_${token(36)}\u001b[0m`, '\u001b[94m[redacted github-token]\u001b[0m'],
    ['an escape before', `a\\nghp_${token(36)}`, 'a\\n[redacted github-token]'],
    [
      'text that is not Latin',
      `\u5bc6\u7801 ghp_${token(36)}\u4e41\u4e41`,
      '\u5bc6\u7801 [redacted github-token]\u4e41\u4e41',
    ],
    [
      'a key block',
      '-----BEGIN RSA PRIVATE KEY-----\nMIIB\nAAAA\n-----END RSA PRIVATE KEY-----\nx'.replace('AAAA', token(60)),
      '[redacted private-key]\nx',
    ],
    [
      'a bare key',
      `MIIEpAIBAAKCAQEA${token(48)}\n${token(60)}\n${token(10)}==\nNext words`,
      '[redacted private-key-base64]\nNext words',
    ],
    ['escapes in text', `a \\u0067hp_${token(36)} b`, 'a [redacted github-token] b'],
    ['percent escapes', `a %67hp%5F${token(36)} b`, 'a [redacted github-token] b'],
    ['base64', `a ${Buffer.from(`ghp_${token(36)}\\n`).toString('base64')} b`, 'a [redacted encoded-secret] b'],
    ['a block scalar', 'password: |\n  h7!kQz9x\nport: 1', 'password: |\n  [redacted password]\nport: 1'],
    ['a folded scalar', 'password: >-\n    h7!kQz9x\n', 'password: >-\n    [redacted password]\n'],
    [
      'an element and its key',
      '<entry key="db.password">h7!kQz9x</entry>',
      '<entry key="db.password">[redacted password]</entry>',
    ],
    ['a setter', 'ds.setPassword("h7!kQz9x");', 'ds.setPassword("[redacted password]");'],
    ['a netrc', 'machine a login b password h7!kQz9x\n', 'machine a login b password [redacted password]\n'],
    ['an instruction of a Dockerfile', `ENV API_TOKEN ${token(20)}`, 'ENV API_TOKEN [redacted assigned-secret]'],
    ['a directive', 'requirepass h7!kQz9x', 'requirepass [redacted password]'],
    [
      'a default',
      'variable "db_password" {\n  default = "h7!kQz9x"',
      'variable "db_password" {\n  default = "[redacted password]"',
    ],
    [
      'a command of several lines',
      'mysqldump -h db \\\n  -uroot -ph7!kQz9x shop',
      'mysqldump -h db \\\n  -uroot -p[redacted command-password] shop',
    ],
    ['a quoted option', `mariadb -p'h7!kQz9x' shop`, `mariadb -p'[redacted command-password]' shop`],
    ['Spanish', 'Contrase\u00f1a: h7!kQz9x', 'Contrase\u00f1a: [redacted password]'],
    ['French', 'mot de passe : h7!kQz9x', 'mot de passe : [redacted password]'],
    [
      'Russian',
      '\u041f\u0410\u0420\u041e\u041b\u042c = h7!kQz9x',
      '\u041f\u0410\u0420\u041e\u041b\u042c = [redacted password]',
    ],
    ['Chinese', '\u5bc6\u7801\uff1ah7!kQz9x', '\u5bc6\u7801\uff1a[redacted password]'],
    ['Chinese prose', '\u5bc6\u7801\u662fh7!kQz9x\u3002', '\u5bc6\u7801\u662f[redacted password]\u3002'],
    ['English with a wide colon', 'Password\uff1ah7!kQz9x', 'Password\uff1a[redacted password]'],
    ['hex', `0x ${Buffer.from(`ghp_${token(36)}`).toString('hex')} b`, '0x [redacted encoded-secret] b'],
    [
      'hex of a longer text',
      `${Buffer.from(`AKIA${'Z7QK2PVM9TB4RWL8'}`).toString('hex')}2c0a`,
      '[redacted encoded-secret]2c0a',
    ],
    ['hex escapes', `s = "\\x67\\x68p_${token(36)}"`, 's = "[redacted github-token]"'],
    ['entities', `<b>&#103;&#x68;p_${token(36)}</b>`, '<b>[redacted github-token]</b>'],
    [
      'an encoded address',
      'u=https%3A%2F%2Fme%3Ah7kQz9xPm%40host%2Fa&x=%41',
      'u=https%3A%2F%2Fme%3A[redacted url-credential]%40host%2Fa&x=%41',
    ],
    ['two texts put together', `const k = "ghp_" + "${token(36)}";`, 'const k = "[redacted github-token]";'],
    ['a list of two', `["AKIA", "${'Z7QK2PVM9TB4RWL8'}", "eu"]`, '["[redacted aws-access-key-id]", "eu"]'],
    ['two members', `{"head":"ghp_${token(9)}","tail":"${token(36).slice(9)}"}`, '{"head":"[redacted github-token]"}'],
    ['a text of two lines', `k = "ghp_\\\n${token(36)}"`, 'k = "[redacted github-token]"'],
    ['an open key block', `-----BEGIN PRIVATE KEY-----\n${token(60)}\n${token(20)}`, '[redacted private-key]'],
  ])('takes a secret out of %s', (_, text, expected) => {
    expect(redactText(text).text).toBe(expected);
  });

  it.each([
    'the key to the door: ask the concierge',
    'const token = await getToken(user.id);',
    'password: ${{ secrets.DB_PASSWORD }}',
    'API_KEY=<your-api-key>',
    'Authorization: Bearer YOUR_TOKEN_HERE',
    'secret = process.env.CLIENT_SECRET1',
    'tokens_used: 120000, max_tokens: 4096',
    'key: "primary"; keyboard: "us-102"',
    'token_type: "Bearer", token_endpoint: https://idp/token2',
    'uses: actions/checkout@9c091bb21b7c1c1d1991bb908d89e4e9dddfe3e0',
    '"integrity": "sha512-1cDNdwJ2Jaohmb3sg4OmKaMBwuC48sYni5HUw2DvsC8LjGTLK9h+eb1X6RyuOHe4hT0ULCW68iomhjUoKUqlPQ=="',
    'commit 89d87667898d08443d2791fb19312b2f2084a697',
    '-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAJ\n-----END PUBLIC KEY-----',
    '-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkq\n-----END CERTIFICATE-----',
    'postgres://user:password@localhost/db',
    'git@github.com:org/repo.git https://example.com/a@b',
    'nextPageToken: "CAUQAA9xYzI3ODk0NTY3ODkw"',
    'password = getpass("Password: ")',
    'class PasswordInput2 extends Input {}',
    'AKIAIOSFODNN7EXAMPLE',
    'file.tokens = babel7CompatTokens;',
    '(Private Key): base64url-encoded',
    'authorization = base64.decodebytes(x)',
    'STENCIL_PASS: 0x0B96',
    'a stored token: IBM/mcp-context-forge#3563',
    'arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-WS97W9',
    'aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    'docker run --name mysql -p3306:3306 mysql:8',
    'docker run --name mongo -p 127.0.0.1:27017:27017/tcp mongo',
    'mysql -p shop2; mkdir -p a1/b2',
    'sshpass -p "$PASS1" ssh host',
    'user.getPassword("db2"); hasToken("abc123def456")',
    'La parola chiave: sicurezza2026',
    '["ghp_", "gho_", "ghu_", "ghs_", "glpat-", "github_pat_"]',
    '["AKIA", "ASIA", "ABIA", "ACCA", "AIDA"]',
    '"AKIA" + "suffix"',
    `apiKey: '6fe4476ee5a1832882e326b506d14126'`,
    `hex 414b4941 and 6768705f, base64 QUtJQQ== and Z2hwXw==`,
    '\u5bc6\u7801\uff1a\u81f3\u5c118\u4f4d',
    '\u0444\u0438\u043b\u044c\u0442\u0440: h7!kQz9x',
    'services:\n  token: |\n    # see docs/tokens2.md',
  ])('leaves %s', (text) => {
    expect(redactText(text).text).toBe(text);
  });

  it('answers the same string when nothing is found', () => {
    const text = 'nothing to see here, move along';
    expect(redactText(text).text).toBe(text);
  });

  it('never judges by what an earlier text left behind', () => {
    redactText(`${' '.repeat(20)}password=hunter2x and more`);
    expect(redactText(`${' '.repeat(20)}password=`).found).toEqual([]);
  });

  it('marks with the fingerprint of the secret alone', () => {
    const seen: string[] = [];
    const done = redactText('DB_PASSWORD=hunter2!', (secret) => `${seen.push(secret)}f`);
    expect(done.text).toBe('DB_PASSWORD=[redacted password 1f]');
    expect(seen).toEqual(['hunter2!']);
  });
});

interface Row {
  id: string;
  label: string;
  category: string;
  source: string;
  text?: string;
  parts?: string[];
}
const CORPORA = process.env['DOORWARD_CORPORA'] ?? join(import.meta.dirname, '../../../shared/corpora');
const FILE = join(CORPORA, 'secrets.jsonl');
describe.skipIf(!existsSync(FILE))('the public samples', () => {
  const rows = existsSync(FILE)
    ? readFileSync(FILE, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Row)
    : [];
  const share = (some: Row[]) =>
    some.filter((r) => redactText(r.text ?? r.parts!.join('')).found.length > 0).length / some.length;

  it.each([
    ['secret_major_provider', 0.96],
    ['secret_long_tail', 0.8],
  ])('%s: recall of at least %d', (category, least) => {
    expect(share(rows.filter((r) => r.category === category))).toBeGreaterThanOrEqual(least);
  });
  it('takes nothing from lines of public repositories', () => {
    const lines = rows.filter(
      (r) => r.label === 'benign' && (r.source.startsWith('realworld') || r.source === 'credsweeper-neg'),
    );
    expect(lines.length).toBeGreaterThan(600);
    expect(share(lines)).toBe(0);
  });
  it('takes little from what other scanners list as false for one of their rules', () => {
    // Eighteen of these are live-shaped Google keys that one scanner allows by value.
    expect(share(rows.filter((r) => r.category === 'published_false_positive'))).toBeLessThan(0.1);
  });
});
