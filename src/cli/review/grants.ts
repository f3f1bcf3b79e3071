/** Adds lines to the `policy:` block of a configuration; not a byte of the rest of the file changes. */
import { Document, isMap, isScalar, isSeq, parseDocument } from 'yaml';

export interface Grants {
  readonly allow: readonly string[];
  readonly ask: readonly string[];
}

/** The configuration's text with the grants of `local` extended; unchanged text when there is nothing to add. */
export function withGrants(text: string, grants: Grants): { readonly text: string; readonly lines: number } {
  const doc = parseDocument(text);
  const place = placeOf(doc, text.length);
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
  if (lines === 0) return { text, lines };
  // A file that is one line in braces has no lines to keep.
  if (isMap(doc.contents) && doc.contents.flow) return { text: doc.toString({ lineWidth: 0 }), lines };
  const block = new Document({ policy: [] });
  block.set('policy', policy);
  const [from, to] = place;
  const [before, after] = [text.slice(0, from), text.slice(to)];
  const printed = block.toString({ lineWidth: 0, flowCollectionPadding: false });
  return { text: `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${printed}${after}`, lines };
}

/** Offsets of the `policy:` block, its line end included; the end of the text when there is none. */
function placeOf(doc: Document.Parsed, end: number): [from: number, to: number] {
  const pair = isMap(doc.contents)
    ? doc.contents.items.find(({ key }) => isScalar(key) && key.value === 'policy')
    : undefined;
  const [key, value] = [pair?.key, pair?.value] as ({ range?: [number, number, number] } | null | undefined)[];
  return [key?.range?.[0] ?? end, value?.range?.[2] ?? end];
}

function names(node: unknown): string[] {
  return isSeq(node) ? node.items.map((item) => String((item as { value?: unknown }).value ?? item)) : [];
}
