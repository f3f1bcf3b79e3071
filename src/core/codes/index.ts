/** The closed union of codes. One word leads each: the control, room or stage that says it. */
import { approval } from './approval.ts';
import { asks } from './asks.ts';
import { content } from './content.ts';
import { door } from './door.ts';
import { events } from './event.ts';
import { frame } from './frame.ts';
import { halt } from './halt.ts';
import { identity } from './identity.ts';
import { input } from './input.ts';
import { inventory } from './inventory.ts';
import { limits } from './limits.ts';
import { policy } from './policy.ts';
import type { Row } from './row.ts';
import { run } from './run.ts';
import { seal } from './seal.ts';

const ALL = {
  ...door,
  ...identity,
  ...frame,
  ...inventory,
  ...halt,
  ...limits,
  ...input,
  ...policy,
  ...approval,
  ...asks,
  ...content,
  ...seal,
  ...run,
  ...events,
};

export type Code = keyof typeof ALL;
export type { Row } from './row.ts';
export const CODES: Readonly<Record<Code, Row>> = ALL;
