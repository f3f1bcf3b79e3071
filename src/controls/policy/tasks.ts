/**
 * Intent (guarantee AZ7): a task says which tools, in which order, with which arguments make sense. It is declared by a
 * claim of the verified token, or configured for an agent; what lies outside needs a person, or is denied.
 */
import { z } from 'zod';
import type { Caller, CallView, Family, Pinned } from '../../core/call.ts';
import { type RuleContext, RulesFault } from '../../core/rules.ts';
import type { Maybe, State } from '../../core/state.ts';
import { isObject, type Json } from '../../lib/json/types.ts';
import { onlyOfTools, type Results, results } from './bounds.ts';
import { flowOf } from './flows.ts';
import { nameOf, namesOf } from './names.ts';

const text = z.string().min(1).max(2048);
const scalar = z.union([text, z.int(), z.boolean()]);
const bound = z.union([
  scalar,
  z.strictObject({ min: z.int().optional(), max: z.int().optional() }),
  z.strictObject({ in: z.array(scalar).min(1) }),
]);

const task = z.strictObject({
  for: z
    .strictObject({ agent: text.optional(), subject: text.optional(), tenant: text.optional() })
    .refine((who) => Object.keys(who).length > 0, 'name at least one of agent, subject, tenant')
    .optional()
    .describe('callers that always work on this task; others name it by the claim `task` of their token'),
  tools: z.array(text).min(1).describe('upstream.tool: what the task needs'),
  after: z
    .record(text, z.array(text).min(1))
    .default({})
    .describe('tool -> tools of which one must have been called before it, in the same session'),
  args: z
    .record(text, z.record(text, bound))
    .default({})
    .describe('tool -> argument -> value, { min, max } or { in: [...] }'),
  results: z.record(text, results).default({}).describe('tool -> the fields of its result that the task needs'),
  otherwise: z.enum(['ask', 'deny']).default('ask').describe('what a call outside the task needs'),
});

export const schema = z.record(z.string().regex(/^[a-z][a-z0-9-]{0,63}$/), task).default({});
export type TasksConfig = z.infer<typeof schema>;

type Bound = z.infer<typeof bound>;
interface Task {
  readonly name: string;
  readonly for: z.infer<typeof task>['for'];
  readonly tools: ReadonlySet<string>;
  readonly after: ReadonlyMap<string, readonly string[]>;
  /** The tools that come before another: only these are remembered. */
  readonly first: ReadonlySet<string>;
  readonly args: ReadonlyMap<string, readonly (readonly [path: readonly string[], bound: Bound])[]>;
  readonly results: ReadonlyMap<string, Results>;
  readonly otherwise: 'ask' | 'deny';
}

export interface Tasks {
  /** The task of this caller; `unknown` = their token names one that is not configured. */
  of(caller: Caller): Task | 'unknown' | undefined;
  /** Things of which some task needs only fields of the result. */
  readonly minimised: readonly Pinned[];
}

export const NO_TASKS: Tasks = Object.freeze({ minimised: [], of: () => undefined });

/** The claim that names the task. */
const CLAIM = 'task';

