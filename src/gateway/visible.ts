/** What one caller may see behind one route: the reviewed things that are not held and that `list` allows. */
import type { Caller, PinKind, Pinned } from '../core/call.ts';
import type { Snapshot } from '../core/ports.ts';

export const KINDS: readonly PinKind[] = ['tool', 'prompt', 'resource', 'template'];

export interface Reader {
  readonly caller: Caller;
  /** Upstream or bundle. */
  readonly upstream: string;
  readonly at: number;
}

export function visible({ shelf, may }: Snapshot, reader: Reader, kind: PinKind): Pinned[] {
  const { caller, upstream, at } = reader;
  return shelf.list(upstream, kind).filter((pin) => may('list', caller, pin, { at, upstream }).allow);
}

/** The reviewed resource that an entry with this URI belongs to; undefined when the reader may not see it. */
export function visibleResource({ shelf, may }: Snapshot, reader: Reader, uri: string): Pinned | undefined {
  const { caller, upstream, at } = reader;
  const found = shelf.find(upstream, 'read', 'resources/read', uri);
  if (found.kind !== 'pinned' || found.target.kind !== 'resource') return undefined;
  return may('list', caller, found.target, { at, upstream }).allow ? found.target : undefined;
}
