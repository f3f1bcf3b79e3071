/** Whether a URI is covered by a reviewed prefix. What is not surely covered is not. */
import { isBelow } from '../lib/traversal.ts';

/** A reviewed resource whose URI ends with `/*` covers everything below that folder. */
export function isPrefix(reviewed: string): boolean {
  return reviewed.endsWith('/*');
}

export const underPrefix = isBelow;
