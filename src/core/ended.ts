import type { JsonObject } from '../lib/json/types.ts';
import type { Code } from './codes/index.ts';
import type { Question } from './verdict.ts';

/** Why a call ended before its reply. The first one is final, even if a handler swallows it. */
export class Ended extends Error {
  readonly kind: 'stop' | 'ask' | 'cancel' | 'timeout';
  readonly code: Code;
  readonly detail: string | undefined;
  readonly question: Question | undefined;
  /** `data` of the error that the caller gets. */
  readonly data: JsonObject | undefined;
  /** A page of ours where this caller can put it right. */
  link: string | undefined;
  constructor(kind: Ended['kind'], code: Code, detail?: string, question?: Question, data?: JsonObject) {
    super(code);
    this.kind = kind;
    this.code = code;
    this.detail = detail;
    this.question = question;
    this.data = data;
  }
}
