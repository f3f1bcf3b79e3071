/**
 * Facts for the review screen, guessed from what a server says of its own tools. A guess is never a decision: a person
 * confirms it. Silence means the worst (MCP's own defaults for annotations are the same: schema.ts, ToolAnnotations).
 */
import type { Facts } from '../core/call.ts';
import { isObject, type JsonObject } from '../lib/json/types.ts';

const EXECUTES =
  /(?:^|[^a-z])(?:exec(?:ute)?s?|run|eval|shell|bash|sh|command|cmd|script|code|python|javascript|sql|query|terminal|spawn|subprocess)(?:[^a-z]|$)/i;
/** What people elsewhere may have written. */
const UNTRUSTED =
  /(?:^|[^a-z])(?:issues?|comments?|mails?|emails?|messages?|inbox|tickets?|web|url|pages?|fetch|browse|crawl|scrape|search|reviews?|feeds?|posts?|tweets?|chats?|pull|discussions?|attachments?)(?:[^a-z]|$)/i;
const PRIVATE =
  /(?:^|[^a-z])(?:private|personal|secrets?|credentials?|passwords?|inbox|mails?|emails?|messages?|contacts?|calendars?|customers?|patients?|payroll|salary|salaries|invoices?|accounts?|tokens?|keys?)(?:[^a-z]|$)/i;
/** Who works on their own behind a tool. */
const AGENT =
  /(?:^|[^a-z])(?:agents?|subagents?|assistants?|copilot|delegates?|handoff|hand off|a2a|crew)(?:[^a-z]|$)/i;
const WORDS = 4_096;

export function guessFacts(tool: JsonObject): Facts {
  const hints = isObject(tool.annotations) ? tool.annotations : {};
  const reader = hints.readOnlyHint === true;
  const name = split(typeof tool.name === 'string' ? tool.name : '');
  return {
    reads: true,
    writes: !reader,
    destructive: !reader && hints.destructiveHint !== false,
    executes: EXECUTES.test(words(tool)),
    sendsOut: hints.openWorldHint !== false,
    // Not by silence: a server that names nothing of an open world mostly answers with words of its own.
    untrusted: hints.openWorldHint !== false && (hints.openWorldHint === true || UNTRUSTED.test(name)),
    private: PRIVATE.test(name),
  };
}

/** By the name of the tool and the title of its annotations. */
export function looksLikeAgent(tool: JsonObject): boolean {
  const { title } = isObject(tool.annotations) ? tool.annotations : {};
  return [tool.name, title].some((text) => typeof text === 'string' && AGENT.test(split(text)));
}

/** A resource or a prompt is read; nothing else happens. */
export const READS: Facts = Object.freeze({
  reads: true,
  writes: false,
  destructive: false,
  executes: false,
  sendsOut: false,
});

/** Name and parameter names. */
function words(tool: JsonObject): string {
  const schema = isObject(tool.inputSchema) && isObject(tool.inputSchema.properties) ? tool.inputSchema.properties : {};
  return split([typeof tool.name === 'string' ? tool.name : '', ...Object.keys(schema)].join(' '));
}

/** `runCommand` and `run_command` are the same two words. */
function split(names: string): string {
  return names
    .slice(0, WORDS)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ');
}
