/**
 * Case files of a control: `*.case.yaml` beside its tests. A file holds
 *   pinned: things as in doorward.lock (digest and facts may be left out)
 *   config: the control's own block
 *   cases:  a call (or a message from upstream) and the verdict that must come
 * A value `{$repeat: text, count: n}` stands for the text n times, `{$nest: n}` for n lists inside each other,
 * `{$join: [..]}` for one text of parts (so that secret scanners do not trip), `{$base64: text}` for a text as base64,
 * `{$items: n}` for a list of n ones, `{$digits: text}` for a number by its digits.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Call, CallView, Family, PinKind, Pinned, Target } from '../../src/core/call.ts';
import type { State } from '../../src/core/state.ts';
import type { Json, JsonObject } from '../../src/lib/json/types.ts';

export interface Expected {
  readonly kind: 'pass' | 'edit' | 'stop';
  readonly code?: string;
  readonly detail?: string;
  readonly what?: string;
  readonly value?: Json;
}
export interface Case {
  readonly name: string;
  /** Name of a pinned thing; `uri` is the URI that was asked for. */
  readonly target?: string;
  readonly uri?: string;
  readonly method?: string;
  readonly family?: Family;
  readonly args?: Json;
  readonly answers?: JsonObject;
  /** What the upstream sends: `result`, `error`, or a notification. */
  readonly result?: JsonObject;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Json };
  readonly notification?: { readonly method: string; readonly params: JsonObject };
  readonly config?: JsonObject;
  readonly expect: Expected;
}
export interface CaseFile {
  readonly file: string;
  readonly config: JsonObject;
  readonly pinned: readonly Pinned[];
  readonly cases: readonly Case[];
}

const NO_FACTS = { reads: true, writes: false, destructive: false, executes: false, sendsOut: false };
const FAMILIES: Readonly<Record<PinKind, readonly [Family, string]>> = {
  tool: ['call', 'tools/call'],
  prompt: ['get', 'prompts/get'],
  resource: ['read', 'resources/read'],
  template: ['read', 'resources/read'],
};

export function caseFiles(folder: string): CaseFile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.case.yaml'))
    .map((name) => {
      const read = grow(parse(readFileSync(join(folder, name), 'utf8'))) as unknown as {
        config?: JsonObject;
        pinned: (Partial<Pinned> & Pick<Pinned, 'kind' | 'name'>)[];
        cases: Case[];
      };
      const pinned = read.pinned.map((pin) => ({
        upstream: 'files',
        digest: `sha256:${'0'.repeat(64)}`,
        descriptor: {},
        facts: NO_FACTS,
        exceptions: {},
        ...pin,
      }));
      return { file: name, config: read.config ?? {}, pinned, cases: read.cases };
    });
}

/** The call of a case, as a control sees it. */
export function callOf(file: CaseFile, made: Case): CallView {
  const pin = file.pinned.find((one) => one.name === made.target);
  if (made.target !== undefined && !pin) throw new Error(`no pinned thing is named ${made.target}`);
  const target: Target = pin
    ? made.uri === undefined
      ? pin
      : { ...pin, uri: made.uri }
    : { kind: 'route', name: 'files' };
  const [family, method] = pin ? FAMILIES[pin.kind] : (['list', 'tools/list'] as const);
  return view({
    target,
    family: made.family ?? family,
    method: made.method ?? method,
    args: made.args ?? {},
    ...(made.answers && { resume: { answers: made.answers } }),
  });
}

export function view(some: Partial<Call> & Pick<Call, 'target'>): CallView {
  return Object.freeze({
    id: '01TEST',
    at: 0,
    trace: {},
    tenant: 'local',
    peer: { listener: 'stdio', address: '-' },
    caller: {
      tenant: 'local',
      subject: 'me',
      agent: [],
      groups: [],
      scopes: [],
      issuer: '-',
      how: 'local',
      strength: { amr: [] },
      credential: '-',
      claims: {},
    },
    claimed: { capabilities: {} },
    route: 'files',
    upstream: 'files',
    method: 'tools/call',
    family: 'call',
    args: {},
    asked: [],
    lane: JSON.stringify(['files', 'default', 'alice', [], '-', '-']),
    taint: [],
    rulesId: '-',
    ...some,
  } as CallView);
}

/** A state that only has scratch: for controls that remember nothing else. */
export function scratchOnly(): State {
  const kept = new Map<string, Record<string, unknown>>();
  const scratch = (call: string, control: string) => {
    const key = `${call} ${control}`;
    if (!kept.has(key)) kept.set(key, {});
    return kept.get(key)!;
  };
  return { scratch } as unknown as State;
}

function grow(value: unknown): Json {
  if (Array.isArray(value)) return value.map(grow);
  if (typeof value !== 'object' || value === null) return value as Json;
  const made = value as Record<string, unknown>;
  if (Array.isArray(made.$join)) return made.$join.map(grow).join('');
  if (typeof made.$base64 === 'string') return Buffer.from(made.$base64).toString('base64');
  if (typeof made.$repeat === 'string') return made.$repeat.repeat(Number(made.count));
  if (typeof made.$items === 'number') return Array.from({ length: made.$items }, () => 1);
  if (typeof made.$members === 'number') {
    return Object.fromEntries(Array.from({ length: made.$members }, (_, i) => [`m${i}`, 1]));
  }
  if (typeof made.$nest === 'number') {
    let nested: Json = 1;
    for (let i = 0; i < made.$nest; i++) nested = [nested];
    return nested;
  }
  if (typeof made.$digits === 'string')
    return (JSON as unknown as { rawJSON(text: string): Json }).rawJSON(made.$digits);
  return Object.fromEntries(Object.entries(made).map(([name, member]) => [name, grow(member)]));
}
