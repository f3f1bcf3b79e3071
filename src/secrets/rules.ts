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
    connect: z
      .strictObject({
        port: z.int().min(0).max(65_535).default(0).describe('port on loopback of the pages; 0 = any that is free'),
        url: z
          .string()
          .regex(/^https:\/\/[a-z0-9.-]+(:[0-9]{1,5})?$/, 'write https://host, without a path')
          .optional()
          .describe('where a proxy of yours shows these pages to users on other machines'),
      })
      .prefault({})
      .describe('the pages on which users connect their accounts at servers'),
  })
  .prefault({});

export type SecretsConfig = z.infer<typeof schema>;
