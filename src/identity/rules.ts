/** The `identity` block: how callers prove who they are, beside the local token. */
import { z } from 'zod';
import { schema as oauth } from './oauth/rules.ts';

export const schema = z
  .strictObject({
    keys: z.boolean().default(false).describe('accept API keys, made by doorward key create'),
    oauth: oauth.optional().describe('accept access tokens of OAuth 2.1 issuers'),
  })
  .prefault({});
