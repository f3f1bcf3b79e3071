/** The `policy` block: grants, compiled to Cedar beside the operator's own policies. Nothing granted, nothing there. */
import { policyToText } from '@cedar-policy/cedar-wasm/nodejs';
import { z } from 'zod';
import type { Caller, PinKind, Pinned, Taint, Target } from '../../core/call.ts';
import type { Action, May, MayAnswer } from '../../core/ports.ts';
import { type RuleContext, RulesFault } from '../../core/rules.ts';
import { Generations } from '../../lib/generations.ts';
import { digest } from '../../lib/json/canonical.ts';
import type { Json } from '../../lib/json/types.ts';
import { isBelow } from '../../lib/traversal.ts';
import { type UriTemplate, uriTemplate } from '../../lib/uri-template.ts';
import { type Bounds, common, NO_BOUNDS, together } from './bounds.ts';
import { Misfit } from './facts.ts';
import { type Flows, type FlowsConfig, schema as flowsSchema } from './flows.ts';
import { compileGrants, type Granted, grant, type Policy } from './grants.ts';
import { compileHandoffs } from './handoffs/where.ts';
import { nameOf, namesOf } from './names.ts';
import { type OwnPolicy, parseOwn } from './own.ts';
import { check, Slice } from './slice.ts';
import { everyLink, strong } from './strength.ts';
import { NO_TASKS, type Tasks, schema as tasksSchema } from './tasks.ts';

export const schema = z.array(grant).default([]).describe('who may use what; what is not listed does not exist');
export type PolicyConfig = z.infer<typeof schema>;

/** The blocks beside the grants: what a session has read, and what a task needs. */
export const flows = flowsSchema.describe('what a session may still do without a person after what it has read');
export const tasks = tasksSchema.describe('which tools, in which order, with which arguments a task needs');
export interface Around {
  readonly flows?: FlowsConfig;
  readonly tasks?: Tasks;
}

type Needs = Pick<RuleContext, 'pinned' | 'cedar' | 'bundles' | 'scopes' | 'shared'>;

export interface Rules {
  readonly may: May;
  /** Digest over the text of all policies (guarantee AZ6). */
  readonly version: string;
  readonly flows: Flows;
  readonly tasks: Tasks;
  /** Whether a policy reads `context.taint`. */
  readonly readsTaint: boolean;
  /** Things of whose results a grant or a task leaves only some fields. */
  readonly minimised: ReadonlySet<Pinned>;
  /** What the grants that permitted a call say about its arguments and its result. */
  bounds(reasons: readonly string[], links?: MayAnswer['links']): Bounds;
  /** The pinned thing that an entry of a listing describes; for a resource also the narrowest reviewed folder above. */
  listed(upstream: string, kind: PinKind, name: string): Pinned | undefined;
  /** All scopes that a call needs, when the access token that it came with lacks one of them (RFC 6750, section 3.1). */
  lacking(caller: Caller, thing: Target): readonly string[] | undefined;
  explain(caller: Caller, thing: Target, args: Json | undefined, at: number, upstream?: string): Explanation;
}

export interface Explanation {
  readonly version: string;
  readonly list: MayAnswer;
  readonly call: MayAnswer;
  /** Every policy that had a say. */
  readonly policies: readonly {
    id: string;
    effect: 'permit' | 'forbid';
    ask: boolean;
    text: string;
    decided: boolean;
  }[];
}

/** One decision about one reviewed thing. */
type Decide = (
  action: Action,
  caller: Caller,
  thing: Pinned & { readonly uri?: string },
  at: number,
  given?: { readonly args?: Json; readonly taint?: readonly Taint[] },
) => MayAnswer;

const DENY: MayAnswer = Object.freeze({ allow: false, ask: false, reasons: Object.freeze([]) });
const NO_TEMPLATE: UriTemplate = Object.freeze({ names: [], match: () => undefined });
const BEYOND: MayAnswer = Object.freeze({ allow: false, ask: false, reasons: Object.freeze(['caller.tools']) });
/** Whose scopes an issuer of access tokens gave, and can give more of. */
const BY_TOKEN: ReadonlySet<Caller['how']> = new Set(['jwt', 'introspection']);
/** Decisions kept; longer keys are not. */
const KEPT = 32_768;
const KEY_LENGTH = 1024;

/** Throws RulesFault. Faults in a Cedar file have an empty path: their message leads with file:line:column. */
export function compile(config: PolicyConfig, context: Needs, around: Around = {}): Rules {
  return compileWith(config, context, new Generations<MayAnswer>(KEPT), around);
}

