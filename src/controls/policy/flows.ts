/**
 * Toxic flows (guarantee AZ8): what a session has read decides what it may still do without a person. Sources and sinks
 * are facts that a reviewer stated; nothing is read out of texts but the suspicion of `screen`.
 */
import { z } from 'zod';
import { sessionOf } from '../../core/admit.ts';
import type { CallView, Facts, Taint, Target } from '../../core/call.ts';
import { principalOf } from '../../core/principal.ts';
import type { Maybe, State } from '../../core/state.ts';
import { parseDuration } from '../../lib/time.ts';
import { carriedBy, type Handoffs, handedTo } from './handoffs/where.ts';

export const TAINTS = ['untrusted-content', 'private-data', 'injection-suspected'] as const;
export const SINKS = ['sendsOut', 'executes', 'destructive', 'writes'] as const;
type Sink = (typeof SINKS)[number];

/** From the mildest. */
const ANSWERS = ['pass', 'ask', 'deny'] as const;
export type FlowAnswer = (typeof ANSWERS)[number];

const answer = z.enum(ANSWERS).default('ask');
const sinks = (what: string) =>
  z
    .strictObject({ sendsOut: answer, executes: answer, destructive: answer, writes: answer })
    .prefault({})
    .describe(`what a tool with this fact needs once the session has ${what}: pass, ask or deny`);

const SHORTEST = 60_000;
const LONGEST = 30 * 86_400_000;

export const schema = z
  .strictObject({
    window: z
      .string()
      .transform((text, context) => {
        const ms = parseDuration(text);
        if (ms !== undefined && ms >= SHORTEST && ms <= LONGEST) return ms;
        context.addIssue({ code: 'custom', message: 'not a duration from 1m to 30d; write 8h' });
        return z.NEVER;
      })
      .prefault('8h')
      .describe('how long what was read counts, from the last time it was'),
    'untrusted-content': sinks('read what strangers may have written'),
    'private-data': sinks('read private data'),
    'injection-suspected': sinks('read something that looks like an injection'),
  })
  .prefault({});
export type FlowsConfig = z.infer<typeof schema>;

/** The block, compiled. */
export interface Flows extends FlowsConfig {
  /** Absent: agents meet nowhere. */
  readonly handoffs?: Handoffs;
}

const SPACE = 'flow';
/** What `sessionOf` gives where there is none. */
const NO_SESSION = '-';

/**
 * Whose reading counts for this call: the session of an older revision, the task of a handle, else all that the
 * principal does. A client that begins a new session or task begins a new flow; a model cannot.
 */
export function flowOf(call: CallView): string {
  return `${principalOf(call.caller)} ${call.flow === undefined ? sessionOf(call) : `flow ${call.flow}`}`;
}

/**
 * Every flow that hears of what this call reads: what a task or a session of an older revision read counts for whoever
 * has neither, so that nobody sheds it by a change of revision.
 */
function heardBy(call: CallView): readonly string[] {
  const [own, all] = [flowOf(call), `${principalOf(call.caller)} ${NO_SESSION}`];
  return own === all ? [own] : [own, all];
}

export function factsOf(target: Target): Facts | undefined {
  return target.kind === 'route' ? undefined : target.facts;
}

export function isSink(facts: Facts | undefined): boolean {
  return facts !== undefined && SINKS.some((sink) => facts[sink]);
}

/** What reading this thing leaves on the session. */
export function leaves(facts: Facts | undefined): readonly Taint[] {
  if (!facts?.untrusted && !facts?.private) return [];
  return [
    ...(facts.untrusted ? ['untrusted-content' as const] : []),
    ...(facts.private ? ['private-data' as const] : []),
  ];
}

/** The taints that count now. */
export function held(call: CallView, { handoffs }: Flows, state: State): Maybe<readonly Taint[]> {
  const own = [flowOf(call)];
  return marked(handoffs ? own.concat(handedTo(call.caller, handoffs)) : own, state);
}

/** Whoever hears of what this call reads. */
export function mark(call: CallView, taints: readonly Taint[], rules: Flows, state: State): Maybe<void> {
  const all = heardBy(call);
  return put(rules.handoffs ? [...all, ...carriedBy(call.caller, rules.handoffs)] : all, taints, rules.window, state);
}

/** The taints of any of these flows. */
export function marked(flows: readonly string[], state: State): Maybe<readonly Taint[]> {
  const found = flows.flatMap((flow) => TAINTS.map((taint) => state.get(SPACE, `${flow} ${taint}`)));
  const those = (values: readonly unknown[]) =>
    TAINTS.filter((_, i) => values.some((value, j) => value !== undefined && j % TAINTS.length === i));
  return found.some((one) => one instanceof Promise) ? Promise.all(found).then(those) : those(found);
}

/** One entry for each taint, so that two calls at once cannot undo each other's. */
export function put(flows: readonly string[], taints: readonly Taint[], window: number, state: State): Maybe<void> {
  const writes = flows.flatMap((flow) => taints.map((taint) => state.put(SPACE, `${flow} ${taint}`, true, window)));
  return writes.some((one) => one instanceof Promise) ? Promise.all(writes).then(() => undefined) : undefined;
}

/** The gravest answer of the table. `despite`: taints that the grant accepts by name. */
export function judge(
  facts: Facts | undefined,
  taints: readonly Taint[],
  config: FlowsConfig,
  despite: ReadonlySet<Taint>,
): { readonly answer: FlowAnswer; readonly why: string } {
  let worst = 0;
  const why: string[] = [];
  for (const taint of taints) {
    if (taint === 'none' || despite.has(taint)) continue;
    const row: Readonly<Record<Sink, FlowAnswer>> = config[taint];
    for (const sink of SINKS) {
      const rank = facts?.[sink] ? ANSWERS.indexOf(row[sink]) : 0;
      if (rank === 0) continue;
      why.push(`${taint} -> ${sink}`);
      worst = Math.max(worst, rank);
    }
  }
  return { answer: ANSWERS[worst]!, why: why.join(', ') };
}
