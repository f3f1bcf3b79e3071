/**
 * What passes the house: an Attempt (refused before it was understood) or a Call (frozen, plain, serialisable).
 * Shapes inside are those of MCP 2026-07-28; an older revision is a codec in `wire/`.
 */
import type { Json, JsonObject } from '../lib/json/types.ts';
import type { Code } from './codes/index.ts';

export type Era = '2026-07-28' | '2025-11-25' | '2025-06-18' | '2025-03-26' | '2024-11-05';
/** The columns of the order tables. */
export type Family = 'call' | 'list' | 'read' | 'get' | 'complete' | 'listen' | 'task';

/** The one method whose call has no end of its own: it ends with its token, or when its ground changes. */
export const STREAM = 'subscriptions/listen';

/** Facts of the connection. None of them identifies a caller by itself. */
export interface Peer {
  readonly listener: 'http' | 'stdio' | 'kit';
  /** Remote address as text; '-' for stdio. */
  readonly address: string;
  readonly authority?: string;
  readonly tls?: { readonly protocol: string; readonly cipher: string; readonly fingerprint?: string };
}

/** Who speaks. Every field is verified by `identity/`; nothing here comes from what a client says of itself. */
export interface Caller {
  readonly tenant: string;
  readonly subject: string;
  /** The acting agents, outermost first; empty when the subject acts in person. */
  readonly agent: readonly string[];
  readonly groups: readonly string[];
  readonly scopes: readonly string[];
  readonly issuer: string;
  readonly how: 'local' | 'key' | 'jwt' | 'introspection' | 'mtls' | 'svid' | 'signature' | 'proxy' | 'host';
  readonly strength: { readonly acr?: string; readonly amr: readonly string[]; readonly at?: number };
  /** Thumbprint of the key that the credential is bound to. */
  readonly key?: string;
  /** What this very request proved beside: the id of the key that signed it, SHA-256 of its client certificate in hex. */
  readonly proofs?: { readonly signature?: string; readonly certificate?: string };
  /** Digest or id of the credential, never the credential. */
  readonly credential: string;
  /** Milliseconds since the epoch; absent for credentials that do not expire. */
  readonly expires?: number;
  /** What the credential is good for, by the names of policy lines (`files.read_file`); absent = all that policy allows. */
  readonly tools?: readonly string[];
  readonly claims: Readonly<JsonObject>;
}

/** What the client says of itself. Unverified: never an input to a decision. */
export interface Claimed {
  readonly client?: Readonly<JsonObject>;
  readonly capabilities: Readonly<JsonObject>;
}

/** Facts that a reviewer stated about a tool; annotations of a server are only guesses for the review. */
export interface Facts {
  readonly reads: boolean;
  readonly writes: boolean;
  readonly destructive: boolean;
  /** Runs code or commands that the arguments carry: one sandbox a call. */
  readonly executes: boolean;
  /** Can send data to the outside. */
  readonly sendsOut: boolean;
  /** What it returns may have been written by strangers. Absent = not stated, like false. */
  readonly untrusted?: boolean;
  /** Returns private data. Absent = not stated, like false. */
  readonly private?: boolean;
  /** It is another agent: its id, as `Caller.agent` or `Caller.subject` has it. */
  readonly agent?: string;
}

/** Reviewed exceptions from strictness (guarantees IN1 to IN3). JSON pointers into the arguments; '' is the root. */
export interface Exceptions {
  readonly additional?: readonly string[];
  readonly invisible?: readonly string[];
  readonly digits?: readonly string[];
  /** Path-typed fields (IN5): what is absolute must lie under `root` ('' = only relative paths). */
  readonly paths?: readonly { readonly pointer: string; readonly root: string }[];
  /** Fields that may hold code or markup (IN9), any URI (IN5), or numbers below zero (IN5). */
  readonly code?: readonly string[];
  readonly urls?: readonly string[];
  readonly negative?: readonly string[];
  readonly maxString?: number;
  readonly maxItems?: number;
  readonly maxDepth?: number;
}

/** Fields of a tool that travel past the client sealed (guarantee TR10). JSON pointers; `*` is any item or any name. */
export interface Sealing {
  /** Of the structured result: what is there is replaced by a compact JWE. */
  readonly results?: readonly string[];
  /** Of the arguments: such a JWE is opened there, before the pinned schema is asked. */
  readonly arguments?: readonly string[];
  /** A plain value in such an argument is refused. */
  readonly require?: boolean;
  /** Upstreams that open what this tool seals; absent = its own. */
  readonly to?: readonly string[];
  /** How long it opens; absent = 60. */
  readonly minutes?: number;
  /** The reviewed input schema, where `descriptor` has the one that clients see. */
  readonly input?: Readonly<JsonObject>;
}

export type PinKind = 'tool' | 'prompt' | 'resource' | 'template';

/** A reviewed thing of an upstream, as `doorward.lock` pins it. */
export interface Pinned {
  readonly kind: PinKind;
  readonly upstream: string;
  /** Tool or prompt name, resource URI or prefix, URI template. */
  readonly name: string;
  /** `sha256:` + hex over the canonical descriptor. */
  readonly digest: string;
  readonly descriptor: Readonly<JsonObject>;
  readonly facts: Facts;
  readonly exceptions: Exceptions;
  /** Result cap in bytes; absent = the configured default. */
  readonly cap?: number;
  readonly seal?: Sealing;
}

