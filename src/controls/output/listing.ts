/** Listings: only reviewed things leave, and of them only what was reviewed (guarantee NV1). */
import type { CallView, PinKind, Pinned } from '../../core/call.ts';
import { shown } from '../../core/extensions.ts';
import { canonical } from '../../lib/json/canonical.ts';
import { isObject, type Json, type JsonObject } from '../../lib/json/types.ts';
import { isBelow } from '../../lib/traversal.ts';
import type { Rules } from './rules.ts';

const LISTS: ReadonlyMap<string, readonly [member: string, kind: PinKind, namedBy: string]> = new Map([
  ['tools/list', ['tools', 'tool', 'name']],
  ['prompts/list', ['prompts', 'prompt', 'name']],
  ['resources/list', ['resources', 'resource', 'uri']],
  ['resources/templates/list', ['resourceTemplates', 'template', 'uriTemplate']],
]);

/** The same object when every entry is what was reviewed, word for word. */
export function reviewedOnly(call: CallView, rules: Rules, value: JsonObject): JsonObject {
  const list = LISTS.get(call.method);
  if (!list) return value;
  const [member, kind, namedBy] = list;
  const entries = value[member] as Json[];
  const pins = rules.pins.get(call.upstream);
  const prefixes = kind === 'resource' ? (rules.prefixes.get(call.upstream) ?? []) : [];
  const apps = call.extensions?.includes('apps') === true;
  const kept = entries.flatMap((entry) => {
    const name = isObject(entry) ? entry[namedBy] : undefined;
    if (typeof name !== 'string') return [];
    const pin = pins?.get(`${kind} ${name}`);
    if (pin) {
      const told = promising(pin, rules, shown(pin, apps));
      return told === undefined ? [] : [same(entry, told) ? entry : told];
    }
    return prefixes.some((prefix) => isBelow(prefix.name, name)) ? [plainResource(entry as JsonObject, name)] : [];
  });
  const unchanged = kept.length === entries.length && kept.every((entry, i) => entry === entries[i]);
  const { _meta, ...rest } = value;
  return unchanged && _meta === undefined ? value : { ...rest, [member]: kept };
}

/** Clients refuse what does not fit the output schema: one that is not kept is not told. */
function promising({ upstream, name }: Pinned, rules: Rules, told: JsonObject | undefined): JsonObject | undefined {
  if (!told?.outputSchema || !rules.structures.get(upstream)?.get(name)?.partial) return told;
  const { outputSchema: _, ...rest } = told;
  return rest;
}

function same(entry: Json, told: JsonObject): boolean {
  return entry === told || canonical(entry) === canonical(told);
}

/** Below a reviewed folder the URI is covered; names and descriptions are the server's words, which nobody read. */
function plainResource(entry: JsonObject, uri: string): JsonObject {
  const { mimeType } = entry;
  const plain: JsonObject = { uri, name: uri.slice(uri.lastIndexOf('/') + 1) || uri };
  if (typeof mimeType === 'string' && /^[a-z]{1,20}\/[a-z0-9.+-]{1,80}$/.test(mimeType)) plain.mimeType = mimeType;
  return Object.keys(plain).length === Object.keys(entry).length && canonical(plain) === canonical(entry)
    ? entry
    : plain;
}
