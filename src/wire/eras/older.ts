/**
 * What the revisions before 2025-11-25 do not have, taken out of what they are told (their schema.ts, compared). A
 * client of the time may refuse a whole answer for one member or block that it does not know. Nothing is lost that
 * can be said in words: where a block goes, a text stands.
 */
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import type { LegacyEra } from './versions.ts';

/** The same value when there is nothing to take out. */
type Change<T extends Json = Json> = (value: T) => T;

/** Members of things, of what is said about the server, and of a client's own capabilities. */
interface Lacks {
  readonly thing: ReadonlySet<string>;
  readonly server: ReadonlySet<string>;
  readonly note: ReadonlySet<string>;
  readonly block: Change;
  readonly structure: boolean;
}

const NONE: ReadonlySet<string> = new Set();
const same: Change = (value) => value;
const link: Change = (value) =>
  isObject(value) && value['type'] === 'resource_link' ? spoken(value['uri'] ?? '', value) : value;
const sound: Change = (value) =>
  isObject(value) && value['type'] === 'audio'
    ? spoken('[audio that this revision of MCP cannot carry]', value)
    : value;
const bare: Change = (value) => {
  if (!isObject(value)) return value;
  const block = without(value, META);
  const inner = isObject(block['resource']) ? without(block['resource'], META) : undefined;
  return inner === undefined || inner === block['resource'] ? block : { ...block, resource: inner };
};
const META: ReadonlySet<string> = new Set(['_meta']);

const NEWER_2025_11 = ['icons', 'execution'];
const NEWER_2025_06 = [...NEWER_2025_11, 'title', 'outputSchema', '_meta'];

const LACKS: Readonly<Record<LegacyEra, Lacks>> = {
  '2025-11-25': { thing: NONE, server: NONE, note: NONE, block: same, structure: true },
  '2025-06-18': {
    thing: new Set(NEWER_2025_11),
    server: new Set(['icons', 'description', 'websiteUrl']),
    note: NONE,
    block: (value) => (isObject(value) && value['type'] === 'resource_link' ? without(value, ICONS) : value),
    structure: true,
  },
  '2025-03-26': {
    thing: new Set(NEWER_2025_06),
    server: new Set(['icons', 'description', 'websiteUrl', 'title']),
    note: NONE,
    block: (value) => bare(link(value)),
    structure: false,
  },
  '2024-11-05': {
    thing: new Set([...NEWER_2025_06, 'annotations']),
    server: new Set(['icons', 'description', 'websiteUrl', 'title']),
    note: new Set(['message']),
    block: (value) => bare(sound(link(value))),
    structure: false,
  },
};
const ICONS: ReadonlySet<string> = new Set(['icons']);

/** Where a result has things, blocks, messages, or contents of resources. */
const THINGS = ['tools', 'prompts', 'resources', 'resourceTemplates'] as const;

/** A result as the revision has it; the same object when it has all of it. */
export function resultOf(era: LegacyEra, method: string, value: JsonObject): JsonObject {
  const lacks = LACKS[era];
  if (lacks.block === same) return value;
  const made: JsonObject = {};
  for (const member of THINGS) set(made, member, value[member], (thing) => thingOf(thing, lacks));
  if (method === 'tools/call') {
    set(made, 'content', value['content'], lacks.block);
    if (!lacks.structure && value['structuredContent'] !== undefined) return withoutStructure({ ...value, ...made });
  }
  if (method === 'resources/read' && !lacks.structure) set(made, 'contents', value['contents'], bare);
  if (method === 'prompts/get') {
    set(made, 'messages', value['messages'], (message) => {
      if (!isObject(message)) return message;
      const said = lacks.structure ? message : without(message, META);
      const content = lacks.block(said['content'] ?? null);
      return content === said['content'] ? said : { ...said, content };
    });
  }
  return Object.keys(made).length === 0 ? value : { ...value, ...made };
}

/**
 * Structured content as text, where a client would otherwise get nothing: servers should send both, and most do
 * (2025-06-18, server/tools, structured content).
 */
export function withoutStructure(value: JsonObject): JsonObject {
  const { structuredContent, ...rest } = value;
  const { content } = rest;
  if (structuredContent === undefined || (Array.isArray(content) && content.length > 0)) return rest;
  return { ...rest, content: [{ type: 'text', text: JSON.stringify(structuredContent) }] };
}

/** `serverInfo` and `capabilities` of an InitializeResult. */
export function serverOf(era: LegacyEra, info: JsonObject): JsonObject {
  return without(info, LACKS[era].server);
}

export function capabilitiesOf(era: LegacyEra, capabilities: JsonObject): JsonObject {
  const gone = new Set(['extensions']);
  if (era < '2025-11-25') gone.add('tasks');
  if (era < '2025-03-26') gone.add('completions');
  return without(capabilities, gone);
}

/** Params of a notification. */
export function noteOf(era: LegacyEra, method: string, params: JsonObject): JsonObject {
  return method === 'notifications/progress' ? without(params, LACKS[era].note) : params;
}

/**
 * What a client of the revision can mean by its capabilities: what came later is not asked of it, whatever it says.
 * An elicitation of 2025-06-18 is one by form.
 */
export function claimedBy(era: LegacyEra, capabilities: JsonObject): JsonObject {
  if (era === '2025-11-25') return capabilities;
  const { tasks: _, elicitation, sampling, ...rest } = capabilities;
  return {
    ...rest,
    ...(isObject(elicitation) && era === '2025-06-18' && { elicitation: { form: {} } }),
    ...(isObject(sampling) && { sampling: {} }),
  };
}

function thingOf(thing: Json, lacks: Lacks): Json {
  if (!isObject(thing)) return thing;
  const kept = without(thing, lacks.thing);
  if (lacks.structure) return kept;
  const made: JsonObject = {};
  set(made, 'arguments', kept['arguments'], (one) => (isObject(one) ? without(one, TITLE) : one));
  return Object.keys(made).length === 0 ? kept : { ...kept, ...made };
}
const TITLE: ReadonlySet<string> = new Set(['title']);

function set(into: JsonObject, member: string, list: Json | undefined, change: Change): void {
  if (!Array.isArray(list)) return;
  const made = list.map(change);
  if (made.some((item, i) => item !== list[i])) into[member] = made;
}

function without(value: JsonObject, names: ReadonlySet<string>): JsonObject {
  let kept: JsonObject | undefined;
  for (const name of names) {
    if (!Object.hasOwn(value, name)) continue;
    kept ??= { ...value };
    delete kept[name];
  }
  return kept ?? value;
}

function spoken(text: Json, { annotations }: JsonObject): JsonObject {
  return { type: 'text', text: String(text), ...(annotations !== undefined && { annotations }) };
}
