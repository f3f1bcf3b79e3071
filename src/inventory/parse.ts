/** Reads `doorward.lock`. Every fault has a line and a fix; a descriptor that was edited by hand is a fault. */
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { z } from 'zod';
import type { Exceptions, Facts, PinKind, Pinned, Sealing } from '../core/call.ts';
import { parseJson, REPLY_CAPS } from '../lib/json/scan.ts';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import { Places } from '../lib/schema/index.ts';
import { escapeText } from '../lib/text.ts';
import { descriptorDigest, nameOf, pinnedPart } from './digest.ts';
import { type Lock, SECTIONS, sorted, type UpstreamLock } from './lock.ts';
import { SealFault, shownTo } from './sealed.ts';

export interface LockFault {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly fix: string;
}

export class LockError extends Error {
  readonly faults: readonly LockFault[];
  constructor(faults: readonly LockFault[]) {
    super(faults.map((fault) => `${fault.line}:${fault.column}: ${fault.message}`).join('\n'));
    this.faults = faults;
  }
}

/** Bytes of the file. */
const MAX_LOCK = 16 << 20;
const REVIEW = 'run doorward review to write it again';

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'a digest is sha256: and 64 hex digits');
const pointer = z.string().refine((text) => {
  try {
    return new Places([text]).size === 1;
  } catch {
    return false;
  }
}, 'not a JSON pointer (/a/b, * for any item)');
const pointers = z.array(pointer);
const count = z
  .number()
  .int()
  .min(1)
  .max(1 << 26);
const thing = z.strictObject({
  name: z.string().min(1),
  digest,
  facts: z.strictObject({
    reads: z.boolean(),
    writes: z.boolean(),
    destructive: z.boolean(),
    executes: z.boolean(),
    sendsOut: z.boolean(),
    untrusted: z.boolean().optional(),
    private: z.boolean().optional(),
    agent: z
      .string()
      .min(1)
      .max(512)
      .refine((id) => escapeText(id) === id, 'the id of an agent, as its credential has it')
      .optional(),
  }),
  exceptions: z
    .strictObject({
      additional: pointers.optional(),
      invisible: pointers.optional(),
      digits: pointers.optional(),
      paths: z.array(z.strictObject({ pointer, root: z.string() })).optional(),
      code: pointers.optional(),
      urls: pointers.optional(),
      negative: pointers.optional(),
      maxString: count.optional(),
      maxItems: count.optional(),
      maxDepth: z.number().int().min(1).max(64).optional(),
    })
    .default({}),
  cap: count.optional(),
  seal: z
    .strictObject({
      results: pointers.min(1).optional(),
      arguments: pointers.min(1).optional(),
      require: z.boolean().optional(),
      to: z.array(z.string().min(1)).min(1).optional(),
      minutes: z.int().min(1).max(10_080).optional(),
    })
    .refine(({ results, arguments: args }) => (results ?? args) !== undefined, 'name results or arguments')
    .optional(),
  descriptor: z.string(),
});
const things = z.array(thing).default([]);
const upstream = z.strictObject({
  package: z.strictObject({ name: z.string().min(1), version: z.string().min(1), digest }).optional(),
  server: z.strictObject({ url: z.string().min(1), pins: z.array(z.string().min(1)).default([]) }).optional(),
  instructions: z.string().optional(),
  stateless: z.literal(true).optional(),
  tools: things,
  prompts: things,
  resources: things,
  templates: things,
});
const file = z.strictObject({ 'doorward-lock': z.literal(1), upstreams: z.record(z.string(), upstream) });
type Path = readonly (string | number)[];

