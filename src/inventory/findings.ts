/** What a reviewer must see before pinning a thing: hidden text, odd names, schemas that cannot or should not be served. */
import type { PinKind } from '../core/call.ts';
import { judgeDescriptor } from '../detect/injection/descriptor.ts';
import { findInvisible } from '../detect/invisible.ts';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import { judgeSchema, pointer } from '../lib/schema/index.ts';
import { escapeText } from '../lib/text.ts';
import { isSafeUri } from '../lib/traversal.ts';
import { uriTemplate } from '../lib/uri-template.ts';
import { annotationFaults } from '../wire/annotations.ts';
import { mayStall } from './backtracking.ts';
import { looksLikeAgent } from './guess.ts';
import { isPlainName, nearName } from './names.ts';
import { type Other, twinOf } from './twins.ts';
import { isPrefix } from './uri.ts';

export interface Finding {
  readonly code:
    | 'inventory.hidden-text'
    | 'inventory.name'
    | 'inventory.near-name'
    | 'inventory.twin'
    | 'inventory.pattern'
    | 'inventory.uri'
    | 'inventory.schema'
    | 'inventory.open'
    | 'inventory.note'
    | 'inventory.agent'
    | 'inventory.header'
    | 'screen.poisoned';
  readonly severity: 'critical' | 'high' | 'medium' | 'low' | 'note';
  /** Member of the descriptor as a JSON pointer; for `inventory.open` the pointer an exception would list. */
  readonly at: string;
  /** One sentence; texts from outside are escaped. */
  readonly text: string;
  readonly fix: string;
  /** True: the thing cannot be pinned as it is. */
  readonly refused: boolean;
}

/** Findings for a reader: more than these of one thing tell nobody more. */
const MAX_FINDINGS = 50;

/** `others`: things of the same kind that are reviewed already, of other upstreams. Highest severity first. */
export function findingsOf(
  kind: PinKind,
  name: string,
  descriptor: JsonObject,
  others: Iterable<Other> = [],
): Finding[] {
  const around = [...others];
  const known = around.map((other) => other.name);
  const out = [...nameFindings(kind, name, known), ...hiddenText(descriptor), ...poison(name, descriptor, known)];
  if (kind === 'tool') out.push(...twins(name, descriptor, around), ...stalling(descriptor), ...agents(descriptor));
  for (const member of ['inputSchema', 'outputSchema'] as const) {
    if (kind === 'tool' && descriptor[member] !== undefined) out.push(...schemaFindings(member, descriptor[member]));
  }
  if (kind === 'tool' && descriptor.inputSchema === undefined) {
    out.push(
      finding('inventory.schema', 'high', '/inputSchema', 'the tool has no input schema', 'ask its author', true),
    );
  }
  if (kind === 'tool' && isObject(descriptor.inputSchema) && !out.some(({ refused }) => refused)) {
    for (const { at, text } of annotationFaults(descriptor.inputSchema)) {
      const where = `/inputSchema${escapeText(at, 200)}`;
      out.push(finding('inventory.header', 'high', where, text, 'leave it out, or ask its author', true));
    }
  }
  const rank = ['critical', 'high', 'medium', 'low', 'note'];
  return out.sort((a, b) => rank.indexOf(a.severity) - rank.indexOf(b.severity)).slice(0, MAX_FINDINGS);
}

/** Hidden text in the server's own instructions. */
export function instructionFindings(text: string): Finding[] {
  return hiddenText({ instructions: text });
}

/** Texts that speak to a model past its user, or about other tools. High is held: it is not pinned. */
function poison(name: string, descriptor: JsonObject, others: readonly string[]): Finding[] {
  const { severity, evidence } = judgeDescriptor(name, descriptor, others);
  if (severity !== 'medium' && severity !== 'high') return [];
  const told = evidence
    .slice(0, 3)
    .map(({ says, text }) => (text === '' ? says : `${says} (${escapeText(text, 120)})`));
  const fix = severity === 'high' ? 'leave it out, or ask its author' : 'read the description before you agree';
  return [finding('screen.poisoned', severity, '/description', told.join('; '), fix, severity === 'high')];
}

/** Tools that pass for one of another upstream. */
function twins(name: string, descriptor: JsonObject, others: readonly Other[]): Finding[] {
  const twin = twinOf(name, descriptor, others);
  if (twin === undefined) return [];
  const other = escapeText(twin.name, 128);
  return twin.how === 'copy'
    ? [
        finding(
          'inventory.twin',
          'medium',
          '/name',
          `passes for the tool ${other}`,
          'make sure that both are meant',
          false,
        ),
      ]
    : [finding('inventory.twin', 'low', '/name', 'another upstream has a tool of this name', 'nothing to do', false)];
}

