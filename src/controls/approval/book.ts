/**
 * Calls that wait for a person, and what was decided about them. Every change is a compare-and-set, so that a grant is
 * spent at most once, by whatever interleaving, in this process or over a state that several share.
 */
import type { CallView } from '../../core/call.ts';
import type { Code } from '../../core/codes/index.ts';
import { principalOf } from '../../core/principal.ts';
import type { State } from '../../core/state.ts';
import { sha256, sha256Hex } from '../../lib/bytes.ts';
import { canonical, digest } from '../../lib/json/canonical.ts';
import type { Json } from '../../lib/json/types.ts';
import { utf8Length } from '../../lib/text.ts';
import type { Terms } from './rules.ts';

export interface Approval {
  /** Four to six characters, for people. */
  readonly id: string;
  /** Binding: one changed byte of it is another approval. */
  readonly key: string;
  readonly state: 'waiting' | 'granted' | 'denied';
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly until: number;
  /** How long it waits, and how long its grant does, in milliseconds. */
  readonly within: number;
  readonly principal: string;
  readonly tenant: string;
  readonly subject: string;
  readonly agent: readonly string[];
  readonly how: string;
  /** Whether the same subject may agree. */
  readonly self: boolean;
  /** How many different people must agree. */
  readonly count: number;
  /** Groups of which each of them must be in one; none = anybody who is an approver. */
  readonly approvers: readonly string[];
  /** Who agreed so far. */
  readonly agreed: readonly Vote[];
  readonly upstream: string;
  readonly method: string;
  readonly kind: string;
  /** As reviewed. */
  readonly thing: string;
  /** As called: of a resource the URI. */
  readonly name: string;
  readonly args: Json;
  readonly argsDigest: string;
  /** Answers of a person that the call brings. */
  readonly answers?: Json;
  /** Why a person is needed. */
  readonly codes: readonly string[];
  readonly rulesId: string;
  /** Reference of the call that asked first. */
  readonly call: string;
  /** Who decided, how, and when. */
  readonly by?: string;
  readonly via?: Via;
  readonly decided?: number;
}

/** Who asks, on one line; the text is theirs and has to be made fit to show. */
export function asker({ subject, tenant, agent, how }: Pick<Approval, 'subject' | 'tenant' | 'agent' | 'how'>): string {
  const acting = agent.length > 0 ? ` through ${agent.join(' > ')}` : '';
  return `${subject}${acting} (tenant ${tenant}, ${how})`;
}

/** `client-asserted`: the asking client answered for its person; a claim, and labelled as one. */
export type Via = 'terminal' | 'console' | 'client-asserted';

export interface Vote {
  readonly subject: string;
  readonly by: string;
  readonly via: Via;
  readonly at: number;
}

/** Who decides. `subject` is compared with the caller's and with who agreed before; `by` is how the log names them. */
export interface Approver {
  readonly subject: string;
  readonly by: string;
  readonly groups: readonly string[];
  readonly via: Via;
}

/** Bounds: of one principal, of all, and of the arguments of one (in bytes). */
export const MAX_OWN = 20;
export const MAX_ALL = 200;
export const MAX_ARGS = 256 * 1024;

const SPACE = 'approval';
const INDEX = 'index';
/** Longer than any approval. */
const INDEX_TTL = 2 * 86_400_000;
/** Neither vowels, nor what looks like another (0 O, 1 I L, U V). */
const ALPHABET = '23456789BCDFGHJKMNPQRSTWXYZ';
/** Lost compare-and-sets in a row until a state counts as broken. */
const TRIES = 1000;

interface Listed {
  readonly id: string;
  readonly key: string;
  readonly principal: string;
  readonly until: number;
}

/** Principal, thing, exact arguments, rules: what an approval is good for. */
export function bindingOf(call: CallView): string {
  return bind(call, call.resume);
}

/** The same without the answers that a later round of the call brings: what those rounds inherit a grant by. */
export function groundOf(call: CallView): string {
  return bind(call, undefined);
}

