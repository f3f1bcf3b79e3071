/** Variables of a server: references are looked up at start, plain values only where they cannot be a secret. */
import { RulesFault } from '../core/rules.ts';
import { redactText } from '../detect/secrets.ts';
import { type Places, parseReference, REFERENCE, ReferenceFault, resolveReference } from '../secrets/references.ts';

const SECRET_NAME = /token|key|secret|passw|auth|credential|dsn|private/i;

type Path = readonly (string | number)[];

/** Plain values that could be secrets. Throws RulesFault, whose text never holds a value. Looks nothing up. */
export function refuseLiterals(env: Readonly<Record<string, string>>, path: Path): void {
  for (const [name, value] of Object.entries(env)) {
    if (REFERENCE.test(value) || (!SECRET_NAME.test(name) && redactText(value).found.length === 0)) continue;
    throw new RulesFault(
      [...path, name],
      'a secret stands here by value',
      'write file:PATH (mode 0600), env:NAME or vault:NAME, and put the secret there',
    );
  }
}

/** The values, references looked up. Throws RulesFault, whose text never holds a value. */
export function resolveEnvironment(
  env: Readonly<Record<string, string>>,
  path: Path,
  base: string,
  places: Places,
): Record<string, string> {
  refuseLiterals(env, path);
  const resolved: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (!REFERENCE.test(value)) {
      resolved[name] = value;
      continue;
    }
    try {
      resolved[name] = resolveReference(parseReference(value, base), places);
    } catch (error) {
      if (error instanceof ReferenceFault) throw new RulesFault([...path, name], error.message, error.fix);
      throw new RulesFault(
        [...path, name],
        error instanceof Error ? error.message : 'cannot be read',
        'check the file and its permissions',
      );
    }
  }
  return resolved;
}
