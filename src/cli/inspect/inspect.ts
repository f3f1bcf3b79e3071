/** One row of `doorward inspect`, judged by the controls of the gateway with their defaults. */

import { allowed, examine } from '../../controls/input/limits.ts';
import { schema as inputSchema } from '../../controls/input/rules.ts';
import { redact } from '../../controls/redact/index.ts';
import { compile as redactRules, schema as redactSchema } from '../../controls/redact/rules.ts';
import { screen } from '../../controls/screen/index.ts';
import { compile as screenRules, schema as screenSchema } from '../../controls/screen/rules.ts';
import type { CallView, Family, Message, Result } from '../../core/call.ts';
import type { Inputs, Verdict } from '../../core/verdict.ts';
import { findingsOf } from '../../inventory/findings.ts';
import { guessPaths } from '../../inventory/paths.ts';
import type { Other } from '../../inventory/twins.ts';
import { sha256Hex } from '../../lib/bytes.ts';
import { parseJson, REQUEST_CAPS } from '../../lib/json/scan.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { urlFault } from '../../lib/url.ts';
import { memoryState } from '../../store/memory.ts';
import { frame } from '../../wire/frame.ts';

export interface Finding {
  readonly code: string;
  readonly severity: string;
  readonly evidence: string;
}
export interface Inspected {
  readonly verdict: 'pass' | 'label' | 'edit' | 'hold' | 'stop';
  readonly findings: readonly Finding[];
  /** What would leave instead, where a text was changed. */
  readonly text?: string;
}
export class RowFault extends Error {}

/** Bytes of one row's content. */
const MOST = 16 * 1024 * 1024;
const NO_INPUT: JsonObject = { type: 'object' };
const PASS: Inspected = { verdict: 'pass', findings: [] };

const state = memoryState(() => 0);
const SCREEN = screenRules(screenSchema.parse(undefined));
const REDACT = redactRules(redactSchema.parse(undefined), {
  pinned: [],
  fingerprint: (secret) => sha256Hex(secret).slice(0, 12),
});
const LIMITS = inputSchema.parse(undefined);

/** Throws RowFault for what is no row. */
export function inspectRow(row: JsonObject): Inspected {
  switch (row.kind) {
    case 'tool_descriptor':
      return descriptor(structured(row), row.context);
    case 'tool_result':
    case 'text':
    case 'secret':
      return content('call', valueOf(row));
    case 'resource':
      return content('read', valueOf(row));
    case 'prompt':
      return content('get', valueOf(row));
    case 'arguments':
      return args(structured(row));
    case 'url':
      return refused(urlFault(textOf(row)), 'input.url');
    case 'jsonrpc_raw':
      return framed(bytesOf(row));
    default:
      throw new RowFault('no such kind');
  }
}

/** As the door reads it. JSON that does not pretend to be a message is read as the arguments of one. */
function framed(bytes: Uint8Array): Inspected {
  const found = frame(bytes);
  if (!('fault' in found)) return PASS;
  if (found.fault !== 'frame.json') {
    const alone = parseJson(bytes, REQUEST_CAPS);
    if (alone.ok && !claims(alone.value)) {
      const around = [Buffer.from(CALL), bytes, Buffer.from('}}')];
      return 'fault' in frame(Buffer.concat(around)) ? refused(found.fault, found.fault) : PASS;
    }
  }
  return refused(found.fault, found.fault);
}
const CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":';

function claims(value: Json): boolean {
  if (Array.isArray(value)) return value.some(claims);
  return (
    isObject(value) && ['jsonrpc', 'method', 'params', 'result', 'error'].some((name) => Object.hasOwn(value, name))
  );
}

