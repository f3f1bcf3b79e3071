/** The `limits` block: token buckets and concurrency caps. */
import { z } from 'zod';
import { type RuleContext, RulesFault } from '../../core/rules.ts';
import type { Rate } from '../../core/state.ts';
import { closest } from '../../lib/text.ts';

const count = z.int().min(1).max(1_000_000);
const minute = count.describe('sustained calls in a minute');
const burst = count.describe('calls at once from a rested bucket');
const atOnce = count.describe('calls in flight');

const full = (rate: number, burstOf: number, inFlight: number) =>
  z
    .strictObject({
      minute: minute.default(rate),
      burst: burst.default(burstOf),
      'at-once': atOnce.default(inFlight),
    })
    .prefault({});
const rateOnly = (rate: number, burstOf: number) =>
  z.strictObject({ minute: minute.default(rate), burst: burst.default(burstOf) }).prefault({});

const budget = z
  .strictObject({ minute: minute.optional(), burst: burst.optional(), 'at-once': atOnce.optional() })
  .describe('`upstream` (for all callers together) or `upstream.tool` (for each subject)');
type Budget = z.infer<typeof budget>;

export const schema = z
  .object({
    subject: full(100, 20, 8).describe('each subject'),
    streams: count.default(16).describe('streams of change notifications that each subject may have open'),
    agent: full(1000, 200, 64).describe('each agent, over all subjects that it acts for'),
    upstream: full(1000, 200, 64).describe('each upstream, over all callers'),
    same: rateOnly(30, 30).describe('the same call with the same arguments, by one subject'),
    address: rateOnly(100, 50).describe('refused requests from one address (IPv6: /64) before anyone signed in'),
  })
  .catchall(budget)
  .prefault({});
export type LimitsConfig = z.infer<typeof schema>;

export interface Limit {
  readonly rate?: Rate;
  /** Calls in flight. */
  readonly atOnce?: number;
}

export interface Rules {
  /** Open streams of one subject. */
  readonly streams: number;
  readonly subject: Limit & { readonly rate: Rate };
  readonly agent: Limit;
  readonly same: Rate;
  readonly address: Rate;
  /** What holds for an upstream that is not named. */
  readonly upstream: Limit;
  readonly upstreams: ReadonlyMap<string, Limit>;
  /** By `upstream.tool`. */
  readonly tools: ReadonlyMap<string, Limit>;
}

/** Throws RulesFault for names that are neither an upstream nor a tool in the lock. */
export function compile(config: LimitsConfig, context: Pick<RuleContext, 'pinned'>): Rules {
  const { subject, streams, agent, upstream, same, address, ...named } = config;
  const tools = new Set(context.pinned.filter((p) => p.kind === 'tool').map((p) => `${p.upstream}.${p.name}`));
  const known = new Set(context.pinned.map((p) => p.upstream));
  const own = { upstreams: new Map<string, Limit>(), tools: new Map<string, Limit>() };
  for (const [name, set] of Object.entries(named as Record<string, Budget>)) {
    if (tools.has(name)) own.tools.set(name, limit(set));
    else if (known.has(name)) own.upstreams.set(name, limit({ ...upstream, ...set }));
    else throw unknown(name, ['subject', 'streams', 'agent', 'upstream', 'same', 'address', ...known, ...tools]);
  }
  return {
    streams,
    subject: { ...limit(subject), rate: rate(subject.minute, subject.burst) },
    agent: limit(agent),
    upstream: limit(upstream),
    same: rate(same.minute, same.burst),
    address: rate(address.minute, address.burst),
    ...own,
  };
}

function unknown(name: string, known: readonly string[]): RulesFault {
  const near = closest(name, known);
  const fix = near ? `did you mean \`${near}\`?` : 'write an upstream, or upstream.tool as in doorward.lock';
  return new RulesFault(['limits', name], `\`${name}\` names no upstream and no reviewed tool`, fix);
}

function limit({ minute: perMinute, burst: size, 'at-once': inFlight }: Budget): Limit {
  const sustained = perMinute ?? size;
  return {
    ...(sustained !== undefined && { rate: rate(sustained, size ?? Math.min(20, sustained)) }),
    ...(inFlight !== undefined && { atOnce: inFlight }),
  };
}

function rate(perMinute: number, size: number): Rate {
  return { perSecond: perMinute / 60, burst: size };
}
