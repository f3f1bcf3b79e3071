/** Answers of a client: only to what was asked, and of the shape that was asked for (MCP 2026-07-28, schema). */
import type { Opened } from '../../core/call.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { fitsForm } from './form.ts';

/** The answers without members that MCP does not have, the same object where there were none; text = what is wrong. */
export function fitting(answers: Readonly<JsonObject>, { asked }: Opened): Readonly<JsonObject> | string {
  let kept: JsonObject | undefined;
  for (const id in answers) {
    const question = Object.hasOwn(asked, id) ? asked[id] : undefined;
    if (!question) return 'an id that was not asked';
    const answer = answers[id];
    const made = isObject(answer) ? FITS[question.kind]?.(answer, question.schema) : undefined;
    if (!made) return question.kind;
    if (Object.keys(made).length !== Object.keys(answer as JsonObject).length) (kept ??= { ...answers })[id] = made;
  }
  return kept ?? answers;
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
