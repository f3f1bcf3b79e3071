import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { uriTemplate } from '../../src/lib/uri-template.ts';

describe('a URI template', () => {
  it.each([
    ['a:{x}{y}', undefined],
    ['a:{?q}', undefined],
    ['a:{x', undefined],
    ['{x}', undefined],
    ['a:{+path}', ['path']],
    ['a:b{/path*}', ['path']],
    ['a:{x}/{y}/{x}', ['x', 'y']],
  ])('%s', (template, names) => expect(uriTemplate(template)?.names).toEqual(names));

  it.each([
    ['a:/{+path}', 'a:/b/c', { path: 'b/c' }],
    ['a:b{/path*}', 'a:b/c/d', { path: 'c/d' }],
    ['a:/{path}.txt', 'a:/b.txt', { path: 'b' }],
    ['a:/{path}.txt', 'a:/.txt', undefined],
    ['a:/{path}', 'a:/b/c', undefined],
    ['a:/{path}', 'a:/b%2Fc', undefined],
    ['a:/{+path}', 'a:/b?c=d', undefined],
    ['a:/{+path}', 'a:/../b', undefined],
    ['db://{tenant}/{table}', 'db://acme/orders', { tenant: 'acme', table: 'orders' }],
    ['db://{tenant}/t/{table}', 'db://acme/x/orders', undefined],
  ])('%s and %s', (template, uri, values) => expect(uriTemplate(template)!.match(uri)).toEqual(values));

  it.each([
    ['it decodes to something else', 'a:/{x}', 'a:/%61', { x: null }],
    ['it could end elsewhere', 'a:/{x}-{y}', 'a:/p-q-r', { x: null, y: null }],
    ['it could end with nothing in it', 'a:/{x}-{y}', 'a:/-q-r', { x: null, y: null }],
    ['an escape may stand for what is between', 'a:/{x}-{y}', 'a:/p%2Dq-r', { x: null, y: null }],
    ['an escape behind may stand for what is between', 'a:/{x}-{y}', 'a:/p-q%2dr', { x: null, y: null }],
    ['an escape is none', 'a:/{x}-{y}', 'a:/p-%ff', { x: null, y: null }],
    ['an escape stands for itself, and only there', 'a:/{x}/{y}', 'a:/p/q%20r', { x: 'p', y: null }],
    ['it could end elsewhere, in folders', 'a:/{+x}/b/{y}', 'a:/p/b/q/b/r', undefined],
    ['its name is there twice, otherwise', 'a:/{x}/{x}', 'a:/p/q', { x: null }],
    ['the same, and again', 'a:/{x}/{x}/{x}', 'a:/p/q/q', { x: null }],
  ])('says nothing of a value where %s', (_, template, uri, values) =>
    expect(uriTemplate(template)!.match(uri)).toEqual(values),
  );

  it('reads what was written by it, in one way or not at all', () => {
    const name = fc.stringMatching(/^[a-z.-]{1,8}$/);
    fc.assert(
      fc.property(name, name, fc.constantFrom('/', '-', '.', '/-/'), (x, y, between) => {
        const read = uriTemplate(`a:/{x}${between}{y}`)!.match(`a:/${x}${between}${y}`);
        if (read && read['x'] !== null) expect(read['x']).toBe(x);
        if (read && read['y'] !== null) expect(read['y']).toBe(y);
      }),
    );
  });
});
