/**
 * Configuration holds references to secrets, never secrets (guarantee SE1): `file:PATH`, `env:NAME` and `vault:NAME`. Faults name the
 * place where the secret should be. They never hold a value, nor a text that stands where a reference should.
 */
import { isAbsolute, resolve } from 'node:path';
import type { PrivateFiles } from './private.ts';

export type Reference =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'vault'; readonly name: string };

export class ReferenceFault extends Error {
  override readonly name = 'ReferenceFault';
  readonly fix: string;
  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}

/** What to do about it, of any fault of this room that says so: of a reference, a file, the vault. */
export function fixOf(error: unknown): string | undefined {
  const fix = error instanceof Error && 'fix' in error ? error.fix : undefined;
  return typeof fix === 'string' ? fix : undefined;
}

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
/** Names of the operator's entries in the vault. */
export const VAULT_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
/** What a reference begins with. */
export const REFERENCE = /^(file|env|vault):/;
const CAP = 65_536;
const FORMS = 'write file:PATH (mode 0600), env:NAME or vault:NAME, and put the secret there';

/** Relative paths start at `base`, the folder of the configuration. Throws ReferenceFault. */
export function parseReference(text: string, base: string): Reference {
  if (text.startsWith('file:')) {
    const path = text.slice(5);
    if (path === '' || path.includes('\0')) throw new ReferenceFault('file: needs a path', FORMS);
    return { kind: 'file', path: isAbsolute(path) ? path : resolve(base, path) };
  }
  if (text.startsWith('env:')) {
    const name = text.slice(4);
    if (!ENV_NAME.test(name)) throw new ReferenceFault('env: needs the name of a variable', FORMS);
    return { kind: 'env', name };
  }
  if (text.startsWith('vault:')) {
    const name = text.slice(6);
    if (!VAULT_NAME.test(name)) throw new ReferenceFault('vault: needs the name of an entry', FORMS);
    return { kind: 'vault', name };
  }
  throw new ReferenceFault('a secret stands here by value', FORMS);
}

export interface Places {
  readonly files: Pick<PrivateFiles, 'read'>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The newest value of an entry that is for all tenants. Absent = no vault. */
  readonly vault?: ((name: string) => string | undefined) | undefined;
}

/** The secret, without the line end of a file. Throws ReferenceFault, and what `files` throws when others could read it. */
export function resolveReference(reference: Reference, places: Places): string {
  const where = reference.kind === 'file' ? `file:${reference.path}` : `${reference.kind}:${reference.name}`;
  const value = find(reference, where, places);
  if (value === undefined) throw new ReferenceFault(`${where} does not exist`, putIt(reference));
  if (value === '') throw new ReferenceFault(`${where} is empty`, putIt(reference));
  return value;
}

function find(reference: Reference, where: string, { files, env, vault }: Places): string | undefined {
  switch (reference.kind) {
    case 'file':
      return text(reference.path, where, files);
    case 'env':
      return variable(reference.name, env);
    case 'vault':
      return vault?.(reference.name);
  }
}

const putIt = (reference: Reference) =>
  reference.kind === 'vault' ? `doorward secret set ${reference.name}` : 'put the secret there';

function variable(name: string, env: Places['env']): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined;
}

function text(path: string, where: string, files: Places['files']): string | undefined {
  const bytes = files.read(path, { cap: CAP, links: true });
  if (!bytes) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, '');
  } catch {
    throw new ReferenceFault(`${where} is not UTF-8 text`, 'a secret is one text');
  }
}
