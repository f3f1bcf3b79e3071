/** The `secrets` block: how the vault is opened, and where users connect their accounts. */
import { z } from 'zod';

export const schema = z
  .strictObject({
    unlock: z
      .enum(['keyfile', 'systemd', 'passphrase'])
      .default('keyfile')
      .describe(
        'what opens the vault: a file of mode 0600, a credential of systemd, or a passphrase that a person types',
      ),
    keyfile: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe('file of the key, relative to this file; vault.key in the state folder by default'),
    systemd: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'write the name in LoadCredential=')
      .default('doorward-vault')
      .describe('name of the credential in LoadCredential='),
  })
  .prefault({});

export type SecretsConfig = z.infer<typeof schema>;
