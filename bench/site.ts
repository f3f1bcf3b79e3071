/** The rules under which everything here is measured: one tool, twenty policies, every control. */
import { schema } from '../src/config/schema.ts';
import type { Pinned } from '../src/core/call.ts';
import type { ControlId } from '../src/core/order.ts';
import type { Snapshot } from '../src/core/ports.ts';
import { compileSnapshot } from '../src/gateway/snapshot.ts';
import { descriptorDigest } from '../src/inventory/digest.ts';
import { Holds } from '../src/inventory/holds.ts';
import { shelf } from '../src/inventory/shelf.ts';
import { TOOL } from './payloads.ts';

export const pin: Pinned = {
  kind: 'tool',
  upstream: 'bench',
  name: 'echo',
  digest: descriptorDigest('tool', TOOL),
  descriptor: TOOL,
  facts: { reads: true, writes: false, destructive: false, executes: false, sendsOut: false },
  exceptions: {},
  cap: 8 << 20,
};
const OPEN = { minute: 1_000_000, burst: 1_000_000, 'at-once': 1000 };
// Twenty policies on one tool; two of them read arguments.
const config = schema.parse({
  doorward: 1,
  upstreams: {},
  output: { session: 2 ** 40 },
  limits: { subject: OPEN, agent: OPEN, upstream: OPEN, same: { minute: 1_000_000, burst: 1_000_000 } },
  policy: [
    { to: 'local', allow: ['bench.echo'] },
    { to: 'local', allow: ['bench.echo'], when: { args: { city: 'Lisbon' } } },
    { to: 'local', allow: ['bench.echo'], when: { args: { count: { max: 10 } } } },
    ...Array.from({ length: 17 }, (_, i) => ({ to: { group: `team-${i}` }, allow: ['bench.echo'] })),
  ],
});

/** `audit` and `durable` are no controls: whoever measures leaves them out. */
export function snapshotWithout(without: readonly string[]): Snapshot {
  return compileSnapshot({
    id: 'bench',
    config,
    context: { pinned: [pin], cedar: [], fingerprint: () => '000000000000' },
    shelf: shelf({ upstreams: new Map([['bench', { things: [pin] }]]) }, new Holds()),
    routes: new Map([['bench', 'bench']]),
    without: without.filter((id) => id !== 'audit' && id !== 'durable') as ControlId[],
  });
}
