import { isObject, type Json } from './types.ts';

/** Steps of a JSON pointer; `*` is any item or any name. */
export type Steps = readonly string[];

/** The value with another one at each of the places; the same object when nothing is there. */
export function replaced(value: Json, places: readonly Steps[], change: (value: Json) => Json): Json {
  if (places.length === 0) return value;
  if (places.some((steps) => steps.length === 0)) return change(value);
  if (Array.isArray(value)) {
    const items = value.map((item, i) => replaced(item, below(places, String(i)), change));
    return items.some((item, i) => item !== value[i]) ? items : value;
  }
  if (!isObject(value)) return value;
  const members = Object.entries(value).map(
    ([name, inner]) => [name, replaced(inner, below(places, name), change)] as const,
  );
  return members.some(([name, inner]) => inner !== value[name]) ? Object.fromEntries(members) : value;
}

function below(places: readonly Steps[], name: string): Steps[] {
  return places.flatMap(([step, ...rest]) => (step === '*' || step === name ? [rest] : []));
}
