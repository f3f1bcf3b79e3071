/**
 * Answers listings and discovery. Tools, prompts and templates come from the lockfile: what an upstream says of them
 * today is never passed on. Resources are asked for, and what was not reviewed is left out. The OUT rows `policy` and
 * `output` then look at every entry again (guarantees AZ3, NV1).
 */
import type { Rules as OutputRules } from '../controls/output/rules.ts';
import type { Call, Handler, PinKind, Pinned, Result } from '../core/call.ts';
import { declared, isApp, shown } from '../core/extensions.ts';
import type { Snapshot } from '../core/ports.ts';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';
import { FLOW } from '../wire/eras/modern.ts';
import { handleOf } from './flow.ts';
import { isOnePage, page, type Sealing } from './pages.ts';
import { VERSION } from './version.ts';
import { KINDS, visible, visibleResource } from './visible.ts';

const LISTS: Readonly<Record<string, { kind: PinKind; member: string }>> = {
  'tools/list': { kind: 'tool', member: 'tools' },
  'prompts/list': { kind: 'prompt', member: 'prompts' },
  'resources/list': { kind: 'resource', member: 'resources' },
  'resources/templates/list': { kind: 'template', member: 'resourceTemplates' },
};
/** A page leaves this share of the result cap to the rest of the answer. */
const SHARE = 0.75;

/** Who Doorward says it is; the upstream's own name is unverified and stays inside. */
export const SERVER_INFO: JsonObject = { name: 'doorward', version: VERSION };

export interface ListingParts extends Sealing {
  /** Revisions served downstream, newest first; the codec of each era knows only its own. */
  readonly versions: readonly string[];
  /** Asks an upstream. */
  readonly lane: Handler;
}

export function isListing(method: string): boolean {
  return method === 'server/discover' || method in LISTS;
}

/** One handler for each listing call; it must be the snapshot that judged the call. */
export function listings(snapshot: Snapshot, parts: ListingParts): (call: Call) => Handler {
  const bytes = ((snapshot.of('output') as Partial<OutputRules>).cap ?? 262_144) * SHARE;
  const local = Object.assign(
    (call: Call): Result => (call.method === 'server/discover' ? discover(call) : reviewed(call)),
    { local: true as const },
  );

  function discover(call: Call): Result {
    const [tools, prompts, resources, templates] = KINDS.map((kind) => visible(snapshot, call, kind).length > 0);
    const instructions = snapshot.shelf.instructions(call.upstream);
    const extensions = snapshot.extensions?.get(call.upstream);
    const capabilities: JsonObject = {
      tools: { listChanged: true },
      logging: {},
      ...(prompts && { prompts: { listChanged: true } }),
      ...((resources || templates) && { resources: { listChanged: true, subscribe: true } }),
      ...((prompts || templates) && { completions: {} }),
      ...(extensions && { extensions: declared(extensions) }),
    };
    return result({
      supportedVersions: [...parts.versions],
      capabilities,
      ...(instructions !== undefined && (tools || prompts || resources || templates) && { instructions }),
      _meta: { 'io.modelcontextprotocol/serverInfo': SERVER_INFO, [FLOW]: handleOf(call, parts) },
    });
  }

  function reviewed(call: Call): Result {
    const { kind, member } = LISTS[call.method]!;
    const apps = call.extensions?.includes('apps') === true;
    const all = descriptors(snapshot.shelf.list(call.upstream, kind), apps);
    // What the reader may not see must not show in how full a page is.
    const few = isOnePage(call, all, bytes);
    return paged(call, member, few ? all : descriptors(visible(snapshot, call, kind), apps));
  }

  /** Everything that the upstream lists now, in a fixed order, without what was not reviewed. */
  const resources: Handler = async (call, io) => {
    const reply = await parts.lane(call, io);
    if (reply.kind === 'error') return reply;
    const { resources: said } = reply.value;
    const known = new Map<string, JsonObject>();
    const apps = call.extensions?.includes('apps') === true;
    for (const entry of Array.isArray(said) ? said : []) {
      const uri = uriOf(entry);
      const pin = uri === undefined || known.has(uri) ? undefined : visibleResource(snapshot, call, uri);
      if (pin && uri !== undefined && (apps || !isApp({ ...pin, uri }))) known.set(uri, entry as JsonObject);
    }
    const all = [...known.keys()].sort().map((uri) => known.get(uri)!);
    return paged(call, 'resources', all);
  };

  function paged(call: Call, member: string, all: readonly JsonObject[]): Result {
    const { entries, nextCursor } = page(call, all, bytes, parts);
    return result({ [member]: entries as Json[], ...(nextCursor !== undefined && { nextCursor }) });
  }

  return (call) =>
    call.method === 'resources/list' && snapshot.shelf.list(call.upstream, 'resource').length > 0 ? resources : local;
}

function descriptors(pins: readonly Pinned[], apps: boolean): JsonObject[] {
  return pins.map((pin) => shown(pin, apps)).filter((one) => one !== undefined);
}

function uriOf(entry: Json): string | undefined {
  const uri = isObject(entry) ? entry['uri'] : undefined;
  return typeof uri === 'string' ? uri : undefined;
}

/** Identity and policy shape every listing: never shared, never kept (protocol 2026-07-28, caching). */
function result(value: JsonObject): Result {
  return { kind: 'result', value: { resultType: 'complete', ...value, ttlMs: 0, cacheScope: 'private' } };
}
