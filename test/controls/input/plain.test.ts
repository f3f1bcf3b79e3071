import { describe, expect, it } from 'vitest';
import { misplacedNumber, misplacedText, plainOf } from '../../../src/controls/input/plain.ts';
import type { Exceptions } from '../../../src/core/call.ts';
import { cpuMs } from '../../fixtures/cpu.ts';

const said = (name: string, text: string, executes = false, exceptions: Exceptions = {}) =>
  misplacedText(text, [name], plainOf({ executes }, exceptions))?.what;

describe('plain text', () => {
  it.each([
    ['name', '<script>alert(1)</script>'],
    ['title', '<img src=x onerror=alert(1)>'],
    ['name', '<IMG """><x>'],
    ['name', 'java'.concat('script:alert(1)')],
    ['kind', 'data: text/html;base64,PHNjcmlwdD4='],
    ['title', '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>'],
  ])('of %s has no markup: %s', (name, text) => {
    expect(said(name, text)).toBe('script or markup');
    expect(said('body', text)).toBeUndefined();
    expect(said(name, text, false, { code: [`/${name}`] })).toBeUndefined();
  });

  it.each([
    ['branch', 'main; rm -rf /', 'shell'],
    ['file', '$(cat /etc/passwd)', 'shell'],
    ['file', 'a`id`', 'shell'],
    ['file', 'x || reboot', 'shell'],
    ['file', 'x > /etc/cron.d/x', 'shell'],
    ['table', "x' OR 1=1", 'SQL'],
    ['table', 'a UNION  SELECT b', 'SQL'],
    ['table', "admin'--", 'SQL'],
    ['name', '{{7*7}}', 'template'],
    ['name', '<%= 1 %>', 'template'],
  ])('of %s has no syntax where a tool executes: %s', (name, text, what) => {
    expect(said(name, text, true)).toBe(what);
    expect(said(name, text)).toBeUndefined();
    expect(said('query', text, true)).toBeUndefined();
  });

  it.each([
    ['name', "O'Brien & Sons (est. 1900)"],
    ['name', 'a < b and b > c'],
    ['name', 'List<String>'],
    ['path', 'src/a-b_c.ts'],
    ['title', 'Fix: the parser; see #12'],
    ['when', '2026-11-20T12:00:00Z'],
    ['id', '{"a":1}'],
    ['name', 'AT&T'],
  ])('%s passes: %s', (name, text) => {
    expect(said(name, text)).toBeUndefined();
  });

  it('takes no longer for a long text than its length', () => {
    const signs = ['<', ' <', "' or ", '; ', '$', '{', 'union ', 'data: '];
    const all = () => void signs.map((sign) => said('name', sign.repeat(8192 / sign.length), true));
    expect(cpuMs(all, 200)).toBeLessThan(200);
  });
});

describe('a URL', () => {
  it.each([
    'http://169.254.169.254/latest/meta-data',
    'http://localhost/',
    'http://[::1]/',
    'http://0x7f.1/',
    'file:///etc/passwd',
    'gopher://a.example.com',
  ])('%s leads nowhere', (url) => {
    for (const name of ['url', 'pageUrl', 'callback_url', 'URI']) expect(said(name, url)).toBeDefined();
    expect(said('url', url, false, { urls: ['/url'] })).toBeUndefined();
  });

  it.each(['https://example.com/a?b=c#d', 'https://example.com:8443/', 'not a url', ''])('%s passes', (url) => {
    expect(said('url', url)).toBeUndefined();
  });
});

describe('a host without a scheme, where a URL is expected', () => {
  it.each([
    '10.0.0.1/x',
    '169.254.169.254',
    ' 10.0.0.1',
    '1\t0.0.0.1/',
    '0177.0.0.1',
    '0x7f000001',
    '127.1',
    '2130706433:80',
    '[::1]:80/x',
    'admin:pw@10.0.0.1/x',
    '\uff11\uff10.0.0.1',
    '10\u30020.0.1/x',
    '%31%30.0.0.1/x',
    'localhost:8080',
    'LOCALHOST',
    'user@localhost',
    'api.localhost/x',
    'printer.local:631',
    'metadata.google.internal',
    '127.0.0.1.nip.io',
    '//169.254.169.254/',
  ])('%s leads inside', (text) => {
    expect(said('url', text)).toBeDefined();
    expect(said('url', text, false, { urls: ['/url'] })).toBeUndefined();
    expect(said('note', text)).toBeUndefined();
  });

  it.each([
    'example.com/x',
    '8.8.8.8:53',
    '/10.0.0.1/x',
    './a',
    'home/user',
    'local/x',
    '.env.local',
    '10.1000/182',
    '1.2.3',
    '2130706433',
    'urn:isbn:1',
    'note://7',
    'mailto:bob@localhost',
    'git@github.com:a/b.git',
  ])('%s passes', (text) => {
    expect(said('url', text)).toBeUndefined();
  });

  it('is a path where the schema says that references may be relative', () => {
    const schema = {
      properties: { uri: { type: 'string', format: 'uri-reference' }, to: { type: 'string', format: 'uri' } },
    };
    const plain = plainOf({ executes: false }, {}, schema);
    expect(misplacedText('10.0.0.1/x', ['uri'], plain)).toBeUndefined();
    expect(misplacedText('http://10.0.0.1/x', ['uri'], plain)?.code).toBe('input.url');
    expect(misplacedText('10.0.0.1/x', ['to'], plain)?.code).toBe('input.url');
  });
});

describe('a quantity', () => {
  it.each(['quantity', 'limit', 'pageSize', 'total_price'])('%s is not below zero', (name) => {
    const plain = plainOf({ executes: false }, {});
    expect(misplacedNumber(-1, [name], plain)?.code).toBe('input.number');
    expect(misplacedNumber(0, [name], plain)).toBeUndefined();
    expect(misplacedNumber(-1, [name], plainOf({ executes: false }, { negative: [`/${name}`] }))).toBeUndefined();
  });
  it('is one by its name', () => {
    expect(misplacedNumber(-1, ['longitude'], plainOf({ executes: false }, {}))).toBeUndefined();
  });
});
