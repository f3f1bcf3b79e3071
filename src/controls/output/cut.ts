/** The size of a result, and cutting its text to a cap (guarantee OU3). */
import { isObject, isRawNumber, type Json, type JsonObject } from '../../lib/json/types.ts';
import { cutUtf8, utf8Length } from '../../lib/text.ts';

/** Bytes of the value as JSON, escapes not counted: never more than its text has. */
export function sizeOf(value: Json): number {
  switch (typeof value) {
    case 'string':
      return utf8Length(value) + 2;
    case 'number':
      return String(value).length;
    case 'boolean':
      return value ? 4 : 5;
  }
  if (value === null) return 4;
  if (isRawNumber(value)) return value.rawJSON.length;
  let size = 1;
  if (Array.isArray(value)) for (const item of value) size += sizeOf(item) + 1;
  else for (const name in value) size += utf8Length(name) + 4 + sizeOf(value[name]!);
  return Math.max(size, 2);
}

/**
 * A result of at most `cap` bytes, its texts cut from the end with a notice; undefined when what is not text is too
 * large already, or when there is structure that a cut would break.
 */
export function cutTo(cap: number, value: JsonObject, size: number, reference: string): JsonObject | undefined {
  if (value.structuredContent !== undefined) return undefined;
  const notice = (shown: number) => `\n[Doorward cut this result: ${shown} of ${size} bytes. Reference ${reference}.]`;
  let texts = 0;
  mapTexts(value, (text) => {
    texts += utf8Length(text);
    return text;
  });
  let left = cap - (size - texts) - utf8Length(notice(cap));
  if (texts === 0 || left < 0) return undefined;
  const shown = left;
  let done = false;
  return mapTexts(value, (text) => {
    if (done) return '';
    const length = utf8Length(text);
    if (length <= left) {
      left -= length;
      return text;
    }
    done = true;
    return cutUtf8(text, left) + notice(shown);
  }) as JsonObject;
}

/** The texts that a model reads: of content blocks, prompt messages, resource contents. Only these can be cut. */
function mapTexts(value: JsonObject, change: (text: string) => string): JsonObject {
  const holder = (item: Json): Json => {
    if (!isObject(item)) return item;
    if (typeof item.text === 'string') return { ...item, text: change(item.text) };
    if (isObject(item.resource)) return { ...item, resource: holder(item.resource) };
    return isObject(item.content) ? { ...item, content: holder(item.content) } : item;
  };
  const out: JsonObject = { ...value };
  for (const member of ['content', 'contents', 'messages'] as const) {
    const list = value[member];
    if (Array.isArray(list)) out[member] = list.map(holder);
  }
  return out;
}
