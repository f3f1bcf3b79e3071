/** Adds lines to the `policy:` block of a configuration without touching the rest of the file. */
import { isMap, isSeq, parseDocument } from 'yaml';

export interface Grants {
  readonly allow: readonly string[];
  readonly ask: readonly string[];
}

/** The configuration's text with the grants of `local` extended; unchanged text when there is nothing to add. */
export function withGrants(text: string, grants: Grants): { readonly text: string; readonly lines: number } {
  const doc = parseDocument(text);
  if (!isSeq(doc.get('policy', true))) doc.set('policy', doc.createNode([]));
  const policy = doc.get('policy', true);
  if (!isSeq(policy)) return { text, lines: 0 };
  policy.flow = false;
  let row = policy.items.find((item) => isMap(item) && item.get('to') === 'local' && !item.has('when'));
  let lines = 0;
  for (const word of ['allow', 'ask'] as const) {
    const known = new Set(
      policy.items.flatMap((item) => (isMap(item) ? ['allow', 'ask'].flatMap((w) => names(item.get(w, true))) : [])),
    );
    const fresh = grants[word].filter((name) => !known.has(name));
    if (fresh.length === 0) continue;
    if (!isMap(row)) {
      row = doc.createNode({ to: 'local' });
      policy.add(row);
    }
    if (!isMap(row)) continue;
    const list = row.get(word, true);
    if (isSeq(list)) for (const name of fresh) list.add(name);
    else row.set(word, doc.createNode([...fresh]));
    lines++;
  }
  return lines === 0 ? { text, lines } : { text: doc.toString({ lineWidth: 0 }), lines };
}

function names(node: unknown): string[] {
  return isSeq(node) ? node.items.map((item) => String((item as { value?: unknown }).value ?? item)) : [];
}
