/** YAML with its places: every value can be traced to a line and a column. */
import { type Document, LineCounter, parseDocument } from 'yaml';
import { ConfigError, type Fault } from './fault.ts';

export type Path = readonly (string | number)[];

export interface Source {
  readonly value: unknown;
  /** The fault at `path`, or at the deepest part of it that exists. `key` points at the name rather than at the value. */
  fault(path: Path, message: string, fix: string, at?: 'key' | 'value'): Fault;
}

/** Throws ConfigError with every syntax fault. Duplicate keys are faults; aliases are refused, so nothing can grow. */
export function source(text: string, file: string): Source {
  const lines = new LineCounter();
  // A warning of the parser would show text of the file as it is.
  const quiet = { logLevel: 'error' } as const;
  const doc = parseDocument(text, { lineCounter: lines, uniqueKeys: true, strict: true, version: '1.2', ...quiet });
  const at = (offset: number, message: string, fix: string): Fault => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col), message, fix };
  };
  if (doc.errors.length > 0) {
    throw new ConfigError(
      doc.errors.map((error) =>
        at(error.pos[0], error.message.split('\n')[0]!.replace(/ at line \d+.*$/, ''), 'mend the YAML at this place'),
      ),
    );
  }
  let value: unknown;
  try {
    value = doc.toJS({ maxAliasCount: 0 });
  } catch {
    throw new ConfigError([at(0, 'aliases are not allowed', 'write the value out where it is used')]);
  }
  return { value, fault: (path, message, fix, where) => at(offsetOf(doc, path, where ?? 'value'), message, fix) };
}

function offsetOf(doc: Document, path: Path, where: 'key' | 'value'): number {
  for (let length = path.length; length > 0; length--) {
    const key = path[length - 1];
    const parent = length === 1 ? doc.contents : (doc.getIn(path.slice(0, length - 1), true) as unknown);
    const items = (parent as { items?: unknown[] } | null)?.items;
    if (!Array.isArray(items)) continue;
    const exact = length === path.length;
    if (typeof key === 'number') {
      const range = (items[key] as { range?: [number] } | undefined)?.range;
      if (range) return range[0];
      continue;
    }
    for (const pair of items as {
      key?: { value?: unknown; range?: [number] };
      value?: { range?: [number] } | null;
    }[]) {
      if (pair.key?.value !== key) continue;
      const spot = exact && where === 'value' ? (pair.value?.range ?? pair.key?.range) : pair.key?.range;
      if (spot) return spot[0];
    }
  }
  return 0;
}
