/** `doorward.lock`: what a person reviewed. Types, and how it is printed; `parse.ts` reads it back. */
import type { Exceptions, Facts, PinKind, Pinned } from '../core/call.ts';
import { digest } from '../lib/json/canonical.ts';
import type { Json } from '../lib/json/types.ts';
import { pinnedPart } from './digest.ts';

export interface PackagePin {
  readonly name: string;
  /** Exact version. */
  readonly version: string;
  /** `sha256:` + hex over the mounted tree. */
  readonly digest: string;
}

/** A server that is reached by URL: where it is, and the keys that it must have (`sha256/...`, sorted). */
export interface ServerPin {
  readonly url: string;
  readonly pins: readonly string[];
}

/** What was reviewed of the place that a server comes from: one of the two. */
export interface OriginPin {
  readonly package?: PackagePin;
  readonly server?: ServerPin;
}

export interface UpstreamLock extends OriginPin {
  /** The server's own instructions to the model, as reviewed. */
  readonly instructions?: string;
  /** A person found that its process remembers nothing of a call: callers may share one. */
  readonly stateless?: true;
  /** Sorted by kind, then name (code unit order). */
  readonly things: readonly Pinned[];
}

export interface Lock {
  readonly upstreams: ReadonlyMap<string, UpstreamLock>;
}

export const EMPTY_LOCK: Lock = { upstreams: new Map() };

/** The sections of an upstream, in the order of the file. */
export const SECTIONS: readonly (readonly [string, PinKind])[] = [
  ['tools', 'tool'],
  ['prompts', 'prompt'],
  ['resources', 'resource'],
  ['templates', 'template'],
];
export const FACTS = [
  'reads',
  'writes',
  'destructive',
  'executes',
  'sendsOut',
  'untrusted',
  'private',
] as const satisfies (keyof Facts)[];

const HEAD = `# What was reviewed: tools, prompts, resources, and the package that serves them.
# Written by \`doorward review\`; facts, exceptions, caps, seals and \`stateless\` may be edited, the rest is checked by digest.
`;

/** Digest of the origin: of the tree that is started, or of URL and keys. A start compares it. */
export function originDigest({ package: pack, server }: OriginPin): string | undefined {
  return pack?.digest ?? (server && serverDigest(server));
}

/** Asked before each call; what a lockfile says of a server does not change. */
const digests = new WeakMap<ServerPin, string>();

export function serverDigest(pin: ServerPin): string {
  let found = digests.get(pin);
  if (found === undefined) digests.set(pin, (found = digest({ url: pin.url, pins: [...pin.pins].sort() })));
  return found;
}

/** Everything pinned, in file order. */
export function pins(lock: Lock): Pinned[] {
  return [...lock.upstreams.values()].flatMap((upstream) => upstream.things);
}

/** `kind:name` -> digest of what was reviewed of an upstream. */
export function digestsOf(lock: Lock, upstream: string): ReadonlyMap<string, string> {
  const things = lock.upstreams.get(upstream)?.things ?? [];
  return new Map(things.map(({ kind, name, digest }) => [`${kind}:${name}`, digest]));
}

/** The same lock with another entry for one upstream; things sorted. */
export function withUpstream(lock: Lock, name: string, entry: UpstreamLock): Lock {
  const upstreams = new Map(lock.upstreams);
  upstreams.set(name, { ...entry, things: sorted(entry.things) });
  return { upstreams };
}

export function sorted(things: readonly Pinned[]): Pinned[] {
  const rank = (kind: PinKind) => SECTIONS.findIndex(([, k]) => k === kind);
  return [...things].sort((a, b) => rank(a.kind) - rank(b.kind) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** The same text for the same lock, whatever order it was built in. */
export function printLock(lock: Lock): string {
  const out = [HEAD, 'doorward-lock: 1\n'];
  if (lock.upstreams.size === 0) return `${out.join('')}upstreams: {}\n`;
  out.push('upstreams:\n');
  for (const name of [...lock.upstreams.keys()].sort()) {
    const { package: pack, server, instructions, stateless, things } = lock.upstreams.get(name)!;
    out.push(`\n  ${text(name)}:\n`);
    if (pack) {
      out.push(
        `    package:\n      name: ${text(pack.name)}\n      version: ${text(pack.version)}\n      digest: ${pack.digest}\n`,
      );
    }
    if (server) {
      out.push(`    server:\n      url: ${text(server.url)}\n`);
      if (server.pins.length > 0) out.push(`      pins: ${visible(JSON.stringify([...server.pins].sort()))}\n`);
    }
    if (stateless) out.push('    stateless: true\n');
    // One line of the text a line, as JSON: a change shows where it is, and nothing in it is invisible.
    if (instructions !== undefined) out.push(`    instructions: |\n${json(instructions.split('\n'), 6)}`);
    const all = sorted(things);
    for (const [section, kind] of SECTIONS) {
      const own = all.filter((thing) => thing.kind === kind);
      if (own.length > 0) out.push(`    ${section}:\n`, ...own.map(printThing));
    }
    if (!pack && !server && !stateless && instructions === undefined && all.length === 0) out.push('    tools: []\n');
  }
  return out.join('');
}

function printThing(thing: Pinned): string {
  const facts = FACTS.filter((fact) => thing.facts[fact] !== undefined)
    .map((fact) => `${fact}: ${thing.facts[fact]}`)
    .concat(thing.facts.agent === undefined ? [] : `agent: ${text(thing.facts.agent)}`)
    .join(', ');
  const exceptions = printExceptions(thing.exceptions);
  return [
    `      - name: ${text(thing.name)}\n`,
    `        digest: ${thing.digest}\n`,
    `        facts: { ${facts} }\n`,
    exceptions === '' ? '' : `        exceptions:\n${exceptions}`,
    thing.cap === undefined ? '' : `        cap: ${thing.cap}\n`,
    thing.seal === undefined ? '' : `        seal: ${visible(JSON.stringify(thing.seal))}\n`,
    `        descriptor: |\n${json(pinnedPart(thing.kind, thing.descriptor), 10)}`,
  ].join('');
}

function printExceptions(exceptions: Exceptions): string {
  return (Object.keys(exceptions) as (keyof Exceptions)[])
    .sort()
    .filter((key) => exceptions[key] !== undefined)
    .map((key) => `          ${key}: ${visible(JSON.stringify(exceptions[key]))}\n`)
    .join('');
}

function json(value: Json, indent: number): string {
  return visible(JSON.stringify(value, null, 2))
    .replace(/^/gm, ' '.repeat(indent))
    .concat('\n');
}

function text(value: string): string {
  return visible(JSON.stringify(value));
}

/** JSON in which every character that a reader could miss is an escape. */
function visible(text: string): string {
  return text.replace(
    /[\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\p{Variation_Selector}\u007f-\u00a0\u2800]/gu,
    (char) =>
      [...Array(char.length).keys()].map((i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}
