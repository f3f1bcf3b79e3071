/**
 * The keys of this installation, in one file of mode 0600: sealing keys (newest first), the key pair that signs the
 * audit log, and the key of fingerprints. The vault takes its place later; what uses a key sees only this interface.
 */
import { createHmac, createPrivateKey, createPublicKey, type KeyObject, sign as signWith } from 'node:crypto';
import { z } from 'zod';
import type { Clock, Random } from '../core/state.ts';
import { base64url, fromBase64url, hex, sha256 } from '../lib/bytes.ts';
import type { KeyRing } from '../lib/seal.ts';
import { iso } from '../lib/time.ts';
import type { PrivateFiles } from './private.ts';

/** What a signed statement begins with: no other text that this key signs does. */
export const STATEMENT = 'doorward.provenance/1\n';

export interface Keys extends KeyRing {
  /** Ed25519 (RFC 8032) for checkpoints of the audit log. */
  readonly audit: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  /** Twelve hex digits that tell whether two secrets are the same, and nothing else, to a holder of this log. */
  fingerprint(secret: string): string;
  /** Ed25519 over `doorward.provenance/1`, a line end and the text; base64url. */
  sign(text: string): string;
  /** A new sealing key; the older ones open what they sealed, the last `keep` of them. */
  rotate(keep: number): void;
}

export interface KeyWorld {
  readonly files: PrivateFiles;
  readonly clock: Clock;
  readonly random: Random;
}

/** The file is damaged or is not ours. Says where, never what. */
export class KeysFault extends Error {
  override readonly name = 'KeysFault';
}

const KEY = 32;
const CAP = 65_536;
/** RFC 8410: what stands before the 32 bytes of an Ed25519 private key in PKCS #8. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

const key = z.string().refine((text) => fromBase64url(text)?.length === KEY);
const schema = z.strictObject({
  v: z.literal(1),
  sealing: z
    .array(z.strictObject({ kid: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/), key, created: z.iso.datetime() }))
    .min(1)
    .refine((list) => new Set(list.map((k) => k.kid)).size === list.length),
  audit: z.strictObject({ ed25519: key }),
  fingerprint: key,
});
type File = z.infer<typeof schema>;

/** Reads the ring, or makes one. Throws KeysFault, and what `files` throws when others could read it. */
export function openKeys(path: string, world: KeyWorld): Keys {
  let file = read(path, world.files) ?? make(path, world);
  let ring = sealing(file);
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8, fromBase64url(file.audit.ed25519)!]),
    format: 'der',
    type: 'pkcs8',
  });
  const marks = fromBase64url(file.fingerprint)!;
  return {
    current: () => ring[0]!,
    find: (kid) => ring.find((k) => k.kid === kid)?.key,
    audit: { privateKey, publicKey: createPublicKey(privateKey) },
    fingerprint: (secret) => createHmac('sha256', marks).update(secret).digest('hex').slice(0, 12),
    sign: (text) => base64url(signWith(null, Buffer.from(`${STATEMENT}${text}`), privateKey)),
    rotate(keep) {
      const next = { ...file, sealing: [fresh(world), ...file.sealing.slice(0, Math.max(0, keep))] };
      world.files.replace(path, print(next));
      file = next;
      ring = sealing(file);
    },
  };
}

function read(path: string, files: PrivateFiles): File | undefined {
  const bytes = files.read(path, { cap: CAP });
  if (!bytes) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    // The parser's message would quote the file.
    throw new KeysFault(`${path}: not JSON`);
  }
  const { data, error } = schema.safeParse(parsed);
  if (error) throw new KeysFault(`${path}: damaged at ${error.issues[0]?.path.join('.') || 'the top'}`);
  return data;
}

function make(path: string, world: KeyWorld): File {
  const file: File = {
    v: 1,
    sealing: [fresh(world)],
    audit: { ed25519: base64url(world.random(KEY)) },
    fingerprint: base64url(world.random(KEY)),
  };
  if (world.files.create(path, print(file))) return file;
  // Another process was first: its keys are the keys.
  const theirs = read(path, world.files);
  if (!theirs) throw new KeysFault(`${path}: came and went while it was opened`);
  return theirs;
}

function fresh({ random, clock }: KeyWorld): File['sealing'][number] {
  const bytes = random(KEY);
  return { kid: hex(sha256(bytes)).slice(0, 8), key: base64url(bytes), created: iso(clock()) };
}

function sealing(file: File): { readonly kid: string; readonly key: Uint8Array }[] {
  return file.sealing.map((k) => ({ kid: k.kid, key: fromBase64url(k.key)! }));
}

function print(file: File): Uint8Array {
  return Buffer.from(`${JSON.stringify(file, null, 2)}\n`);
}
