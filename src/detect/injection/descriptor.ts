/** What a tool, prompt or resource says of itself, judged beside the others (OWASP MCP03, tool poisoning). */
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { normalise } from '../normalise.ts';
import { BOUNDS, type Evidence, type Judged, judge, type Models } from './judge.ts';

/** Characters of one descriptor that are looked for names of others. */
const MOST = 32 * 1024;
/** A name that is no plain word: `send_email`, `sendEmail`, `send-email`. */
const COMPOUND = /[_-]|[a-z][A-Z]/;
const ORDERS =
  /\b(?:before|instead|always|must|never|first|prior|whenever|redirect|replaces?|bcc|also|should|deprecated|prefer|ignore|you)\b/i;
/** Words of one who changes how the tool of another is used, beside its name. */
const MEDDLES =
  /\b(?:append|bcc|rout(?:e|ed|ing)|redirect(?:ed|s)?|intercepts?|hand(?:ed)? over|pass(?:ed)? (?:on )?to|go(?:es)? (?:to|through)|broken|compromised|retired|insecure|superseded?|supersedes|second call|(?:change|replace|overwrite) the)\b/i;
/** Parameters that ask for what the model knows and the tool does not need. */
const COLLECTS =
  /^(?:(?:llm|ai|agent|assistant|client|host)_?model(?:_?name)?|(?:full_|entire_|previous_|prior_|chat_|conversation_|message_|user_)*(?:conversation|chat|transcript|dialog(?:ue)?)(?:_?(?:history|log|context|so_far|transcript))?|(?:system|initial|original|full)_?prompt|(?:list_of_|all_|available_|other_)?(?:tools|tool_?(?:list|names|calls_?history|descriptions))|(?:previous|prior|last)_?(?:messages|tool_?calls|tool_?results)|chain_of_thought|user_?credentials|session_?history|environment_?variables)$/i;

/** `others`: names of the tools that it will stand beside. */
export function judgeDescriptor(
  name: string,
  descriptor: JsonObject,
  others: readonly string[] = [],
  models?: Models,
): Judged {
  const texts: string[] = [];
  collect(descriptor, texts);
  const all = texts.join('\n');
  const judged = judge(all, 'descriptor', models);
  const evidence: Evidence[] = [...judged.evidence];
  let score = judged.score;
  const add = (weight: number, id: string, says: string, text = ''): void => {
    score += weight;
    evidence.push({ id, says, text: text.slice(0, 120) });
  };
  const comment = normalise(all.slice(0, MOST)).hidden.find(
    ({ how, text }) => PRIVATE.has(how) && /\w\s+\w/.test(text),
  );
  if (comment)
    add(
      comment.how === 'comment' && !ORDERS.test(comment.text) ? 0.6 : 1.5,
      `hidden:${comment.how}`,
      'holds text that a reader does not see',
      comment.text,
    );
  const asked = parameters(descriptor);
  const runsModel = asked.has('model') && (asked.has('messages') || asked.has('prompt') || asked.has('temperature'));
  for (const parameter of asked) {
    // A tool that runs a model of its own takes the prompt of that one.
    if (runsModel && parameter === 'system_prompt') continue;
    if (COLLECTS.test(parameter)) add(1.4, 'collects', 'asks for what the tool does not need', parameter);
  }
  const named = (words: RegExp) => others.find((other) => other !== name && mentions(all, other, words));
  const meddled = named(MEDDLES);
  const shadowed = meddled ?? named(ORDERS);
  if (shadowed !== undefined)
    add(meddled === undefined ? 1 : 1.4, 'other-tool', 'gives orders about another tool', shadowed);
  const { medium, high } = BOUNDS.descriptor;
  return { severity: score >= high ? 'high' : score >= medium ? 'medium' : undefined, score, evidence };
}

const PRIVATE: ReadonlySet<string> = new Set(['comment', 'tags', 'base64', 'hex', 'rot13']);

function collect(value: Json, out: string[]): void {
  if (typeof value === 'string') out.push(value);
  else if (Array.isArray(value)) for (const item of value) collect(item, out);
  else if (isObject(value)) for (const member of Object.values(value)) collect(member, out);
}

/** Those of the schema, and those that the description lists in lines of their own. */
function parameters({ inputSchema, description }: JsonObject): Set<string> {
  const named = isObject(inputSchema) && isObject(inputSchema.properties) ? Object.keys(inputSchema.properties) : [];
  const told =
    typeof description === 'string' ? description.slice(0, MOST).matchAll(/^[ \t-]{0,16}(\w{3,64})[:(]/gm) : [];
  return new Set([...named, ...Array.from(told, ([, name]) => name!)]);
}

/** Whether the other tool is named near such words. */
function mentions(text: string, other: string, orders: RegExp): boolean {
  if (other.length < 5 || !COMPOUND.test(other)) return false;
  for (let at = text.indexOf(other); at >= 0 && at < MOST; at = text.indexOf(other, at + other.length)) {
    if (/\w/.test(text[at - 1] ?? ' ') || /\w/.test(text[at + other.length] ?? ' ')) continue;
    if (orders.test(text.slice(Math.max(0, at - 160), at + other.length + 160))) return true;
  }
  return false;
}
