import { isObject } from '../json/types.ts';
import { applied, itemsOf, kinds, opens } from './close.ts';
import type { Schema } from './judge.ts';
import { pointer } from './places.ts';

/** Looks no deeper, and at no more places: findings for a reader. */
const DEPTH = 8;
const VISITS = 2_000;

/** Instance pointers of objects that take names the schema does not declare: each needs a reviewed exception. */
export function openPlaces(root: Schema): string[] {
  const found = new Set<string>();
  const mayBe = kinds(root);
  let visits = 0;
  function visit(node: Schema, path: readonly string[]): void {
    if (node === false || path.length > DEPTH || ++visits > VISITS) return;
    const parts = applied(root, node);
    const declares = parts.some((part) => part.properties !== undefined || part.patternProperties !== undefined);
    if (mayBe(node, 'object') && (!declares || parts.some(opens))) found.add(pointer(path));
    for (const part of parts) {
      if (isObject(part.properties)) {
        for (const [name, value] of Object.entries(part.properties)) visit(value as Schema, [...path, name]);
      }
      if (isObject(part.patternProperties)) {
        for (const value of Object.values(part.patternProperties)) visit(value as Schema, [...path, '*']);
      }
      const { items, rest, tuple } = itemsOf(part);
      for (const [i, item] of (tuple ?? []).entries()) visit(item as Schema, [...path, String(i)]);
      if (items !== undefined || rest !== undefined) visit((items ?? rest)!, [...path, '*']);
      else if (!tuple && part.type === 'array') found.add(pointer([...path, '*']));
    }
  }
  visit(root, []);
  return [...found];
}
