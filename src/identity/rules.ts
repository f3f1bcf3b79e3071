/** The `identity` block: how callers prove who they are, beside the local token. */
import { z } from 'zod';

export const schema = z
  .strictObject({
    keys: z.boolean().default(false).describe('accept API keys, made by doorward key create'),
  })
  .prefault({});
