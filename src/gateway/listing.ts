/**
 * Answers listings and discovery from the lockfile: what an upstream says of itself today is never passed on.
 * The OUT row `policy` then keeps what the caller may see (guarantees AZ3, NV1).
 */
import type { Call, Handler, PinKind, Pinned, Result } from '../core/call.ts';
import type { Snapshot } from '../core/ports.ts';
import type { JsonObject } from '../lib/json/types.ts';
import { VERSION } from './version.ts';

const LISTS: Readonly<Record<string, { kind: PinKind; member: string }>> = {
  'tools/list': { kind: 'tool', member: 'tools' },
  'prompts/list': { kind: 'prompt', member: 'prompts' },
  'resources/list': { kind: 'resource', member: 'resources' },
  'resources/templates/list': { kind: 'template', member: 'resourceTemplates' },
};

/** Who Doorward says it is; the upstream's own name is unverified and stays inside. */
export const SERVER_INFO: JsonObject = { name: 'doorward', version: VERSION };

export function isListing(method: string): boolean {
  return method === 'server/discover' || method in LISTS;
}

/** Revisions served downstream, newest first; the codec of each era knows only its own. */
export function listings(snapshot: Snapshot, versions: readonly string[]): Handler {
  const answer = (call: Call): Result => {
    const list = LISTS[call.method];
    const shelf = (kind: PinKind): readonly Pinned[] => snapshot.shelf.list(call.upstream, kind);
    if (list) return result({ [list.member]: shelf(list.kind).map((pin) => pin.descriptor as JsonObject) });
    const capabilities: JsonObject = { tools: {} };
    if (shelf('prompt').length > 0) capabilities['prompts'] = {};
    if (shelf('resource').length + shelf('template').length > 0) capabilities['resources'] = {};
    const instructions = snapshot.shelf.instructions(call.upstream);
    return result({
      supportedVersions: [...versions],
      capabilities,
      ...(instructions !== undefined && { instructions }),
      _meta: { 'io.modelcontextprotocol/serverInfo': SERVER_INFO },
    });
  };
  return Object.assign(answer, { local: true as const });
}

/** Identity and policy shape every listing: never shared, never kept (specification 2026-07-28, server/utilities/caching). */
function result(value: JsonObject): Result {
  return { kind: 'result', value: { resultType: 'complete', ...value, ttlMs: 0, cacheScope: 'private' } };
}
