/** The `approval` block: how long a question waits for a person, who may answer it, and where one is always asked. */
import { z } from 'zod';
import type { Pinned } from '../../core/call.ts';
import { type RuleContext, RulesFault } from '../../core/rules.ts';
import { closest } from '../../lib/text.ts';
import { parseDuration } from '../../lib/time.ts';

const SHORTEST = 1_000;
const LONGEST = 86_400_000;

/** A name that a person gives to a group or an approver: nothing in it can be mistaken for something else. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/;

const approvers = z
  .array(z.string().regex(NAME, 'use letters, digits and . _ @ + -, at most 128'))
  .max(16)
  .optional()
  .describe('groups of which an approver must be in one; `doorward approve code --groups` says who is');
const count = z
  .int()
  .min(1)
  .max(5)
  .optional()
  .describe('how many different approvers must agree: 2 is the four-eyes principle');
const not = z
  .literal('self')
  .optional()
  .describe('`self`: nobody approves their own calls, not even the local caller at the terminal');

const place = z.strictObject({
  sensitive: z
    .boolean()
    .optional()
    .describe('whether every tool here that is reviewed to write, destroy or execute needs a person'),
  approvers,
  count,
  not,
  via: z
    .literal('client')
    .optional()
    .describe(
      '`client`: the own answer of the asking client counts, as a claim; for single tools, never destructive ones',
    ),
});

const notice = z.strictObject({
  url: z.string().min(1).describe('https address that is told of each call that begins to wait'),
  key: z.string().min(1).describe('reference to the key that signs: file:PATH, env:NAME or vault:NAME; 24 to 64 bytes'),
  private: z.array(z.string()).max(16).optional().describe('networks that are not public and may be reached for this'),
  ca: z.string().min(1).max(4096).optional().describe('file of the authority that vouches for the receiver'),
});
export type NoticeConfig = z.infer<typeof notice>;

export const schema = z
  .strictObject({
    within: z
      .string()
      .transform((text, context) => {
        const ms = parseDuration(text);
        if (ms !== undefined && ms >= SHORTEST && ms <= LONGEST) return ms;
        context.addIssue({ code: 'custom', message: 'not a duration from 1s to 24h; write 10m' });
        return z.NEVER;
      })
      .prefault('10m')
      .describe('how long a call may wait for a person, and how long a grant may wait for the call'),
    approvers,
    count,
    not,
    places: z
      .record(z.string().max(512), place)
      .default({})
      .describe('upstream, or upstream.tool -> what holds there instead'),
    notice: notice.optional().describe('a webhook: who wants what, signed, without arguments'),
  })
  .prefault({});
export type ApprovalConfig = z.infer<typeof schema>;
type Place = z.infer<typeof place>;

/** Who must agree to a call. */
export interface Terms {
  readonly sensitive: boolean;
  readonly approvers: readonly string[];
  readonly count: number;
  /** Whether the local caller may approve what the local caller asked for; all others never may. */
  readonly localSelf: boolean;
  /** Whether an answer of the asking client counts. */
  readonly client: boolean;
}

export interface Rules {
  /** Milliseconds. */
  readonly within: number;
  /** Of the tool, prompt or resource `name` of an upstream. */
  terms(upstream: string, kind: Pinned['kind'] | 'route', name: string): Terms;
}

/** Throws RulesFault: a place that is none would guard nothing without a word. */
export function compile(config: ApprovalConfig, { pinned = [], upstreams }: Partial<RuleContext> = {}): Rules {
  const names = new Map<string, Terms>();
  const base = merge(config, {});
  for (const [name, own] of Object.entries(config.places)) {
    const path = ['places', name];
    const [upstream = '', tool] = split(name);
    checkPlace(name, path, pinned, upstreams);
    if (own.via === 'client') checkClient(upstream, tool, path, pinned);
    const around = tool === undefined ? undefined : config.places[upstream];
    const terms = merge(config, { ...around, ...own, via: own.via });
    if (terms.client && !terms.localSelf)
      throw new RulesFault([...path, 'via'], '`via: client` and `not: self` exclude each other', 'keep one of them');
    names.set(name, terms);
  }
  return {
    within: config.within,
    terms(upstream, kind, name) {
      if (names.size === 0) return base;
      const own = kind === 'tool' ? names.get(`${upstream}.${name}`) : undefined;
      return own ?? names.get(upstream) ?? base;
    },
  };
}

function merge(config: ApprovalConfig, own: Place): Terms {
  return {
    sensitive: own.sensitive ?? false,
    approvers: own.approvers ?? config.approvers ?? [],
    count: own.count ?? config.count ?? 1,
    localSelf: (own.not ?? config.not) !== 'self',
    client: own.via === 'client',
  };
}

/** The name of an upstream has no dot; that of a tool may. */
function split(name: string): [upstream: string, tool?: string] {
  const dot = name.indexOf('.');
  return dot < 0 ? [name] : [name.slice(0, dot), name.slice(dot + 1)];
}

function checkPlace(
  name: string,
  path: readonly string[],
  pinned: readonly Pinned[],
  upstreams: readonly string[] | undefined,
): void {
  const [upstream, tool] = split(name);
  const near = (candidates: readonly string[]) => {
    const meant = closest(name, candidates);
    return meant === undefined ? `one of: ${candidates.slice(0, 10).join(', ')}` : `did you mean \`${meant}\`?`;
  };
  if (upstreams && !upstreams.includes(upstream))
    throw new RulesFault(path, `there is no upstream \`${upstream}\``, near(upstreams));
  const tools = pinned.flatMap((pin) => (pin.kind === 'tool' && pin.upstream === upstream ? [pin.name] : []));
  if (tool === undefined || tools.length === 0 || tools.includes(tool)) return;
  throw new RulesFault(path, `\`${name}\` is not a reviewed tool`, near(tools.map((one) => `${upstream}.${one}`)));
}

/** What a client says of its person is a claim: enough for some writes, never for what cannot be undone. */
function checkClient(upstream: string, tool: string | undefined, path: readonly string[], pinned: readonly Pinned[]) {
  const at = [...path, 'via'];
  if (tool === undefined) throw new RulesFault(at, '`via: client` is for single tools', `write \`${upstream}.TOOL\``);
  const found = pinned.find((pin) => pin.kind === 'tool' && pin.upstream === upstream && pin.name === tool);
  if (found?.facts.destructive)
    throw new RulesFault(
      at,
      'this tool is reviewed as destructive: no answer of a client counts for it',
      'leave `via` out: people approve at the terminal or in the console',
    );
}