function bind({ caller, upstream, method, target, args, rulesId }: CallView, resume: CallView['resume']): string {
  const thing = target.kind === 'route' ? [] : [target.name, target.digest, target.uri ?? null];
  const answers = resume ? [resume.state ?? null, digest(resume.answers)] : [];
  return sha256Hex(
    canonical([principalOf(caller), upstream, method, target.kind, thing, digest(args), answers, rulesId]),
  );
}

/** `codes` = what demands a person. Undefined when the arguments are too large for anyone to read. */
export function draft(
  call: CallView,
  key: string,
  codes: readonly Code[],
  { within, ...terms }: Terms & { readonly within: number },
  now: number,
): Approval | undefined {
  const { caller, target, args, resume } = call;
  const answers = resume && resume.answers;
  if (utf8Length(canonical(args)) + utf8Length(canonical(answers ?? null)) > MAX_ARGS) return undefined;
  return {
    id: '',
    key,
    state: 'waiting',
    at: now,
    until: now + within,
    within,
    principal: principalOf(caller),
    tenant: caller.tenant,
    subject: caller.subject,
    agent: caller.agent,
    how: caller.how,
    self: caller.how === 'local' && terms.localSelf,
    count: terms.count,
    approvers: terms.approvers,
    agreed: [],
    upstream: call.upstream,
    method: call.method,
    kind: target.kind,
    thing: target.name,
    name: target.kind !== 'route' && target.uri !== undefined ? target.uri : target.name,
    args,
    argsDigest: digest(args),
    ...(answers && { answers }),
    codes,
    rulesId: call.rulesId,
    call: call.id,
  };
}

export async function find(state: State, key: string): Promise<Approval | undefined> {
  return (await state.get(SPACE, recordOf(key))) as Approval | undefined;
}

/** The approval as it waits now, with its id; undefined when another of the same binding came first. */
export async function open(state: State, made: Approval): Promise<Approval | 'full' | undefined> {
  const { key, principal, until, within } = made;
  for (const id of idsOf(key, made.call)) {
    const said = await amend(state, (live) => {
      if (live.some((one) => one.id === id)) return 'taken';
      if (live.length >= MAX_ALL || live.filter((one) => one.principal === principal).length >= MAX_OWN) return 'full';
      return [...live, { id, key, principal, until }];
    });
    if (said === 'full') return 'full';
    if (said === 'taken') continue;
    const approval = { ...made, id };
    if (await state.swap(SPACE, recordOf(key), undefined, approval as unknown as Json, within)) return approval;
    await unlist(state, id);
    return undefined;
  }
  return 'full';
}

/** True for exactly one of those who try. */
export async function spend(state: State, granted: Approval): Promise<boolean> {
  if (granted.until <= state.now()) return false;
  const spent = await state.swap(SPACE, recordOf(granted.key), granted as unknown as Json, undefined, 0);
  if (spent) await unlist(state, granted.id);
  return spent;
}

/** Nothing was sent: the grant is good again for what is left of its time, unless a new question stands in its place. */
export async function giveBack(state: State, granted: Approval): Promise<void> {
  const { id, key, principal, until } = granted;
  const left = until - state.now();
  if (left <= 0) return;
  // Listed first: once it can be found it can be spent again, and is unlisted by that.
  await amend(state, (live) => [...live, { id, key, principal, until }]);
  if (!(await state.swap(SPACE, recordOf(key), undefined, granted as unknown as Json, left))) await unlist(state, id);
}

/** Everything that waits or was decided and is not spent, the oldest first. */
export async function all(state: State): Promise<Approval[]> {
  const entries = await listed(state);
  const found = await Promise.all(entries.map(({ key }) => find(state, key)));
  // An entry may be about to go: what lies under its key is then another's.
  return found.filter((one, i) => one !== undefined && one.id === entries[i]!.id) as Approval[];
}

