/** Copies one installed package with everything it depends on into a folder of its own: no registry is asked. */
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
} from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { isObject, type Json, type JsonObject } from '../lib/json/types.ts';

const MAX_PACKAGES = 2000;
const MAX_DEPTH = 64;

/** The folder of `name` as Node would find it from `from`, walking up. */
export function findPackage(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return found;
    if (folder === dirname(folder)) return undefined;
  }
}

export function manifest(folder: string): JsonObject {
  const value = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Json;
  if (!isObject(value)) throw new Error('package.json is not an object');
  return value;
}

/**
 * Copies `folder` (`<base>/node_modules/<name>`) and its dependencies to the same places under `target`. False, with
 * a half-made target, when the layout is another than npm's own (links, or a dependency outside the base).
 */
export async function copyClosure(folder: string, base: string, target: string): Promise<boolean> {
  const wanted = [folder];
  const done = new Set<string>();
  for (let from = wanted.pop(); from !== undefined; from = wanted.pop()) {
    if (done.has(from)) continue;
    if (done.size >= MAX_PACKAGES) throw new Error('more packages than a server should need');
    done.add(from);
    const place = relative(base, from);
    if (place.startsWith('..') || lstatSync(from).isSymbolicLink()) return false;
    if (!copyFolder(from, join(target, place), 0)) return false;
    await turn();
    for (const [name, needed] of dependencies(manifest(from))) {
      const found = findPackage(name, from);
      if (found !== undefined) wanted.push(found);
      else if (needed) return false;
    }
  }
  return true;
}

/** Names, and whether the package cannot do without. */
function dependencies(pack: JsonObject): Map<string, boolean> {
  const names = (value: Json | undefined) => (isObject(value) ? Object.keys(value) : []);
  const all = new Map<string, boolean>();
  for (const name of names(pack['peerDependencies'])) all.set(name, false);
  for (const name of names(pack['dependencies'])) all.set(name, true);
  for (const name of names(pack['optionalDependencies'])) all.set(name, false);
  for (const name of all.keys()) if (name.split(sep).includes('..')) all.delete(name);
  return all;
}

/** Without the nested `node_modules`: what is needed of it is copied by its own name. */
function copyFolder(from: string, to: string, depth: number): boolean {
  if (depth > MAX_DEPTH) return false;
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      if (!copyFolder(source, target, depth + 1)) return false;
    } else if (entry.isFile()) copyFileSync(source, target, constants.COPYFILE_FICLONE);
    else return false;
  }
  return true;
}

/** A sandbox may run as nobody: readable for all, whatever the umask was; writable for the owner alone. */
export function openUp(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openUp(path);
    else if (entry.isFile()) chmodSync(path, lstatSync(path).mode & 0o100 ? 0o755 : 0o644);
  }
}
