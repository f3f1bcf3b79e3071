/** The lock as the gateway asks it: a name, or a URI, to one reviewed thing that is not held. */
import type { Family, PinKind, Pinned } from '../core/call.ts';
import type { Found, Shelf } from '../core/ports.ts';
import type { Bundles } from '../core/rules.ts';
import { isSafeUri } from '../lib/traversal.ts';
import { type UriTemplate, uriTemplate } from '../lib/uri-template.ts';
import type { Holds } from './holds.ts';
import type { Lock } from './lock.ts';
import { isPrefix, underPrefix } from './uri.ts';

interface Shelved {
  readonly named: Readonly<Record<PinKind, ReadonlyMap<string, Pinned>>>;
  /** Longest first: the narrowest reviewed folder answers. */
  readonly prefixes: readonly Pinned[];
  readonly templates: readonly { readonly pin: Pinned; readonly template: UriTemplate }[];
  readonly instructions: string | undefined;
}

const UNKNOWN: Found = Object.freeze({ kind: 'unknown' });
const HELD: Found = Object.freeze({ kind: 'held' });

export function shelf(lock: Lock, holds: Holds, bundles: Bundles = new Map()): Shelf {
  const upstreams = new Map([...lock.upstreams].map(([name, entry]) => [name, shelve(entry)]));

  function answer(pin: Pinned | undefined, uri?: string): Found {
    if (pin === undefined) return UNKNOWN;
    if (holds.has(pin.upstream, pin.kind, pin.name)) return HELD;
    return { kind: 'pinned', target: uri === undefined ? pin : { ...pin, uri } };
  }

  function read(own: Shelved, uri: string): Found {
    const exact = own.named.resource.get(uri);
    if (exact && !isPrefix(uri)) return answer(exact, uri);
    if (!isSafeUri(uri)) return UNKNOWN;
    return answer(
      own.prefixes.find((pin) => underPrefix(pin.name, uri)) ??
        own.templates.find(({ template }) => template.match(uri) !== undefined)?.pin,
      uri,
    );
  }

  return {
    find(upstream: string, family: Family, _method: string, name: string): Found {
      const bundle = bundles.get(upstream);
      if (bundle) return family === 'call' ? answer(bundle.get(name)) : UNKNOWN;
      const own = upstreams.get(upstream);
      if (!own) return UNKNOWN;
      switch (family) {
        case 'call':
          return named(own, 'tool', name, holds, upstream);
        case 'get':
          return named(own, 'prompt', name, holds, upstream);
        case 'read':
        case 'listen':
          return read(own, name);
        case 'complete':
          return answer(own.named.prompt.get(name) ?? own.named.template.get(name));
        default:
          return UNKNOWN;
      }
    },
    list(upstream, kind) {
      const bundle = bundles.get(upstream);
      const all = bundle && kind !== 'tool' ? undefined : (bundle ?? upstreams.get(upstream)?.named[kind]);
      return [...(all?.values() ?? [])].filter((pin) => !holds.has(pin.upstream, kind, pin.name));
    },
    instructions: (upstream) => upstreams.get(upstream)?.instructions,
  };

  /** A thing that is only held, and was never pinned, is known too: it waits for review. */
  function named(own: Shelved, kind: PinKind, name: string, live: Holds, upstream: string): Found {
    const pin = own.named[kind].get(name);
    return pin === undefined && live.has(upstream, kind, name) ? HELD : answer(pin);
  }
}

function shelve(entry: { readonly things: readonly Pinned[]; readonly instructions?: string }): Shelved {
  const of = (kind: PinKind) => entry.things.filter((thing) => thing.kind === kind);
  const map = (kind: PinKind) => new Map(of(kind).map((thing) => [thing.name, thing]));
  return {
    named: { tool: map('tool'), prompt: map('prompt'), resource: map('resource'), template: map('template') },
    prefixes: of('resource')
      .filter((thing) => isPrefix(thing.name))
      .sort((a, b) => b.name.length - a.name.length),
    templates: of('template').flatMap((pin) => {
      const template = uriTemplate(pin.name);
      return template ? [{ pin, template }] : [];
    }),
    instructions: entry.instructions,
  };
}
