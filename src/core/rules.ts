/** What the `rules.ts` of every room speaks: configuration in, compiled rules out, faults with a place. */
import type { Pinned } from './call.ts';
import type { FieldCipher, Opening } from './fields.ts';

/** A fault in configuration. `path` leads to the value (`['policy', 0, 'allow', 1]`); `config/` adds file:line:column. */
export class RulesFault extends Error {
  readonly path: readonly (string | number)[];
  readonly fix: string;
  constructor(path: readonly (string | number)[], message: string, fix: string) {
    super(message);
    this.path = path;
    this.fix = fix;
  }
}

/** Bundle -> name under its path -> the tool of an upstream; its descriptor has the name under the path. */
export type Bundles = ReadonlyMap<string, ReadonlyMap<string, Pinned>>;

/** What the server of an upstream may ask the client for (`upstreams.<name>.asks`). */
export interface AskGrants {
  readonly elicitation: readonly ('form' | 'url')[];
  /** Hosts of pages that may be shown. */
  readonly hosts: readonly string[];
  readonly sampling: boolean;
  readonly roots: boolean;
}

/** What apps of an upstream may reach and use (`upstreams.<name>.apps`). Origins, and permissions as MCP Apps has them. */
export interface AppBounds {
  readonly domains: readonly string[];
  readonly permissions: readonly string[];
}

/** A second opinion on a text from outside; undefined: no answer in time. Never rejects. */
export type Judge = (question: {
  readonly kind: string;
  readonly text: string;
  /** Ids of the rules that spoke. */
  readonly evidence: readonly string[];
}) => Promise<'pass' | 'label' | 'hold' | undefined>;

/** What a room may need beside its own block to compile its rules. */
export interface RuleContext {
  /** Everything that `doorward.lock` pins. */
  readonly pinned: readonly Pinned[];
  readonly bundles?: Bundles;
  /** Every configured upstream, reviewed or not. */
  readonly upstreams?: readonly string[];
  /** Scopes that a caller who comes with an access token needs for a pinned thing. */
  readonly scopes?: ReadonlyMap<Pinned, readonly string[]>;
  readonly asks?: ReadonlyMap<string, AskGrants>;
  /** Of the upstreams whose apps are let through. */
  readonly apps?: ReadonlyMap<string, AppBounds>;
  /** Upstreams where agents of one tenant meet. */
  readonly shared?: ReadonlySet<string>;
  /** Things of whose results a grant leaves only some fields: they need not be all that the output schema promises. */
  readonly minimised?: ReadonlySet<Pinned>;
  /** Nobody but this machine can reach the gateway. */
  readonly local?: boolean;
  /** The operator's own `policies/*.cedar`, as read. */
  readonly cedar: readonly { readonly file: string; readonly text: string }[];
  /** Files of texts that must not leave, by the name that the configuration gives them. */
  readonly texts?: ReadonlyMap<string, string>;
  /** Marks a removed secret, so that two of the same can be told equal: keyed, 12 hex digits. */
  readonly fingerprint: (secret: string) => string;
  /** The operator's own judge of content, where one is configured. */
  readonly judge?: Judge;
  /** Seals and opens single fields. */
  readonly fields?: FieldCipher;
  /** Opens the sealed arguments of a call. */
  readonly opened?: Opening;
  /** Signs a statement of this gateway with its Ed25519 key; base64url. */
  readonly sign?: (text: string) => string;
}
