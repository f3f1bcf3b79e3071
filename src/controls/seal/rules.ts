/** What seal needs: the key for fields. Which fields of which tools, a reviewer says in `doorward.lock`. */
import type { FieldCipher } from '../../core/fields.ts';
import type { RuleContext } from '../../core/rules.ts';
import type { Steps } from '../../lib/json/replace.ts';
import { segments } from '../../lib/schema/index.ts';

export interface Rules {
  /** Absent where nothing is dispatched. */
  readonly fields?: FieldCipher;
}

export function compile({ fields }: Pick<RuleContext, 'fields'>): Rules {
  return fields ? { fields } : {};
}

/** Whether any tool has sealed fields. */
export function isUsed({ pinned }: Pick<RuleContext, 'pinned'>): boolean {
  return pinned.some(({ seal }) => seal !== undefined);
}

const known = new WeakMap<readonly string[], readonly Steps[]>();

/** The lock has made sure that these are pointers; its lists live as long as the rules. */
export function placesOf(pointers: readonly string[]): readonly Steps[] {
  let places = known.get(pointers);
  if (!places) known.set(pointers, (places = pointers.map((pointer) => segments(pointer)!)));
  return places;
}