function descriptor(value: Json, context: Json | undefined): Inspected {
  // Words alone are those of a tool that has nothing else.
  const tools = toolsOf(
    typeof value === 'string' ? { name: 'tool', description: value, inputSchema: NO_INPUT } : value,
  );
  if (tools.length === 0) throw new RowFault('no descriptor');
  const around = contextTools(context);
  const beside = [...around, ...tools.filter((tool) => typeof tool.name === 'string').map(asOther)];
  const all = tools.flatMap((tool) => {
    const name = typeof tool.name === 'string' ? tool.name : '';
    const others = beside.filter((other) => other.descriptor !== tool);
    return findingsOf('tool', name, tool, others);
  });
  // A schema that is not valid is refused by review for that alone; it says nothing of poison.
  const judged = all.filter(({ code }) => code !== 'inventory.schema');
  const held = judged.some(({ refused: no, severity }) => no || severity === 'critical' || severity === 'high');
  const findings = all
    .filter(({ severity }) => severity !== 'note' && severity !== 'low')
    .map(({ code, severity, at, text }) => ({ code, severity, evidence: `${at} ${text}` }));
  const twin = around.length > 0 && all.some(({ code }) => code === 'inventory.twin' || code === 'inventory.near-name');
  return { verdict: held ? 'hold' : twin ? 'label' : 'pass', findings };
}

/** The other tools that the row was seen beside: names, descriptors, or objects of lists of them (one per server). */
function contextTools(context: Json | undefined): Other[] {
  if (typeof context === 'string') return [{ name: context }];
  if (Array.isArray(context)) return context.flatMap(contextTools);
  if (!isObject(context)) return [];
  return typeof context.name === 'string' ? [asOther(context)] : Object.values(context).flatMap(contextTools);
}

function asOther(tool: JsonObject): Other {
  return { name: String(tool.name), descriptor: tool };
}

/** One tool, `{tools}`, a list of tools, or `{tools_list_sequence}`: lists as they came one after the other. */
function toolsOf(value: Json): JsonObject[] {
  if (Array.isArray(value)) return value.flatMap(toolsOf);
  if (!isObject(value)) return [];
  for (const name of ['tools', 'tools_list_sequence', 'result']) {
    const inner = value[name];
    if (inner !== undefined) return toolsOf(inner);
  }
  return [value];
}

const CALL_VIEW = {
  id: 'INSPECT',
  method: 'tools/call',
  upstream: '-',
  target: { kind: 'route', name: '-' },
  args: {},
};

function content(family: Family, value: Json): Inspected {
  const call = { ...CALL_VIEW, family };
  const before: Result = { kind: 'result', value: resultOf(family, value) };
  const given: Result = { ...before, bytes: Buffer.from(JSON.stringify(before.value)) };
  const findings: Finding[] = [];
  let verdict: Inspected['verdict'] = 'pass';
  let message: Message = given;
  const controls = [
    (m: Message) => screen.inspect!(call as unknown as CallView, m, SCREEN, state),
    (m: Message) => redact.inspect!(call as unknown as CallView, m, REDACT, state),
  ];
  for (const control of controls) {
    const decided = control(message) as Verdict<Message>;
    if (decided.kind === 'stop') {
      findings.push({ code: decided.code, severity: 'high', evidence: decided.detail ?? '' });
      forget(call.id);
      return { verdict: decided.keep ? 'hold' : 'stop', findings };
    }
    if (decided.kind !== 'edit') continue;
    const labelled = decided.code === 'screen.labelled';
    findings.push({ code: decided.code, severity: labelled ? 'medium' : 'low', evidence: decided.what ?? '' });
    if (!labelled) verdict = 'edit';
    else if (verdict === 'pass') verdict = 'label';
    message = decided.value;
  }
  forget(call.id);
  return message === given ? { verdict, findings } : { verdict, findings, text: shownOf(message) };
}

/** Rows are calls of their own: what `redact` remembers of one ends with it. */
function forget(call: string): void {
  const memory = state.scratch(call, 'redact');
  for (const name of Object.keys(memory)) delete memory[name];
}

function resultOf(family: Family, value: Json): JsonObject {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (
    isObject(value) &&
    (Array.isArray(value.content) || Array.isArray(value.contents) || Array.isArray(value.messages))
  )
    return value;
  if (family === 'read') return { contents: [{ uri: 'inspect:row', text }] };
  if (family === 'get') return { messages: [{ role: 'user', content: { type: 'text', text } }] };
  return { content: [{ type: 'text', text }] };
}

function shownOf(message: Message): string {
  const parts: string[] = [];
  const walk = (value: Json | undefined): void => {
    if (Array.isArray(value)) value.forEach(walk);
    else if (isObject(value)) {
      if (typeof value.text === 'string') parts.push(value.text);
      walk(value.content);
      walk(value.contents);
      walk(value.messages);
    }
  };
  if (message.kind === 'result') walk(message.value);
  return parts.join('\n');
}

