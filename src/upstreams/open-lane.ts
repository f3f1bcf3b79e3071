/** One server of one lane, whatever is behind it: what the table of lanes knows of it, and how it is started. */
import type { Call, Caller, Io, Result, RpcError } from '../core/call.ts';
import type { Terms } from './calls.ts';
import type { Catalog } from './catalog.ts';
import { HttpLane, type HttpLaneOptions } from './http/lane.ts';
import type { HttpSpec } from './http/spec.ts';
import { bySse } from './http/sse.ts';
import { Lane, type LaneOptions } from './lane.ts';
import { byChild, type ChildOptions, type UpstreamSpec } from './way.ts';

/** An upstream as it is configured: a package that is started, or a URL that is called. */
export type AnySpec = UpstreamSpec | HttpSpec;

export interface OpenLane {
  readonly upstream: string;
  readonly startedAt: number;
  /** False: calls go to a new one. */
  readonly alive: boolean;
  readonly catalog: Catalog;
  call(call: Call, io: Io): Promise<Result | RpcError>;
  /** Turns updates of one resource on or off; false when the server has no such thing. */
  watch?(uri: string, on: boolean): Promise<boolean>;
  /** Set by the owner of the lane: the server said that a resource was updated, or that its lists changed. */
  onUpdated?: (uri: string) => void;
  onStale?: () => void;
  end(): Promise<unknown>;
  readonly ended: Promise<string>;
}

/**
 * Starts a lane by what is configured: the only place that tells the kinds apart. `pin` undefined = not reviewed yet.
 * Rejects with Ended; nothing is left then.
 */
export type Opener = (
  spec: AnySpec,
  pin: string | undefined,
  stop: AbortSignal,
  terms: Terms,
  /** For whom; absent = the operator. */
  caller?: Caller,
) => Promise<OpenLane>;

export function opener(how: LaneOptions & HttpLaneOptions & ChildOptions): Opener {
  return (spec, pin, stop, terms, caller) => {
    if (!('to' in spec)) return Lane.start(byChild(spec, pin, how), how, stop, terms);
    if (spec.transport === 'sse') return Lane.start(bySse(spec, pin, how.resolve), how, stop, terms);
    return HttpLane.start(spec, pin, how, stop, terms.offered, caller);
  };
}

export const kindOf = (spec: AnySpec) => ('to' in spec ? 'http' : 'stdio');
/** What a lane was made by; a lane made by something else takes no more calls. */
export const madeOf = (spec: AnySpec, pin: string) => ('to' in spec ? `${pin} ${spec.config}` : pin);
