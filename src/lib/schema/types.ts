import type { Json } from '../json/types.ts';

/** JSON pointers into the instance; `*` stands for any item or any name, '' for the root. */
export interface Openings {
  readonly additional?: readonly string[];
}

/**
 * How much of a schema is closed against names that it does not declare.
 * true: every object at every level, unless an opening lists it (guarantee IN1, for arguments).
 * 'declared': objects for which the schema declares names and says nothing of others (guarantee OU4, for results).
 * false: nothing; the plain meaning of JSON Schema 2020-12.
 */
export type Strictness = boolean | 'declared';

/** Why a value was refused. `detail` names a place and a keyword, never a value. */
export interface SchemaFault {
  /** `pattern`: the check ran out of its work budget. */
  readonly kind: 'schema' | 'pattern';
  readonly detail: string;
}

export interface CompiledSchema {
  /** undefined = fits. Synchronous, bounded work, never throws. Numbers must be doubles (see `plain`). */
  check(value: Json): SchemaFault | undefined;
}

/** What a reviewer should know of a schema. `refused`: the thing cannot be pinned; `open`: needs an exception; `note`. */
export interface SchemaFinding {
  readonly rule:
    | 'schema.budget'
    | 'schema.ref'
    | 'schema.pattern'
    | 'schema.keyword'
    | 'schema.format'
    | 'schema.invalid'
    | 'schema.open';
  readonly severity: 'refused' | 'open' | 'note';
  /** JSON pointer into the schema; for `schema.open` into the instance, as an exception would list it. */
  readonly at: string;
  readonly detail: string;
}

/** The schema cannot be used: over a budget, a remote reference, a pattern without linear time, not valid. */
export class SchemaRefused extends Error {
  readonly finding: SchemaFinding;
  constructor(rule: SchemaFinding['rule'], at: string, detail: string) {
    super(`${at === '' ? '/' : at}: ${detail}`);
    this.name = 'SchemaRefused';
    this.finding = { rule, severity: 'refused', at, detail };
  }
}
