/** Answers of a client: only to what was asked, and of the shape that was asked for (MCP 2026-07-28, schema). */
import type { Opened } from '../../core/call.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { fitsForm } from './form.ts';

/**
 * The answers to what was asked, without members that MCP does not have; the same object where nothing was left out.
 * Answers to anything else are left out too (the specification wants them ignored). Text = what is wrong.
 */
export function fitting(answers: Readonly<JsonObject>, { asked }: Opened): Readonly<JsonObject> | string {
  const kept: JsonObject = {};
  let same = true;
  for (const [id, answer] of Object.entries(answers)) {
    const question = Object.hasOwn(asked, id) ? asked[id] : undefined;
    const made = question && isObject(answer) ? FITS[question.kind]?.(answer, question.schema) : undefined;
    if (question && !made) return question.kind;
    if (made) kept[id] = made;
    same &&= made !== undefined && Object.keys(made).length === Object.keys(answer as JsonObject).length;
  }
  return same ? answers : kept;
}

type Fit = (answer: JsonObject, schema: JsonObject | undefined) => JsonObject | undefined;
const FITS: Readonly<Record<string, Fit>> = {
  form({ action, content }, schema) {
    if (action === 'decline' || action === 'cancel') return { action };
    return action === 'accept' && schema && fitsForm(content, schema) ? { action, content: content! } : undefined;
  },

  url: ({ action }) => (['accept', 'decline', 'cancel'].includes(action as string) ? { action: action! } : undefined),

  sampling({ role, content, model, stopReason }) {
    const blocks = Array.isArray(content) ? content : [content];
    if (role !== 'assistant' && role !== 'user') return undefined;
    if (typeof model !== 'string' || !blocks.every((block) => isObject(block) && typeof block['type'] === 'string')) {
      return undefined;
    }
    if (stopReason !== undefined && typeof stopReason !== 'string') return undefined;
    return { role, content: content!, model, ...(stopReason !== undefined && { stopReason }) };
  },

  roots({ roots }) {
    return Array.isArray(roots) && roots.every(isRoot) ? { roots } : undefined;
  },
};

function isRoot(root: Json): boolean {
  if (!isObject(root) || typeof root['uri'] !== 'string' || !root['uri'].startsWith('file://')) return false;
  return root['name'] === undefined || typeof root['name'] === 'string';
}