/** Exported for tests: a cache that keeps nothing must change no answer. */
export function compileWith(
  config: PolicyConfig,
  { pinned, cedar, bundles = new Map(), scopes = new Map(), shared = new Set() }: Needs,
  cache: Pick<Generations<MayAnswer>, 'get' | 'set'>,
  around: Around = {},
): Rules {
  const granted = compileGrants(config, namesOf(pinned), shared);
  const own = parseOwn(cedar, pinned, shared);
  checkAll(granted, own, pinned);

  const slices = new Map<
    string,
    Readonly<Record<Action, Slice>> & { readonly index: number; readonly name: string; readonly template?: UriTemplate }
  >();
  const byUpstream = new Map<string, Pinned[]>();
  for (const thing of pinned) {
    const of = (action: Action) => policiesOf(thing, action, granted, own);
    // Without a permit there is nothing to ask: denied.
    if (!of('list').some((policy) => policy.json.effect === 'permit')) continue;
    const both = { list: new Slice(thing, 'list', of('list')), call: new Slice(thing, 'call', of('call')) };
    slices.set(key(thing.upstream, thing.kind, thing.name), {
      ...both,
      index: slices.size,
      name: nameOf(thing),
      ...(thing.kind === 'template' && { template: uriTemplate(thing.name) ?? NO_TEMPLATE }),
    });
    byUpstream.set(thing.upstream, [...(byUpstream.get(thing.upstream) ?? []), thing]);
  }
  const needed = new Map([...scopes].map(([{ upstream, kind, name }, all]) => [key(upstream, kind, name), all]));
  const listed = new Map(pinned.map((thing) => [key(thing.upstream, thing.kind, thing.name), thing]));
  const folders = pinned
    .filter(({ kind, name }) => kind === 'resource' && name.endsWith('/*'))
    .sort((a, b) => b.name.length - a.name.length);

  for (const [bundle, things] of bundles) {
    for (const [name, thing] of things) listed.set(key(bundle, 'tool', name), thing);
    byUpstream.set(
      bundle,
      [...things.values()].filter((thing) => slices.has(key(thing.upstream, thing.kind, thing.name))),
    );
  }

  const demands = new Map([
    ...granted.flatMap(({ on, demand }) => (demand ? [[on.call.id, demand] as const] : [])),
    ...own.flatMap(({ id, until }) => (until === undefined ? [] : [[id, { until }] as const])),
  ]);

  const decide: Decide = (action, caller, thing, at, given) =>
    everyLink(caller, (as) => {
      const said = decideOne(action, as, thing, at, given);
      return action === 'call' ? strong(said, demands, as, at) : said;
    });

  const decideOne: Decide = (action, caller, thing, at, given) => {
    const found = slices.get(key(thing.upstream, thing.kind, thing.name));
    if (!found) return DENY;
    // A credential can be good for less than its caller. It narrows what policies allow and widens nothing.
    if (caller.tools !== undefined && !caller.tools.includes(found.name)) return BEYOND;
    const slice = found[action];
    // Of a template the variables are the arguments; before a URI is asked for they are not known.
    const variables = thing.uri === undefined ? undefined : found.template?.match(thing.uri);
    const args = found.template ? variables : given?.args;
    let facts: ReturnType<Slice['facts']>;
    try {
      facts = slice.facts(caller, action === 'call' ? thing.uri : undefined, args, at, given?.taint);
    } catch (error) {
      return fail(error instanceof Misfit ? error.message : 'the facts could not be gathered');
    }
    const id = `${found.index}${action}${facts.key}`;
    const before = cache.get(id);
    if (before) return before;
    const { allow, reasons, error } = slice.ask(facts);
    if (error !== undefined) return fail(error);
    // A grant that asks wins over one that allows.
    const ask =
      allow && action === 'call' && slice.policies.some((policy) => policy.ask && reasons.includes(policy.id));
    const answer: MayAnswer = Object.freeze({ allow, ask, reasons });
    if (id.length <= KEY_LENGTH) cache.set(id, answer);
    return answer;
  };

  /** Asked before there is a call, and again with it: the same question in the same moment. */
  let last: { caller: Caller; thing: Pinned; at: number; seen: MayAnswer } | undefined;
  const list = (caller: Caller, thing: Pinned, at: number): MayAnswer => {
    if (last?.caller !== caller || last.thing !== thing || last.at !== at)
      last = { caller, thing, at, seen: decide('list', caller, thing, at) };
    return last.seen;
  };

  const may: May = (action, caller, thing, facts) => {
    const { at, upstream } = facts;
    if (thing.kind === 'route') {
      // A listing or a discovery is for whoever may see anything behind the route.
      for (const one of byUpstream.get(upstream) ?? []) {
        const seen = decide('list', caller, one, at);
        if (seen.allow) return seen;
      }
      return DENY;
    }
    const seen = list(caller, thing, at);
    // `call` requires `list`.
    return action === 'list' || !seen.allow ? seen : decide('call', caller, thing, at, facts);
  };

  const said = new Map(granted.map(({ on, bounds }) => [on.call.id, bounds]));
  // A cached answer is one object: so is what follows from it.
  const joined = new WeakMap<readonly string[], Bounds>();
  function bounds(reasons: readonly string[], links?: MayAnswer['links']): Bounds {
    if (links) return common(links.map((one) => bounds(one)));
    let found = joined.get(reasons);
    if (!found) {
      found = together(reasons.map((id) => said.get(id) ?? NO_BOUNDS));
      joined.set(reasons, found);
    }
    return found;
  }

  const handoffs = compileHandoffs(pinned, shared);
  const texts = [...granted.map(({ on }) => on), ...cedar.map(({ file, text }) => ({ file, text }))];
  const version = digest(JSON.parse(JSON.stringify(texts)));
  return {
    may,
    version,
    flows: { ...(around.flows ?? flowsSchema.parse(undefined)), ...(handoffs && { handoffs }) },
    tasks: around.tasks ?? NO_TASKS,
    readsTaint: [...slices.values()].some(({ call }) => call.readsTaint),
    minimised: new Set([
      ...granted.flatMap(({ thing, bounds: said }) => (said.results.length > 0 ? [thing] : [])),
      ...(around.tasks?.minimised ?? []),
    ]),
    bounds,
    listed: (upstream, kind, name) =>
      listed.get(key(upstream, kind, name)) ??
      (kind === 'resource'
        ? folders.find((folder) => folder.upstream === upstream && isBelow(folder.name, name))
        : undefined),
    lacking(caller, thing) {
      if (needed.size === 0 || thing.kind === 'route' || !BY_TOKEN.has(caller.how)) return undefined;
      const all = needed.get(key(thing.upstream, thing.kind, thing.name));
      return all?.every((scope) => caller.scopes.includes(scope)) ? undefined : all;
    },
    explain(caller, thing, args, at, upstream = thing.kind === 'route' ? thing.name : thing.upstream) {
      const facts = args === undefined ? { at, upstream } : { args, at, upstream };
      const list = may('list', caller, thing, facts);
      const call = may('call', caller, thing, facts);
      const found = thing.kind === 'route' ? undefined : slices.get(key(thing.upstream, thing.kind, thing.name));
      const policies = (found?.call.policies ?? []).map((policy) => ({
        id: policy.id,
        effect: policy.json.effect,
        ask: policy.ask,
        text: textOf(policy),
        decided: call.reasons.includes(policy.id),
      }));
      return { version, list, call, policies };
    },
  };
}

