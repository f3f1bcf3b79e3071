/** The file of API keys: who each is, what it is good for, and a digest in place of the key (guarantee ID5). */
import { z } from 'zod';
import { parseCidr } from '../lib/address.ts';
import { parseHours } from '../lib/hours.ts';
import { escapeText } from '../lib/text.ts';
import { iso } from '../lib/time.ts';

/** Times in milliseconds since the epoch. */
export interface KeyRecord {
  /** 12 hex digits; part of the key, and no secret. */
  readonly id: string;
  /** SHA-256 of the whole key, in hex. */
  readonly digest: string;
  readonly tenant: string;
  readonly subject: string;
  readonly agent: readonly string[];
  readonly groups: readonly string[];
  readonly scopes: readonly string[];
  /** Names of policy lines; what is not among them does not exist for this key. Absent = all that policy allows. */
  readonly tools?: readonly string[] | undefined;
  /** CIDR ranges that it may be used from. */
  readonly addresses?: readonly string[] | undefined;
  /** Opening hours, as in policy. */
  readonly hours?: string | undefined;
  readonly created: number;
  readonly expires: number;
  /** The key that this one was made to follow. */
  readonly replaces?: string | undefined;
  readonly revoked?: number | undefined;
}

/** How this room reads and writes files: the store gives one that checks owner and mode. */
export interface KeyFiles {
  /** The bytes, or undefined when there is no such file. Throws when others could read it. */
  read(path: string, how: { readonly cap: number }): Uint8Array | undefined;
  /** Whole or not at all, mode 0600. */
  replace(path: string, bytes: Uint8Array): void;
}

export class KeyFileFault extends Error {
  override readonly name = 'KeyFileFault';
  readonly fix: string;
  constructor(path: string, message: string) {
    super(`${path}: ${message}`);
    this.fix = 'mend the file, or remove it and make the keys anew';
  }
}

const MAX_BYTES = 8 * 1024 * 1024;
export const MAX_KEYS = 10_000;

/** Names go to policy, logs and terminals: nothing in them may hide or act. */
export const name = z
  .string()
  .min(1)
  .max(128)
  .refine((text) => text.isWellFormed() && escapeText(text) === text, 'must not hold invisible or control characters');
/** `local` is the tenant of the OS user, who is known by another credential; the vault writes `*` for all tenants. */
export const tenant = name
  .refine((text) => text !== 'local', 'the tenant `local` is that of the OS user')
  .refine((text) => text !== '*', '`*` is all tenants, and the name of none');
export const names = z.array(name).max(64);
export const tools = z.array(z.string().min(3).max(2048)).max(256);
const hexDigits = (length: number) =>
  z.string().regex(new RegExp(`^[0-9a-f]{${length}}$`), `write ${length} hex digits`);
const cidr = z
  .string()
  .refine((text) => parseCidr(text) !== undefined, 'not a range; write 10.20.0.0/16 or 203.0.113.7/32');
const hours = z
  .string()
  .refine((text) => parseHours(text) !== undefined, 'not opening hours; write "Mon-Fri 07:00-19:00 Europe/Berlin"');
const time = z.string().transform((text, context) => {
  const ms = Date.parse(text);
  if (!Number.isNaN(ms) && iso(ms) === text) return ms;
  context.addIssue({ code: 'custom', message: 'not a time in the form 2026-11-20T12:00:00.000Z' });
  return z.NEVER;
});

/** What a person decides about a key. */
export const wanted = z.strictObject({
  tenant: tenant.default('default'),
  subject: name,
  agent: names.default([]),
  groups: names.default([]),
  scopes: names.default([]),
  tools: tools.optional(),
  addresses: z.array(cidr).min(1).max(64).optional(),
  hours: hours.optional(),
});

const record = wanted.extend({
  id: hexDigits(12),
  digest: hexDigits(64),
  created: time,
  expires: time,
  replaces: hexDigits(12).optional(),
  revoked: time.optional(),
});
const content = z
  .strictObject({ v: z.literal(1), keys: z.array(record).max(MAX_KEYS) })
  .refine(({ keys }) => new Set(keys.map(({ id }) => id)).size === keys.length, 'an id occurs twice');

/** No file: no keys. Throws KeyFileFault, or what `files` throws. */
export function readKeys(path: string, files: Pick<KeyFiles, 'read'>): KeyRecord[] {
  const bytes = files.read(path, { cap: MAX_BYTES });
  if (bytes === undefined) return [];
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new KeyFileFault(path, 'is not JSON');
  }
  const parsed = content.safeParse(value);
  if (parsed.success) return parsed.data.keys;
  const [issue] = parsed.error.issues;
  throw new KeyFileFault(path, `${escapeText(issue!.path.join('.'), 256)}: ${issue!.message}`);
}

export function writeKeys(path: string, keys: readonly KeyRecord[], files: Pick<KeyFiles, 'replace'>): void {
  const shown = keys.map(({ created, expires, revoked, ...rest }) => ({
    ...rest,
    created: iso(created),
    expires: iso(expires),
    ...(revoked !== undefined && { revoked: iso(revoked) }),
  }));
  files.replace(path, Buffer.from(`${JSON.stringify({ v: 1, keys: shown }, null, 2)}\n`));
}
