/**
 * What a policy reads, taken from Cedar's own JSON form of it. A decision is asked, and cached, with exactly these
 * facts; whatever this analysis missed would be an absent attribute, hence an evaluation error, hence a denial.
 */
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { Uid } from './types.ts';

/** A place in principal, resource or context. */
export interface Reads {
  /** The value itself is read, with all that it holds. */
  whole: boolean;
  /** Literals that a set was asked for by `contains`: no other element can matter (unless `whole`). */
  readonly literals: Set<string>;
  readonly members: Map<string, Reads>;
}

export interface PolicyReads {
  readonly principal: Reads;
  /** Which caller it is, by entity id. */
  who: boolean;
  /** Where the resource stands: below its Upstream. */
  place: boolean;
  readonly resource: Reads;
  readonly context: Reads;
  /** Every entity that the policy names. */
  readonly entities: Uid[];
}

type Expr = { readonly [op: string]: unknown };

export function none(): Reads {
  return { whole: false, literals: new Set(), members: new Map() };
}

export function readsOf(policies: readonly PolicyJson[]): PolicyReads {
  const reads: PolicyReads = {
    principal: none(),
    who: false,
    place: false,
    resource: none(),
    context: none(),
    entities: [],
  };
  for (const { principal, action, resource, conditions } of policies) {
    reads.who ||= principal.op === '==' || principal.op === 'in' || 'in' in principal;
    reads.place ||= resource.op === 'in' || 'in' in resource;
    for (const constraint of [principal, action, resource]) named(constraint, reads);
    for (const { body } of conditions) walk(body as Expr, reads);
  }
  reads.who ||= reads.principal.whole;
  reads.place ||= reads.resource.whole;
  return reads;
}

/** The members read under a path; undefined when nothing there is read. */
export function under(reads: Reads, ...path: readonly string[]): Reads | undefined {
  let at: Reads | undefined = reads;
  for (const name of path) {
    if (at?.whole) return at;
    at = at?.members.get(name);
  }
  return at;
}

export function anything(reads: Reads | undefined): boolean {
  return reads !== undefined && (reads.whole || reads.literals.size > 0 || reads.members.size > 0);
}

function named(value: unknown, all: PolicyReads): void {
  if (typeof value !== 'object' || value === null) return;
  const { type, id } = value as Partial<Uid>;
  if (typeof type === 'string' && typeof id === 'string') all.entities.push({ type, id });
  else for (const inner of Object.values(value)) named(inner, all);
}

function walk(expr: Expr, all: PolicyReads): void {
  if (typeof expr !== 'object' || expr === null) return;
  for (const [op, operand] of Object.entries(expr)) {
    const { left, right, attr, in: within } = (operand ?? {}) as { left: Expr; right: Expr; attr: string; in?: Expr };
    switch (op) {
      case 'Value':
        named(operand, all);
        break;
      case 'Var':
      case '.':
        touch(expr, all, (place) => {
          place.whole = true;
        });
        break;
      case 'has':
        touch({ '.': { left, attr: [attr].flat()[0] } }, all, (place) => {
          for (const name of [attr].flat().slice(1)) place = member(place, name);
          place.whole = true;
        });
        break;
      case 'contains': {
        const literal = right['Value'];
        if (typeof literal === 'string') touch(left, all, (place) => void place.literals.add(literal));
        else for (const side of [left, right]) walk(side, all);
        break;
      }
      case 'like':
      case 'is':
        walk(left, all);
        if (within) walk(within, all);
        break;
      case 'Record':
        for (const value of Object.values(operand as Record<string, Expr>)) walk(value, all);
        break;
      default:
        for (const inner of Object.values(operand as object).flat()) walk(inner as Expr, all);
    }
  }
}

/** Marks the place that `a.b.c` leads to; for anything that is no plain path, all that its parts read. */
function touch(expr: Expr, all: PolicyReads, mark: (place: Reads) => void): void {
  const path: string[] = [];
  let at = expr;
  while ('.' in at) {
    const { left, attr } = at['.'] as { left: Expr; attr: string };
    path.unshift(attr);
    at = left;
  }
  const root = at['Var'];
  if (root === 'action') return;
  if (typeof root !== 'string') {
    walk(at, all);
    return;
  }
  let place = all[root as 'principal' | 'resource' | 'context'];
  for (const name of path) place = member(place, name);
  mark(place);
}

function member(place: Reads, name: string): Reads {
  let next = place.members.get(name);
  if (!next) place.members.set(name, (next = none()));
  return next;
}