/** `group`: an approver of another group is needed. `twice`: this approver has agreed already. */
export type Decided = Approval | 'unknown' | 'decided' | 'self' | 'group' | 'twice' | 'stale';

/**
 * What one approver says about what waits; it is granted when enough different ones agreed, and denied by any. `rulesId`
 * = the rules in force: what was asked under others can never be spent. `key` = the binding that the approver looked at.
 */
export async function decide(
  state: State,
  id: string,
  decision: 'granted' | 'denied',
  who: Approver,
  rulesId: string,
  key?: string,
): Promise<Decided> {
  for (let tries = 0; tries < TRIES; tries++) {
    const entry = (await listed(state)).find((one) => one.id === id);
    const waits = entry && (await find(state, entry.key));
    if (!waits || waits.id !== id || (key !== undefined && waits.key !== key)) return 'unknown';
    if (waits.state !== 'waiting') return 'decided';
    if (waits.rulesId !== rulesId) return 'stale';
    const refused = decision === 'granted' ? objection(waits, who) : undefined;
    if (refused) return refused;
    const now = state.now();
    const decided = decision === 'granted' ? agree(waits, who, now) : close(waits, 'denied', who, now);
    const [before, after] = [waits, decided] as unknown as [Json, Json];
    // Another approver may have come in between: then this one is asked again by what stands there now.
    if (!(await state.swap(SPACE, recordOf(waits.key), before, after, decided.until - now))) continue;
    await amend(state, (live) => live.map((one) => (one.id === id ? { ...one, until: decided.until } : one)));
    return decided;
  }
  throw new Error('this approval cannot be decided');
}

function objection(waits: Approval, { subject, groups }: Approver): 'self' | 'group' | 'twice' | undefined {
  if (waits.subject === subject && !waits.self) return 'self';
  if (waits.approvers.length > 0 && !waits.approvers.some((group) => groups.includes(group))) return 'group';
  return waits.agreed.some((vote) => vote.subject === subject) ? 'twice' : undefined;
}

function agree(waits: Approval, who: Approver, at: number): Approval {
  const { subject, by, via } = who;
  const agreed = { ...waits, agreed: [...waits.agreed, { subject, by, via, at }] };
  return agreed.agreed.length < waits.count
    ? agreed
    : close({ ...agreed, until: at + waits.within }, 'granted', who, at);
}

function close(waits: Approval, state: 'granted' | 'denied', { by, via }: Approver, decided: number): Approval {
  return { ...waits, state, by, via, decided };
}

function recordOf(key: string): string {
  return `of ${key}`;
}

async function listed(state: State): Promise<readonly Listed[]> {
  const now = state.now();
  return live(await state.get(SPACE, INDEX), now);
}

function live(index: Json | undefined, now: number): readonly Listed[] {
  return ((index ?? []) as unknown as readonly Listed[]).filter(({ until }) => until > now);
}

/** Changes the list of what is there; a word instead of a list changes nothing. */
async function amend<Word extends string>(
  state: State,
  change: (live: readonly Listed[]) => readonly Listed[] | Word,
): Promise<Word | undefined> {
  for (let tries = 0; tries < TRIES; tries++) {
    const before = await state.get(SPACE, INDEX);
    const after = change(live(before, state.now()));
    if (typeof after === 'string') return after;
    if (await state.swap(SPACE, INDEX, before, after as unknown as Json, INDEX_TTL)) return undefined;
  }
  throw new Error('the list of approvals cannot be changed');
}

async function unlist(state: State, id: string): Promise<void> {
  await amend(state, (live) => live.filter((one) => one.id !== id));
}

/** Ids to try, short ones first. Nobody can guess them: the reference of a call is random. */
function* idsOf(key: string, call: string): Generator<string> {
  const bytes = sha256(`${key} ${call}`);
  for (const [from, length] of [
    [0, 4],
    [4, 4],
    [8, 5],
    [13, 6],
    [19, 6],
  ] as const) {
    yield Array.from(bytes.subarray(from, from + length), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
  }
}
