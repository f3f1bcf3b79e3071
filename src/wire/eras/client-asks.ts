/** Requests of `inputRequests` (2026-07-28) as clients of older revisions are asked them. */
import type { InputRequest } from '../../core/rounds.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { LEGACY, type LegacyEra } from './versions.ts';

/**
 * `elicitationId` = a fresh one: up to 2025-11-25 a page has an id of its own. Undefined: a form with a field that the
 * revision cannot show.
 */
export function toOlder(
  { method, params }: InputRequest,
  era: LegacyEra,
  elicitationId: string,
): JsonObject | undefined {
  if (method === 'sampling/createMessage' && era < LEGACY) return { method, params: plainMessages(params) };
  if (method !== 'elicitation/create') return { method, ...(params !== undefined && { params }) };
  const { mode, ...rest } = params;
  if (mode === 'url') return { method, params: { mode, ...rest, elicitationId } };
  if (era >= LEGACY) return { method, params: { mode: 'form', ...rest } };
  const requestedSchema = plainForm(rest['requestedSchema']);
  return requestedSchema && { method, params: { ...rest, requestedSchema } };
}

/** 2025-06-18 has one block of content in a message. */
function plainMessages(params: JsonObject): JsonObject {
  const { messages } = params;
  if (!Array.isArray(messages)) return params;
  const split = messages.flatMap((message) =>
    isObject(message) && Array.isArray(message['content'])
      ? message['content'].map((content): Json => ({ ...message, content }))
      : [message],
  );
  return { ...params, messages: split };
}

/** 2025-06-18 has choices by `enum` alone, one at a time, and defaults of booleans only. */
function plainForm(schema: Json | undefined): JsonObject | undefined {
  if (!isObject(schema) || !isObject(schema['properties'])) return undefined;
  const properties: JsonObject = {};
  for (const [name, field] of Object.entries(schema['properties'])) {
    if (!isObject(field) || field['type'] === 'array') return undefined;
    const { oneOf, default: value, ...rest } = field;
    const choices = Array.isArray(oneOf) ? (oneOf as JsonObject[]) : undefined;
    properties[name] = {
      ...rest,
      ...(choices && { enum: choices.map((one) => one['const']!), enumNames: choices.map((one) => one['title']!) }),
      ...(field['type'] === 'boolean' && value !== undefined && { default: value }),
    };
  }
  return { ...schema, properties };
}