/** What a Call is about: a pinned thing (with the URI that was asked for), or the route itself (listings, discover). */
export type Target =
  | (Pinned & { readonly uri?: string; readonly task?: TaskRef })
  | { readonly kind: 'route'; readonly name: string };

/** Extensions of MCP that can be let through, by the word that configuration has for each. */
export type Extension = 'tasks' | 'apps';

/** The task that a call is about (MCP extension tasks); the pinned tool is the one that began it. */
export interface TaskRef {
  /** As the client knows it: sealed. */
  readonly handle: string;
  /** As the server knows it. */
  readonly id: string;
  /** The rules under which a person agreed to the call that began it. */
  readonly approved?: string;
}

export interface Trace {
  readonly traceparent?: string;
}

export type Taint = 'none' | 'untrusted-content' | 'private-data' | 'injection-suspected';

/** A client's answer to `input_required`: a new Call that resumes. */
export interface Resume {
  /** As the client sent it, sealed; once opened, the server's own. */
  readonly state?: string;
  readonly answers: Readonly<JsonObject>;
  /** What the sealed state said; absent when it said nothing. */
  readonly opened?: Opened;
  /** Why it said nothing, for the log. */
  readonly fault?: string;
}

/** What a question remembers of itself until its answer comes. */
export interface Opened {
  /** Id of each request -> its kind, and the schema of a form. */
  readonly asked: Readonly<Record<string, { readonly kind: string; readonly schema?: JsonObject }>>;
  /** How often the server asked so far. */
  readonly round: number;
  /** Spent at dispatch, once. */
  readonly ticket: string;
}

/** The approval that was spent on a call. */
export interface Granted {
  readonly id: string;
  /** Digest of what it is good for, apart from the answers that later rounds bring. */
  readonly ground: string;
  /** How it was decided; a client's own answer is `client-asserted`. */
  readonly via: string;
}

/** The approval that a retry brings in its sealed state: it was told to wait for it, or a former round has spent it. */
export type Brought =
  | { readonly kind: 'asked'; readonly id: string; readonly ground: string; readonly answer?: Json }
  | ({ readonly kind: 'spent' } & Granted);

export interface Call {
  readonly id: string;
  readonly parent?: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly trace: Trace;
  readonly tenant: string;
  readonly peer: Peer;
  readonly caller: Caller;
  readonly claimed: Claimed;
  /** For audit only: controls see `CallView`. */
  readonly era: Era;
  readonly route: string;
  readonly upstream: string;
  readonly method: string;
  readonly family: Family;
  readonly target: Target;
  readonly args: Json;
  readonly resume?: Resume;
  /** Lowest level of log messages that the client wants, of RFC 5424; absent = none. */
  readonly logLevel?: string;
  readonly approval?: Brought;
  /** What both its client and the operator let be used of the upstream's extensions. */
  readonly extensions?: readonly Extension[];
  /** The client was sent to a page of ours before. */
  readonly sent?: true;
  /** The task of a client without a session, from a handle of ours; absent = all that the principal does. */
  readonly flow?: string;
  /** Demands for a person, collected on the way in; `approval` alone answers them. */
  readonly asked: readonly Code[];
  /** One child process serves one lane (house rule "Lanes"). */
  readonly lane: string;
  readonly taint: readonly Taint[];
  /** Digest of the rules snapshot that judges this call. */
  readonly rulesId: string;
}

/** What a control may look at: a Call without its era, so that no control can judge by it. */
export type CallView = Omit<Call, 'era'>;

export type Stage = 'door' | 'identity' | 'frame' | 'inventory';

/** Something refused before a Call existed. `name` is escaped and at most 128 bytes. */
export interface Attempt {
  readonly id: string;
  readonly at: number;
  readonly peer: Peer;
  readonly stage: Stage;
  readonly code: Code;
  readonly caller?: Caller;
  readonly route?: string;
  readonly name?: string;
}

/** The successful end of a call. `bytes` are the upstream's own bytes of `value`, proven equal to it. */
export interface Result {
  readonly kind: 'result';
  readonly value: JsonObject;
  readonly bytes?: Uint8Array;
}
export interface RpcError {
  readonly kind: 'error';
  readonly code: number;
  readonly message: string;
  readonly data?: Json;
}
export interface Notification {
  readonly kind: 'notification';
  readonly method: string;
  readonly params: JsonObject;
}
export type Message = Result | RpcError | Notification;

export interface Io {
  /** Sends an interim message to the caller through the OUT row; rejects when the call is over. */
  send(message: Notification): Promise<void>;
  /** Aborts when the call is over before its end; also after the answer, when that asks and the question goes nowhere. */
  readonly signal: AbortSignal;
}
/** The far end: an upstream, or a server author's own handler. `local` handlers reach nothing outside: no intent entry. */
export interface Handler {
  (call: Call, io: Io): Promise<Result | RpcError> | Result | RpcError;
  readonly local?: boolean;
}
