/** From text to a Config, or to faults that name file, line, column and fix. Pure: files are read by the caller. */
import type { z } from 'zod';
import { closest } from '../lib/text.ts';
import { ConfigError, type Fault } from './fault.ts';
import { type Config, jsonSchema, schema } from './schema.ts';
import { type Path, type Source, source } from './source.ts';

export interface Loaded {
  readonly config: Config;
  readonly source: Source;
}

/** Throws ConfigError. `file` is the name to show. */
export function loadConfig(text: string, file: string): Loaded {
  const from = source(text, file);
  const parsed = schema.safeParse(from.value ?? {});
  if (!parsed.success) throw new ConfigError(parsed.error.issues.flatMap((issue) => faults(issue, from)));
  return { config: parsed.data, source: from };
}

function faults(issue: z.core.$ZodIssue, from: Source): Fault[] {
  const path = issue.path as Path;
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(path);
    return issue.keys.map((key) => {
      const near = closest(key, known);
      const fix = near
        ? `did you mean \`${near}\`?`
        : known.length > 0
          ? `known here: ${known.join(', ')}`
          : 'remove it';
      return from.fault([...path, key], `unknown key \`${key}\``, fix, 'key');
    });
  }
  if (issue.code === 'invalid_key' || issue.code === 'invalid_value') {
    const values = issue.code === 'invalid_value' ? issue.values.map(String) : [];
    const near = closest(String(path.at(-1) ?? ''), values);
    const fix = near
      ? `did you mean \`${near}\`?`
      : values.length > 0
        ? `one of: ${values.join(', ')}`
        : 'mend the name';
    const message =
      issue.code === 'invalid_key'
        ? issue.issues.map((inner) => inner.message).join('; ')
        : `${named(path)}: ${issue.message}`;
    return [from.fault(path, message, fix, issue.code === 'invalid_key' ? 'key' : 'value')];
  }
  // The branch of a union that got furthest says best what is wrong.
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const best = [...issue.errors].sort((a, b) => depth(b) - depth(a))[0]!;
    if (best.length > 0 && depth(best) > 0) {
      return best.flatMap((inner) =>
        faults({ ...inner, path: [...issue.path, ...inner.path] } as z.core.$ZodIssue, from),
      );
    }
  }
  return [from.fault(path, `${named(path)}: ${issue.message}`, hint(issue))];
}

function named(path: Path): string {
  return path.length === 0 ? 'the file' : `\`${path.join('.')}\``;
}

function depth(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0)));
}

function hint(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `write a value of type ${issue.expected}`;
  if (issue.code === 'too_small') return `at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `at most ${issue.maximum}`;
  return 'see the configuration reference';
}

/** The names that the schema knows at a path, read off the exported JSON Schema. */
function keysAt(path: Path): string[] {
  type Node = {
    propertyNames?: { enum?: string[] };
    properties?: Record<string, Node>;
    additionalProperties?: Node;
    items?: Node;
    anyOf?: Node[];
    allOf?: Node[];
    $ref?: string;
  };
  const root = jsonSchema() as Node & { $defs?: Record<string, Node> };
  let nodes: Node[] = [root];
  const open = (node: Node): Node[] => {
    const seen = node.$ref ? root.$defs?.[node.$ref.replace('#/$defs/', '')] : node;
    return seen ? [seen, ...(seen.anyOf ?? []).flatMap(open), ...(seen.allOf ?? []).flatMap(open)] : [];
  };
  for (const step of path) {
    nodes = nodes.flatMap(open).flatMap((node) => {
      const next = typeof step === 'number' ? node.items : (node.properties?.[step] ?? node.additionalProperties);
      return next && typeof next === 'object' ? [next] : [];
    });
  }
  return [
    ...new Set(
      nodes
        .flatMap(open)
        .flatMap((node) => [...Object.keys(node.properties ?? {}), ...(node.propertyNames?.enum ?? [])]),
    ),
  ];
}