const URL_NAME = /(?:^|_)(?:url|uri|href|link|endpoint|webhook|callback)s?(?:_|$)/;

/** Without a schema: sizes, characters, and what names of fields say of paths and URLs. */
function args(value: Json): Inspected {
  if (isObject(value) && Array.isArray(value.jsonrpc_messages)) {
    return value.jsonrpc_messages
      .map((one) => args(isObject(one) && isObject(one.params) ? one.params : one))
      .reduce((a, b) => (a.verdict === 'pass' ? b : a), PASS);
  }
  const given = isObject(value) && isObject(value.arguments) ? value.arguments : value;
  const properties: JsonObject = {};
  if (isObject(given))
    for (const [name, item] of Object.entries(given)) {
      if (typeof item === 'string') properties[name] = { type: 'string' };
      else if (Array.isArray(item)) properties[name] = { type: 'array', items: { type: 'string' } };
    }
  const paths = guessPaths({ inputSchema: { properties } }, '');
  const found = examine(given, allowed(LIMITS, { paths }));
  if ('code' in found) return refused(found.detail, found.code);
  const bad = urlIn(given);
  if (bad !== undefined) return refused(bad, 'input.url');
  const read = isObject(given) ? given : { value: given };
  const said = screen.decide!({ ...CALL_VIEW, args: read } as unknown as CallView, SCREEN, state) as Verdict<Inputs>;
  if (said.kind !== 'pass' || said.ask === undefined) return PASS;
  return {
    verdict: 'hold',
    findings: [{ code: said.ask, severity: 'high', evidence: 'reads like instructions to a model' }],
  };
}

/** What is wrong with the first URL in a field whose name says that it is one: a list has the name of its field. */
function urlIn(value: Json, named = false): string | undefined {
  if (typeof value === 'string') return named ? urlFault(value) : undefined;
  if (Array.isArray(value)) return first(value, (item) => urlIn(item, named));
  if (!isObject(value)) return undefined;
  return first(Object.entries(value), ([name, item]) =>
    urlIn(item, URL_NAME.test(name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase())),
  );
}

function first<T>(items: readonly T[], find: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function refused(evidence: string | undefined, code: string): Inspected {
  return evidence === undefined ? PASS : { verdict: 'stop', findings: [{ code, severity: 'high', evidence }] };
}

/** Of kinds that are objects a text may be one, written out. */
function structured(row: JsonObject): Json {
  const value = valueOf(row);
  if (typeof value !== 'string') return value;
  const parsed = parseJson(Buffer.from(value), TEXT_CAPS);
  return parsed.ok && typeof parsed.value === 'object' && parsed.value !== null ? parsed.value : value;
}
const TEXT_CAPS = { maxBytes: MOST, maxDepth: 256, maxString: MOST, maxMembers: 1_000_000 };

function valueOf(row: JsonObject): Json {
  return row.json === undefined ? textOf(row) : row.json;
}

function textOf(row: JsonObject): string {
  if (row.b64 !== undefined || row.gen !== undefined) return Buffer.from(bytesOf(row)).toString('utf8');
  if (typeof row.text === 'string') return row.text;
  if (Array.isArray(row.parts) && row.parts.every((part) => typeof part === 'string')) return row.parts.join('');
  if (typeof row.json === 'string') return row.json;
  if (row.json !== undefined) return JSON.stringify(row.json);
  throw new RowFault('no content');
}

function bytesOf(row: JsonObject): Uint8Array {
  if (typeof row.b64 === 'string') {
    if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(row.b64)) throw new RowFault('no base64');
    return Buffer.from(row.b64, 'base64');
  }
  if (isObject(row.gen)) {
    const { repeat, count } = row.gen;
    if (typeof repeat !== 'string' || !Number.isSafeInteger(count) || (count as number) < 0)
      throw new RowFault('no such gen');
    if (repeat.length * (count as number) > MOST) throw new RowFault('too long');
    return Buffer.from(repeat.repeat(count as number));
  }
  return Buffer.from(textOf(row));
}