/** Throws LockError with every fault found. */
export function parseLock(text: string): Lock {
  const lines = new LineCounter();
  if (text.length > MAX_LOCK)
    throw new LockError([{ line: 1, column: 1, message: 'the file is too large', fix: REVIEW }]);
  // A warning of the parser would show text of the file as it is.
  const quiet = { logLevel: 'error' } as const;
  const doc = parseDocument(text, { lineCounter: lines, uniqueKeys: true, version: '1.2', strict: true, ...quiet });
  const faults: LockFault[] = [];
  const fault = (path: Path, message: string, fix: string): void => {
    const { line, col } = lines.linePos(offset(doc, path));
    faults.push({ line: Math.max(1, line), column: Math.max(1, col), message, fix });
  };
  for (const error of doc.errors) {
    const { line, col } = lines.linePos(error.pos[0]);
    faults.push({
      line,
      column: col,
      message: error.message.split('\n')[0]!.replace(/ at line \d+.*$/, ''),
      fix: REVIEW,
    });
  }
  if (faults.length > 0) throw new LockError(faults);
  let value: unknown;
  try {
    value = doc.toJS({ maxAliasCount: 0 });
  } catch {
    throw new LockError([{ line: 1, column: 1, message: 'aliases are not allowed', fix: REVIEW }]);
  }
  const read = file.safeParse(value);
  if (!read.success) {
    for (const issue of read.error.issues) fault(issue.path as Path, escapeText(issue.message, 200), REVIEW);
    throw new LockError(faults);
  }
  const upstreams = new Map<string, UpstreamLock>();
  for (const [name, entry] of Object.entries(read.data.upstreams)) {
    const at: Path = ['upstreams', name];
    const pinned: Pinned[] = [];
    const seen = new Set<string>();
    for (const [section, kind] of SECTIONS) {
      for (const [i, raw] of entry[section as 'tools'].entries()) {
        const made = readThing(kind, name, raw, (part, message, fix) => fault([...at, section, i, part], message, fix));
        if (!made) continue;
        const stranger = raw.seal?.to?.find((to) => !Object.hasOwn(read.data.upstreams, to));
        if (stranger !== undefined)
          fault(
            [...at, section, i, 'seal'],
            `no upstream \`${escapeText(stranger, 64)}\` here`,
            'mend the name in `to`',
          );
        if (seen.has(`${kind} ${made.name}`)) fault([...at, section, i, 'name'], 'pinned twice', 'remove one of them');
        seen.add(`${kind} ${made.name}`);
        pinned.push(made);
      }
    }
    if (entry.stateless && entry.server) fault([...at, 'stateless'], 'only a package is shared', 'remove the line');
    if (entry.package && entry.server) fault([...at, 'server'], 'both a package and a server', REVIEW);
    const spoken = entry.instructions === undefined ? undefined : readLines(entry.instructions);
    if (entry.instructions !== undefined && spoken === undefined) {
      fault([...at, 'instructions'], 'not a JSON list of lines', REVIEW);
    }
    upstreams.set(name, {
      ...(entry.package && { package: entry.package }),
      ...(entry.server && { server: entry.server }),
      ...(spoken !== undefined && { instructions: spoken }),
      ...(entry.stateless && { stateless: true }),
      things: sorted(pinned),
    });
  }
  if (faults.length > 0) throw new LockError(faults);
  return { upstreams };
}

function readThing(
  kind: PinKind,
  upstreamName: string,
  raw: z.infer<typeof thing>,
  fault: (part: string, message: string, fix: string) => void,
): Pinned | undefined {
  const descriptor = readJson(raw.descriptor);
  if (!isObject(descriptor)) {
    fault('descriptor', 'not a JSON object', REVIEW);
    return undefined;
  }
  if (nameOf(kind, descriptor) !== raw.name) fault('name', 'differs from the name in the descriptor', REVIEW);
  else if (Object.keys(pinnedPart(kind, descriptor)).length !== Object.keys(descriptor).length) {
    fault('descriptor', 'holds members that are not pinned', REVIEW);
  } else if (descriptorDigest(kind, descriptor) !== raw.digest) {
    fault('digest', 'does not belong to this descriptor: one of them was edited', REVIEW);
  }
  // What is handed to an agent is looked at in arguments; a URI is none.
  if (raw.facts.agent !== undefined && kind !== 'tool' && kind !== 'prompt')
    fault('facts', 'an agent is reached as a tool or a prompt', 'take `agent` out, and grant its tool instead');
  if (raw.seal && kind !== 'tool') fault('seal', 'only tools have fields', 'leave it out');
  const made = freeze({
    kind,
    upstream: upstreamName,
    name: raw.name,
    digest: raw.digest,
    descriptor,
    facts: stated(raw.facts),
    exceptions: Object.fromEntries(Object.entries(raw.exceptions).filter(([, v]) => v !== undefined)) as Exceptions,
    ...(raw.cap !== undefined && { cap: raw.cap }),
    ...(raw.seal && {
      seal: Object.fromEntries(Object.entries(raw.seal).filter(([, v]) => v !== undefined)) as Sealing,
    }),
  });
  try {
    shownTo(made);
  } catch (error) {
    if (!(error instanceof SealFault)) throw error;
    const text = `no schema of this tool names ${escapeText(error.message, 200)}`;
    fault('seal', text, 'name a field that its reviewed input or output schema describes');
  }
  return made;
}

/** Without what the reviewer left open. */
function stated({ untrusted, private: secret, agent, ...facts }: z.infer<typeof thing>['facts']): Facts {
  return {
    ...facts,
    ...(untrusted !== undefined && { untrusted }),
    ...(secret !== undefined && { private: secret }),
    ...(agent !== undefined && { agent }),
  };
}

function readJson(text: string): Json | undefined {
  const parsed = parseJson(Buffer.from(text, 'utf8'), REPLY_CAPS);
  return parsed.ok ? parsed.value : undefined;
}

function readLines(text: string): string | undefined {
  const value = readJson(text);
  const good = Array.isArray(value) && value.every((line) => typeof line === 'string' && !line.includes('\n'));
  return good ? value.join('\n') : undefined;
}

/** Deep: a pin outlives the call that it judges, and is shared by all. */
function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value as JsonObject)) freeze(member);
  }
  return value;
}

/** Where the value at `path`, or the deepest part of it that exists, begins. */
function offset(doc: Document, path: Path): number {
  let node = doc.contents as Node | null;
  let at = node?.range?.[0] ?? 0;
  for (const part of path) {
    let next: unknown;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && item.key.value === part);
      at = (pair?.key as Node | undefined)?.range?.[0] ?? at;
      next = pair?.value;
    } else if (isSeq(node)) next = node.items[part as number];
    if (!next) return at;
    node = next as Node;
    if (!isScalar(node)) at = node.range?.[0] ?? at;
  }
  return at;
}
