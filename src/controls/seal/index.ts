/**
 * seal: fields that a reviewer named travel past the client as ciphertext (guarantee TR10). What is sealed on the way out
 * no control after this one sees; what comes back is opened for the pinned schema, and where the call leaves the house.
 */
import type { Call, CallView, Handler, Message, Notification, Result } from '../../core/call.ts';
import { Ended } from '../../core/ended.ts';
import { type FieldCipher, type FieldCode, looksSealed } from '../../core/fields.ts';
import { principalOf } from '../../core/principal.ts';
import { type Control, edit, PASS, stop, type Verdict } from '../../core/verdict.ts';
import { canonical } from '../../lib/json/canonical.ts';
import { replaced, type Steps } from '../../lib/json/replace.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { placesOf, type Rules } from './rules.ts';

export const WITHHELD = '[withheld: a field of this answer is sealed, and it may stand here too]';
/** Sealed fields of one message: each costs some microseconds, and a text of a few hundred bytes. */
const MOST = 256;
/** How long a sealed value is good for, in minutes. */
const MINUTES = 60;

export const seal: Control<Rules> = {
  id: 'seal',

  decide(call, { fields }) {
    // Of the arguments that began a task nothing is sent again.
    if (call.family !== 'call') return PASS;
    const opened = openedBy(fields, call);
    return 'code' in opened ? stop(opened.code) : PASS;
  },

  inspect(call, message, { fields }, state): Verdict<Message> {
    const own = call.target.kind === 'route' ? undefined : call.target.seal;
    if (!own?.results) return PASS;
    if (!fields) return stop('internal.seal', 'no key');
    if (message.kind === 'error') return PASS;
    if (message.kind === 'notification') return quiet(message);
    const { to = [call.upstream], minutes = MINUTES, results } = own;
    const about = { principal: principalOf(call.caller), upstreams: to, until: state.now() + minutes * 60_000 };
    const places = placesOf(results);
    let count = 0;
    const one = (field: Json): Json => (++count > MOST ? null : fields.seal(field, about));
    const schema = call.target.kind === 'route' ? undefined : call.target.descriptor['outputSchema'];
    const value = sealed(message.value, (data) =>
      places.every((steps) => around(data, steps, schema)) ? replaced(data, places, one) : undefined,
    );
    if (count > MOST) return stop('seal.many', `${count}`);
    return value === message.value ? PASS : edit<Message>({ kind: 'result', value }, 'seal.sealed', results.join(' '));
  },
};

/** Whatever could hold a field and is no structure goes: prose, images, links, `_meta`, words about a task. */
function sealed(value: JsonObject, fields: (data: Json) => Json | undefined): Result['value'] {
  if (value.resultType === 'input_required') return value;
  const { structuredContent: told, content, _meta: _, statusMessage: __, ...next } = value;
  // No schema is asked about an error: a field could be anywhere in it.
  const structuredContent = value.isError === true ? undefined : told;
  const shown = structuredContent === undefined ? undefined : fields(structuredContent);
  if (shown !== undefined) next.structuredContent = shown;
  if (content === undefined) return next;
  const whole = structuredContent === undefined || shown === undefined ? undefined : canonical(structuredContent);
  next.content = (Array.isArray(content) ? content : []).map((block) => {
    const same = isObject(block) && typeof block.text === 'string' && whole !== undefined && says(block.text, whole);
    return { type: 'text', text: same ? JSON.stringify(shown) : WITHHELD };
  });
  return next;
}

/**
 * Whether objects and lists on the way to a field are what `schema`, as clients see it, says: a text there, or a name,
 * could hold the field. `output` asks the schema itself, but not where a grant leaves only some fields.
 */
function around(value: Json | undefined, [step, ...rest]: Steps, schema: Json | undefined): boolean {
  if (step === undefined || value === undefined || value === null) return true;
  if (!isObject(schema)) return false;
  const { type, properties, items, additionalProperties } = schema;
  const types = [type].flat();
  const list = types.includes('array');
  // Sealed whole, a step before.
  if (!list && !types.includes('object')) return true;
  if (list ? !Array.isArray(value) : !isObject(value)) return false;
  if (step === '*')
    return Object.values(value as JsonObject).every((one) => around(one, rest, list ? items : additionalProperties));
  if (!isObject(value) || !Object.hasOwn(value, step)) return true;
  return around(value[step], rest, isObject(properties) ? properties[step] : undefined);
}

/** Servers repeat their structure as JSON text. */
function says(text: string, whole: string): boolean {
  try {
    return /^\s*\{/.test(text) && canonical(JSON.parse(text) as Json) === whole;
  } catch {
    return false;
  }
}

/** Log messages and words about progress are prose; beside them only what has a type of its own is left. */
function quiet(note: Notification): Verdict<Message> {
  const { data, message, logger, _meta, ...rest } = note.params;
  const params = data === undefined ? rest : { ...rest, data: WITHHELD };
  const same = [data, message, logger, _meta].every((one) => one === undefined);
  return same ? PASS : edit<Message>({ ...note, params }, 'seal.sealed', 'notification');
}

/** The arguments as the server gets them, or why it gets none. */
export function openedBy(
  fields: FieldCipher | undefined,
  { target, args, caller, upstream }: CallView,
): { readonly args: Json } | { readonly code: FieldCode } {
  const own = target.kind === 'route' ? undefined : target.seal;
  if (!own?.arguments) return { args };
  let code: FieldCode | undefined;
  let count = 0;
  const opened = replaced(args, placesOf(own.arguments), (value) => {
    if (code !== undefined) return value;
    if (!looksSealed(value)) {
      if (own.require) code = 'seal.plain';
      return value;
    }
    if (++count > MOST) {
      code = 'seal.many';
      return value;
    }
    const found = fields?.open(value, { principal: principalOf(caller), upstream }) ?? { code: 'seal.unknown' };
    if (!('code' in found)) return found.value;
    code = found.code;
    return value;
  });
  return code === undefined ? { args: opened } : { code };
}

/** Around the far end of a call with sealed arguments: they are opened here, after every control and the log. */
export function opening(call: Call, far: Handler, fields: FieldCipher | undefined): Handler | undefined {
  if (call.target.kind === 'route' || !call.target.seal?.arguments || call.family !== 'call') return undefined;
  return (dispatched, io) => {
    const opened = openedBy(fields, dispatched);
    if ('code' in opened) throw new Ended('stop', opened.code);
    return far(Object.freeze({ ...dispatched, args: opened.args }), io);
  };
}
