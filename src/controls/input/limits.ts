/**
 * One walk over arguments: sizes (IN2), invisible characters (IN3), numbers beyond a double, paths, URLs and quantities
 * (IN5), code in plain text (IN9).
 */
import type { Exceptions } from '../../core/call.ts';
import type { Code } from '../../core/codes/index.ts';
import { findInvisible, mayHoldInvisible } from '../../detect/invisible.ts';
import { isRawNumber, type Json } from '../../lib/json/types.ts';
import { Places, pointer } from '../../lib/schema/index.ts';
import { escapeText, utf8Length } from '../../lib/text.ts';
import { leaves } from './paths.ts';
import { misplacedNumber, misplacedText, type Plain } from './plain.ts';

export interface Limits {
  /** Bytes of UTF-8 in one string or name. */
  readonly string: number;
  /** Items of one array, members of one object. */
  readonly items: number;
  /** Containers inside each other; the arguments themselves are the first. */
  readonly depth: number;
}

export interface Problem {
  readonly code: Code;
  /** Place and kind, never a value. */
  readonly detail: string;
}

/** What a reviewer allowed one thing beyond the defaults. */
export interface Allowed {
  readonly limits: Limits;
  readonly invisible: Places;
  readonly digits: Places;
  readonly paths: readonly { readonly place: Places; readonly root: string }[];
  /** Tools. */
  readonly plain?: Plain;
}

/** Throws RangeError for an exception that is no JSON pointer. */
export function allowed(limits: Limits, exceptions: Exceptions): Allowed {
  return {
    limits: {
      string: exceptions.maxString ?? limits.string,
      items: exceptions.maxItems ?? limits.items,
      depth: exceptions.maxDepth ?? limits.depth,
    },
    invisible: new Places(exceptions.invisible),
    digits: new Places(exceptions.digits),
    paths: (exceptions.paths ?? []).map(({ pointer: at, root }) => ({ place: new Places([at]), root })),
  };
}

/** The first problem, or whether the value holds numbers beyond a double (which were allowed). */
export function examine(
  value: Json,
  { limits, invisible, digits, paths, plain }: Allowed,
): Problem | { readonly raw: boolean } {
  const path: (string | number)[] = [];
  let raw = false;

  function text(string: string, place: Places): Problem | undefined {
    if (string.length * 3 > limits.string && utf8Length(string) > limits.string) return problem('input.size', 'bytes');
    if (!mayHoldInvisible(string) || place.has(path)) return undefined;
    const [found] = findInvisible(string, 1);
    return (
      found &&
      problem('input.invisible', `${found.kind} U+${found.codePoint.toString(16).toUpperCase().padStart(4, '0')}`)
    );
  }

  function walk(node: Json, depth: number): Problem | undefined {
    if (typeof node === 'string') {
      const found = text(node, invisible);
      if (found) return found;
      const misplaced = plain && misplacedText(node, path, plain);
      if (misplaced) return problem(misplaced.code, misplaced.what);
      if (paths.length === 0) return undefined;
      const out = paths.find(({ place, root }) => place.has(path) && leaves(node, root));
      return out && problem('input.path', 'path');
    }
    if (typeof node === 'number') {
      const misplaced = plain && misplacedNumber(node, path, plain);
      return misplaced && problem(misplaced.code, misplaced.what);
    }
    if (typeof node !== 'object' || node === null) return undefined;
    if (isRawNumber(node)) {
      raw = true;
      return digits.has(path) ? undefined : problem('input.digits', 'number');
    }
    if (depth > limits.depth) return problem('input.size', 'depth');
    if (Array.isArray(node)) {
      if (node.length > limits.items) return problem('input.size', 'items');
      for (let i = 0; i < node.length; i++) {
        path.push(i);
        const found = walk(node[i]!, depth + 1);
        if (found) return found;
        path.pop();
      }
      return undefined;
    }
    let members = 0;
    for (const name in node) {
      if (++members > limits.items) return problem('input.size', 'members');
      path.push(name);
      // Nobody can review a name that is sent: no exception covers it.
      const found = text(name, NOWHERE) ?? walk(node[name]!, depth + 1);
      if (found) return found;
      path.pop();
    }
    return undefined;
  }

  function problem(code: Code, what: string): Problem {
    return { code, detail: `${escapeText(pointer(path), 256) || '/'} ${what}` };
  }

  return walk(value, 1) ?? { raw };
}

const NOWHERE = new Places();
