/** Arguments as the log may show them: secrets found by their form, and whatever stands under a telling name. */
import { isRawNumber, type Json, type JsonObject } from '../lib/json/types.ts';

/** The detector's redaction of one text. */
export type Redact = (text: string) => { readonly text: string };

/** Guarantee AU6: values of such names are masked, nested and in any case. */
export const TELLING =
  /token|key|secret|passw|passphrase|passcode|pwd|credential|authorization|contrase|mot.?de.?passe|senha|kennwort|wachtwoord|\u043f\u0430\u0440\u043e\u043b|\u0441\u0435\u043a\u0440\u0435\u0442|\u5bc6\u7801|\u5bc6\u78bc|\u53e3\u4ee4|\u5bc6\u94a5|\u30d1\u30b9\u30ef\u30fc\u30c9|\ube44\ubc00\ubc88\ud638/i;
export const MASK = '[masked]';
/** Card numbers, the shortest of which has 12 digits, may come as numbers. */
const LONG_NUMBER = 1e11;

/** The same value where nothing had to be hidden, else a copy. The input is never changed. */
export function mask(value: Json, redact: Redact): Json {
  if (typeof value === 'string') return redact(value).text;
  if (typeof value === 'number') return Math.abs(value) < LONG_NUMBER ? value : digits(value, String(value), redact);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return maskItems(value, redact);
  return isRawNumber(value) ? digits(value, value.rawJSON, redact) : maskMembers(value, redact);
}

function digits(value: Json, text: string, redact: Redact): Json {
  const shown = redact(text).text;
  return shown === text ? value : shown;
}

function maskItems(items: Json[], redact: Redact): Json[] {
  let out = items;
  for (let i = 0; i < items.length; i++) {
    const shown = mask(items[i]!, redact);
    if (shown === items[i]) continue;
    if (out === items) out = items.slice();
    out[i] = shown;
  }
  return out;
}

function maskMembers(members: JsonObject, redact: Redact): JsonObject {
  let out: JsonObject | undefined;
  for (const name of Object.keys(members)) {
    const value = members[name]!;
    const shownName = redact(name).text;
    const shown = TELLING.test(name) ? MASK : mask(value, redact);
    if (shown === value && shownName === name) continue;
    out ??= { ...members };
    if (shownName !== name) delete out[name];
    out[shownName] = shown;
  }
  return out ?? members;
}

/** What is left of `budget` UTF-16 units after this value, roughly; stops counting once it is below zero. */
export function left(value: Json, budget: number): number {
  if (typeof value === 'string') return budget - value.length - 3;
  if (typeof value !== 'object' || value === null || isRawNumber(value)) return budget - 6;
  let rest = budget;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length && rest >= 0; i++) rest = left(value[i]!, rest);
    return rest;
  }
  for (const name in value) {
    if (rest < 0) break;
    rest = left(value[name]!, rest - name.length - 3);
  }
  return rest;
}
