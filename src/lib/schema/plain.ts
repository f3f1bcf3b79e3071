import { isRawNumber, type Json } from '../json/types.ts';

/** The value with every `RawNumber` as the nearest double: what schemas, and generated checks, compute with. */
export function plain(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (isRawNumber(value)) return Number(value.rawJSON);
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}