/** A guess: which agent it is no server can say, so a person does. */
function agents(descriptor: JsonObject): Finding[] {
  if (!looksLikeAgent(descriptor)) return [];
  const fix = 'if it is one: add `agent: <its id>` to its facts in doorward.lock, and `until` to its grants';
  return [finding('inventory.agent', 'note', '/name', 'a guess: this may be another agent', fix, false)];
}

/** Patterns of the input schema that stall clients and servers whose engines backtrack. */
function stalling(descriptor: JsonObject): Finding[] {
  const out: Finding[] = [];
  const walk = (value: Json, path: readonly string[]): void => {
    if (out.length >= MAX_FINDINGS || typeof value !== 'object' || value === null) return;
    for (const [name, member] of Object.entries(value)) {
      const here = [...path, name];
      if (name === 'pattern' && typeof member === 'string' && mayStall(member)) {
        const at = escapeText(pointer(here), 200);
        const text = 'the pattern takes exponential time where engines backtrack';
        out.push(finding('inventory.pattern', 'high', at, text, 'ask its author', false));
      } else walk(member as Json, here);
    }
  };
  walk(descriptor.inputSchema ?? null, ['inputSchema']);
  return out;
}

/** A package whose name is one slip away from a known one (guarantee NV2). */
export function packageFindings(name: string, known: Iterable<string>): Finding[] {
  const near = nearName(name, known);
  if (near === undefined) return [];
  const text = `the package name is one slip away from ${escapeText(near, 128)}`;
  return [finding('inventory.near-name', 'high', '/package', text, 'make sure that this is the one you mean', false)];
}

function nameFindings(kind: PinKind, name: string, others: Iterable<string>): Finding[] {
  const shown = escapeText(name, 128);
  if (kind === 'resource' || kind === 'template') {
    const good =
      kind === 'template' ? uriTemplate(name) !== undefined : isSafeUri(isPrefix(name) ? name.slice(0, -1) : name);
    if (good) return [];
    return [
      finding(
        'inventory.uri',
        'high',
        '/uri',
        `${shown} is not a URI that can be matched safely`,
        'leave it out',
        kind === 'resource',
      ),
    ];
  }
  if (!isPlainName(name)) {
    const text = `the name ${shown} has other characters than letters, digits, _ . - (1 to 128)`;
    return [finding('inventory.name', 'high', '/name', text, 'leave it out, or ask its author', true)];
  }
  const near = nearName(name, others);
  if (near === undefined) return [];
  const text = `the name is one slip away from ${escapeText(near, 128)}`;
  return [finding('inventory.near-name', 'medium', '/name', text, 'make sure that this is the one you mean', false)];
}

/** Every text and every name in the descriptor, however deep. */
function hiddenText(descriptor: JsonObject): Finding[] {
  const out: Finding[] = [];
  const look = (text: string, path: readonly string[]): void => {
    const found = findInvisible(text, 100);
    if (found.length === 0 || out.length >= MAX_FINDINGS) return;
    const what = `${found.length === 100 ? '100 or more' : found.length} hidden characters (${found[0]!.kind} U+${found[0]!.codePoint.toString(16).toUpperCase().padStart(4, '0')})`;
    out.push(finding('inventory.hidden-text', 'critical', escapeText(pointer(path), 200), what, 'leave it out', true));
  };
  const walk = (value: Json, path: readonly string[]): void => {
    if (typeof value === 'string') look(value, path);
    else if (Array.isArray(value)) value.forEach((item, i) => walk(item, [...path, String(i)]));
    else if (isObject(value)) {
      for (const [name, member] of Object.entries(value)) {
        look(name, [...path, name]);
        walk(member, [...path, name]);
      }
    }
  };
  walk(descriptor, []);
  return out;
}

function schemaFindings(member: string, schema: Json): Finding[] {
  if (!isObject(schema)) {
    return [finding('inventory.schema', 'high', `/${member}`, 'not a JSON Schema', 'ask its author', true)];
  }
  return judgeSchema(schema).flatMap(({ severity, at, detail }): Finding[] => {
    const where = escapeText(at, 200);
    if (severity === 'refused') {
      return [
        finding('inventory.schema', 'high', `/${member}${where}`, detail, 'leave it out, or ask its author', true),
      ];
    }
    if (severity === 'note')
      return [finding('inventory.note', 'note', `/${member}${where}`, detail, 'nothing to do', false)];
    if (member !== 'inputSchema') return [];
    const fix = `refused by default; list ${where === '' ? "''" : where} under exceptions.additional to allow`;
    return [finding('inventory.open', 'low', where, detail, fix, false)];
  });
}

function finding(
  code: Finding['code'],
  severity: Finding['severity'],
  at: string,
  text: string,
  fix: string,
  refused: boolean,
): Finding {
  return { code, severity, at, text, fix, refused };
}
