/** Compiles a site into the immutable rules that judge calls. The only place that knows every control. */

import type { Config } from '../config/schema.ts';
import { approval } from '../controls/approval/index.ts';
import * as approvalRules from '../controls/approval/rules.ts';
import { asks } from '../controls/asks/index.ts';
import * as asksRules from '../controls/asks/rules.ts';
import { halt } from '../controls/halt/index.ts';
import { input } from '../controls/input/index.ts';
import * as inputRules from '../controls/input/rules.ts';
import { limits } from '../controls/limits/index.ts';
import * as limitsRules from '../controls/limits/rules.ts';
import { output } from '../controls/output/index.ts';
import * as outputRules from '../controls/output/rules.ts';
import type { Flows } from '../controls/policy/flows.ts';
import { carrying } from '../controls/policy/handoffs/carry.ts';
import { policy } from '../controls/policy/index.ts';
import * as policyRules from '../controls/policy/rules.ts';
import { compileTasks } from '../controls/policy/tasks.ts';
import { redact } from '../controls/redact/index.ts';
import * as redactRules from '../controls/redact/rules.ts';
import { screen } from '../controls/screen/index.ts';
import * as screenRules from '../controls/screen/rules.ts';
import { openedBy, opening, seal } from '../controls/seal/index.ts';
import * as sealRules from '../controls/seal/rules.ts';
import type { Extension, Family } from '../core/call.ts';
import type { FieldCipher, Opening } from '../core/fields.ts';
import { type Column, type ControlId, column, ORDER_IN, ORDER_OUT, type Row } from '../core/order.ts';
import type { Shelf, Snapshot } from '../core/ports.ts';
import { type RuleContext, RulesFault } from '../core/rules.ts';
import type { Control } from '../core/verdict.ts';

export type ControlConfig = Pick<Config, Exclude<ControlId, 'halt' | 'asks' | 'seal'>> &
  Partial<Pick<Config, 'flows' | 'tasks'>>;

export const CONTROLS = {
  halt,
  limits,
  seal,
  input,
  asks,
  policy,
  screen,
  redact,
  approval,
  output,
} as unknown as Readonly<Record<ControlId, Control<unknown>>>;

export interface SnapshotParts {
  readonly id: string;
  readonly config: ControlConfig;
  readonly context: RuleContext;
  readonly shelf: Shelf;
  readonly routes: ReadonlyMap<string, string>;
  /** Upstream -> extensions of MCP that are let through. */
  readonly extensions?: ReadonlyMap<string, readonly Extension[]>;
  /** For measurements only: controls left out of the tables. */
  readonly without?: readonly ControlId[];
}

/** Throws RulesFault; its path leads into the configuration. */
export function compileSnapshot(parts: SnapshotParts): Snapshot {
  const { id, config, context, shelf, routes, extensions } = parts;
  const { fields } = context;
  const seals = sealRules.isUsed(context);
  const without = [...(parts.without ?? []), ...(seals ? [] : ['seal' as const])];
  const opened: Opening = (call) => openedBy(fields, call);
  const compiledInput = within('input', () => inputRules.compile(config.input, { ...context, opened }));
  const tasks = within('tasks', () => compileTasks(config.tasks ?? {}, context));
  const around = { tasks, ...(config.flows && { flows: config.flows }) };
  const compiledPolicy = within('policy', () => policyRules.compile(config.policy, context, around));
  const rules: Readonly<Record<ControlId, unknown>> = {
    halt: undefined,
    limits: within('limits', () => limitsRules.compile(config.limits, context)),
    seal: sealRules.compile(context),
    input: compiledInput,
    asks: asksRules.compile(context),
    policy: compiledPolicy,
    screen: within('screen', () => screenRules.compile(config.screen, context)),
    redact: within('redact', () => redactRules.compile(config.redact, context)),
    approval: within('approval', () => approvalRules.compile(config.approval, context)),
    output: within('output', () =>
      outputRules.compile(config.output, { ...context, minimised: compiledPolicy.minimised }),
    ),
  };
  const columns = (order: readonly Row[], way: 'decide' | 'inspect') => {
    const made = new Map<Column, readonly Control<unknown>[]>();
    for (const name of COLUMNS) {
      const row = order.filter(({ id, on }) => on.has(name) && !without.includes(id)).map(({ id }) => CONTROLS[id]);
      for (const control of row)
        if (!control[way]) throw new Error(`the order table has ${control.id} on the way it does not work`);
      made.set(name, Object.freeze(row));
    }
    return made;
  };
  const inward = columns(ORDER_IN, 'decide');
  const outward = columns(ORDER_OUT, 'inspect');
  return Object.freeze({
    id,
    shelf,
    may: compiledPolicy.may,
    routes,
    ...(extensions && { extensions }),
    // Answers are arguments, whatever asked for them: the column of calls has every row.
    in: (family: Family, resumed = false) => inward.get(resumed ? 'call' : family)!,
    out: (family, message) => outward.get(column(family, message))!,
    of: (control: ControlId) => rules[control],
    ...farEnds(compiledPolicy.flows, seals, fields),
    refit: (call) => (call.family === 'task' ? undefined : compiledInput.refit(call)),
  } satisfies Snapshot);
}

/** What some calls need around their far end. */
function farEnds({ handoffs, ...flows }: Flows, seals: boolean, fields?: FieldCipher): Pick<Snapshot, 'around'> {
  if (!handoffs && !seals) return {};
  const meeting = handoffs && { ...flows, handoffs };
  return {
    around(call, far, found, state) {
      const opens = seals ? opening(call, far, fields) : undefined;
      const carries = meeting && carrying(call, opens ?? far, found, meeting, state);
      return carries ?? opens;
    },
  };
}

const COLUMNS: readonly Column[] = ['call', 'list', 'read', 'get', 'complete', 'listen', 'task', 'note'];

/** A room does not know under which key it stands. */
function within<T>(key: ControlId | 'tasks', compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    if (error instanceof RulesFault && error.path[0] !== key)
      throw new RulesFault([key, ...error.path], error.message, error.fix);
    throw error;
  }
}