function key(upstream: string, kind: PinKind, name: string): string {
  return `${upstream} ${kind} ${name}`;
}

function fail(error: string): MayAnswer {
  return Object.freeze({ allow: false, ask: false, reasons: [], error });
}

function policiesOf(thing: Pinned, action: Action, granted: readonly Granted[], own: readonly OwnPolicy[]): Policy[] {
  const grants = granted.filter((row) => row.thing === thing).map((row) => row.on[action]);
  return [...grants, ...own.filter((policy) => policy.covers(thing, action))];
}

/** Strict validation of every policy against every thing that it covers. */
function checkAll(granted: readonly Granted[], own: readonly OwnPolicy[], pinned: readonly Pinned[]): void {
  const covering = new Set<OwnPolicy>();
  const applies = new Set<OwnPolicy>();
  for (const thing of pinned) {
    const mine = own.filter((policy) => policy.covers(thing, 'list') || policy.covers(thing, 'call'));
    const grants = granted.filter((row) => row.thing === thing);
    if (mine.length + grants.length === 0) continue;
    // The two halves of a grant share an id.
    const halves = grants.flatMap(({ on }, i) => [
      { ...on.list, id: `${i} list` },
      { ...on.call, id: `${i} call` },
    ]);
    const { errors, impossible } = check(thing, [...halves, ...mine]);
    for (const { policyId, error } of errors) {
      const policy = mine.find((one) => one.id === policyId);
      if (policy) throw policy.fault(error);
      const path = grants[Number.parseInt(policyId, 10)]?.path ?? [];
      throw new RulesFault(path, error.message, error.help ?? 'see docs/controls/policy.md');
    }
    for (const policy of mine) {
      covering.add(policy);
      if (!impossible.has(policy.id)) applies.add(policy);
    }
  }
  const idle = own.find((policy) => covering.has(policy) && !applies.has(policy));
  if (idle) {
    const error = { message: 'this policy can never apply', help: null, code: null, url: null, severity: null };
    throw idle.fault(error, 'look for a misspelt attribute after `has`: no thing that it covers has it');
  }
}

function textOf(policy: Policy): string {
  if (policy.text !== undefined) return policy.text.trim();
  const shown = policyToText(policy.json);
  return shown.type === 'success' ? shown.text : '';
}
