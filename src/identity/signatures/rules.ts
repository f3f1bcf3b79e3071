/** The `identity.signatures` block: keys that sign requests, and whom each speaks for. */
import { z } from 'zod';
import { callerOf, facts } from '../facts.ts';
import { ALGORITHMS, MIN_SECRET, publicKey, sharedKey } from './algorithms.ts';
import type { SignatureKey } from './verify.ts';

const key = z
  .strictObject({
    algorithm: z.enum(ALGORITHMS),
    public: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe('PEM file of the public key; for ed25519 and ecdsa-p256-sha256'),
    secret: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe('reference (file:PATH, env:NAME, vault:NAME) to at least 32 bytes; for hmac-sha256'),
    ...facts,
  })
  .refine(({ algorithm, public: pem, secret }) => (algorithm === 'hmac-sha256' ? secret && !pem : pem && !secret), {
    message: 'hmac-sha256 has a `secret`, the others have a `public` key',
  });

export const signatures = z.strictObject({
  required: z
    .boolean()
    .default(false)
    .describe('whether a request over HTTP that is not signed is refused, whatever else it brings'),
  tag: z
    .string()
    .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/, 'visible ASCII without quotes')
    .default('doorward')
    .describe('a signature with another tag is for another application'),
  keys: z
    .record(z.string().regex(/^[A-Za-z0-9._:-]{1,64}$/, 'letters, digits and . _ : -, at most 64'), key)
    .describe('key id -> key, and whom it speaks for; without a subject that is the key id'),
});

export type SignaturesConfig = z.infer<typeof signatures>;

export class SignatureKeyFault extends Error {
  override readonly name = 'SignatureKeyFault';
}

/** `read` answers for the file of a public key and `secret` for a reference; both may throw. Throws SignatureKeyFault. */
export function compileKeys(
  { keys }: SignaturesConfig,
  read: (file: string) => Uint8Array,
  secret: (reference: string) => string,
): Map<string, SignatureKey> {
  return new Map(
    Object.entries(keys).map(([id, { algorithm, public: pem, secret: reference, ...stated }]) => {
      const made =
        pem === undefined
          ? sharedKey(Buffer.from(secret(reference!)))
          : publicKey(algorithm, Buffer.from(read(pem)).toString('latin1'));
      if (!made) {
        const wanted = pem === undefined ? `a secret of ${MIN_SECRET} bytes and more` : `a public key for ${algorithm}`;
        throw new SignatureKeyFault(`identity.signatures.keys.${id}: not ${wanted}`);
      }
      const caller = callerOf(stated, id, { issuer: 'signatures', how: 'signature', credential: id });
      return [id, { id, algorithm, key: made, caller }];
    }),
  );
}
