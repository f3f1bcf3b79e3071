/**
 * Takes secrets and card numbers out of texts, JSON values and byte streams (guarantees OU2, AU6). One set of rules
 * (`data/secrets.json`) serves results, arguments, logs, errors and stderr.
 */

export { NAMED } from './judge.ts';
export { PII, type PiiKind } from './pii.ts';
export { Protected } from './protected.ts';
export {
  type Fingerprint,
  type Found,
  mayHold,
  mayHolding,
  type RedactedText,
  redacting,
  redactText,
} from './replace.ts';
export { RULES } from './rules.ts';
export { type Sought, seeksMore } from './source.ts';
export { StreamRedactor } from './stream.ts';
export { SYSTEM, type SystemKind } from './system.ts';
export { type RedactedJson, redactingJson, redactJson } from './tree.ts';
