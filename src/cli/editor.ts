import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonSchema } from '../config/schema.ts';

/** Writes the schema for editors beside the state, where the first line of a configuration points to; a convenience only. */
export function writeEditorSchema(stateDir: string): void {
  if (!existsSync(stateDir)) return;
  const path = join(stateDir, 'schema.json');
  const text = `${JSON.stringify(jsonSchema(), null, 2)}\n`;
  try {
    if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text, { mode: 0o600 });
  } catch {
    // An editor without completion is no reason to fail.
  }
}