/** Throws RulesFault for names that are not pinned or not of the task. */
export function compileTasks(config: TasksConfig, { pinned }: Pick<RuleContext, 'pinned'>): Tasks {
  const names = namesOf(pinned);
  const minimised: Pinned[] = [];
  const tasks = Object.entries(config).map(([name, said]): Task => {
    const tools = new Set(said.tools.map((tool, i) => nameOf(names.resolve(tool, [name, 'tools', i]))));
    const own = (tool: string, path: readonly (string | number)[]) => {
      if (!tools.has(tool)) throw new RulesFault(path, `\`${tool}\` is not a tool of this task`, 'add it to `tools`');
      return tool;
    };
    for (const [tool, before] of Object.entries(said.after)) {
      own(tool, [name, 'after', tool]);
      for (const [i, one] of before.entries()) own(one, [name, 'after', tool, i]);
    }
    for (const tool of Object.keys(said.results)) {
      const path = [name, 'results', tool];
      const thing = names.resolve(own(tool, path), path);
      minimised.push(onlyOfTools(thing, path));
    }
    return {
      name,
      for: said.for,
      tools,
      after: new Map(Object.entries(said.after)),
      first: new Set(Object.values(said.after).flat()),
      args: new Map(
        Object.entries(said.args).map(([tool, bounds]) => [
          own(tool, [name, 'args', tool]),
          Object.entries(bounds).map(([arg, rule]) => [arg.split('.'), rule] as const),
        ]),
      ),
      results: new Map(Object.entries(said.results)),
      otherwise: said.otherwise,
    };
  });
  const byName = new Map(tasks.map((one) => [one.name, one]));
  return {
    minimised,
    of(caller) {
      if (tasks.length === 0) return undefined;
      const claimed = caller.claims[CLAIM];
      if (claimed !== undefined) return (typeof claimed === 'string' && byName.get(claimed)) || 'unknown';
      return tasks.find(({ for: who }) => who !== undefined && fits(who, caller));
    },
  };
}

function fits({ agent, subject, tenant }: NonNullable<Task['for']>, caller: Caller): boolean {
  return (
    (agent === undefined || caller.agent.includes(agent)) &&
    (subject === undefined || caller.subject === subject) &&
    (tenant === undefined || caller.tenant === tenant)
  );
}

/** What the task leaves of the result of a thing. */
export function needs(task: Task, thing: Pinned): Results | undefined {
  return task.results.size === 0 ? undefined : task.results.get(nameOf(thing));
}

/** Why a call lies outside of the task; undefined when it makes sense. `before` = tools called earlier. */
export function outside(task: Task, thing: Pinned, args: Json, before: ReadonlySet<string>): string | undefined {
  const name = nameOf(thing);
  if (!task.tools.has(name)) return `${name} is not part of ${task.name}`;
  const first = task.after.get(name);
  if (first && !first.some((tool) => before.has(tool))) return `${name} before ${first.join(' or ')}`;
  const misfit = task.args.get(name)?.find(([path, rule]) => !within(at(args, path), rule));
  return misfit && `${name} with another ${misfit[0].join('.')}`;
}

function at(args: Json, path: readonly string[]): Json | undefined {
  let value: Json | undefined = args;
  for (const step of path) value = isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  return value;
}

function within(value: Json | undefined, rule: Bound): boolean {
  if (typeof rule !== 'object') return value === rule;
  if ('in' in rule) return rule.in.includes(value as string);
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = rule;
  return typeof value === 'number' && value >= min && value <= max;
}

const SPACE = 'task';

/** Which of the tools that could come first were called in this flow. */
export function called(task: Task, thing: Pinned, call: CallView, state: State): Maybe<ReadonlySet<string>> {
  const wanted = task.after.get(nameOf(thing)) ?? [];
  if (wanted.length === 0) return NONE;
  const flow = flowOf(call);
  const found = wanted.map((tool) => state.get(SPACE, `${flow} ${tool}`));
  const those = (values: readonly unknown[]) => new Set(wanted.filter((_, i) => values[i] !== undefined));
  return found.some((one) => one instanceof Promise) ? Promise.all(found).then(those) : those(found);
}
const NONE: ReadonlySet<string> = new Set();

/**
 * After a call that was sent: what follows it makes sense now. Only the calls of a task that wants to know are remembered,
 * so that nobody else can fill what is. To complete its arguments is not to call it.
 */
export function note(call: CallView, tasks: Tasks, window: number, state: State): Maybe<void> {
  if (call.target.kind === 'route' || !CALLS.has(call.family)) return undefined;
  const task = tasks.of(call.caller);
  if (task === undefined || task === 'unknown') return undefined;
  const name = nameOf(call.target);
  return task.first.has(name) ? state.put(SPACE, `${flowOf(call)} ${name}`, true, window) : undefined;
}
const CALLS: ReadonlySet<Family> = new Set(['call', 'get', 'read']);
