/** The digest over a folder that is mounted into a sandbox: what runs is what was reviewed (guarantee NV2). */
import { createHash } from 'node:crypto';
import { createReadStream, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { sha256Hex } from '../lib/bytes.ts';

export interface Tree {
  /** `sha256:` + hex over one line for each thing, sorted by path: kind, mode, path, SHA-256 of the bytes. */
  readonly digest: string;
  readonly files: number;
  readonly bytes: number;
}

export interface TreeLimits {
  readonly files: number;
  readonly bytes: number;
}
export const TREE_LIMITS: TreeLimits = { files: 50_000, bytes: 1 << 30 };

/** The tree holds something that cannot be pinned, or too much. */
export class TreeRefused extends Error {}

interface Known {
  readonly stamp: string;
  readonly sha: string;
}

/** A file changed this short before it was looked at could change again under the same time stamp. */
const RACY_MS = 2000;
/** Looks before others get a turn; reading a file counts as several. */
const BATCH = 256;
const READ_WEIGHT = 15;
/** Bytes of a file that is read in one go. */
const SMALL = 256n << 10n;

/**
 * Remembers the hash of each file under inode, size and change time, which no writer can set back: checking an
 * unchanged tree costs one `lstat` a file. One keeper for one folder.
 */
export class TreeKeeper {
  readonly #root: string;
  readonly #limits: TreeLimits;
  #known = new Map<string, Known>();

  constructor(root: string, limits: TreeLimits = TREE_LIMITS) {
    this.#root = root;
    this.#limits = limits;
  }

  /** Throws TreeRefused for links out of the tree, devices, sockets, odd names and more than the limits. */
  async read(now: number): Promise<Tree> {
    const lines: string[] = [];
    const known = new Map<string, Known>();
    let [files, bytes, looked] = [0, 0, 0];
    const folders = [''];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const { name } of readdirSync(join(this.#root, folder), { withFileTypes: true })) {
        const path = folder === '' ? name : `${folder}/${name}`;
        if (/[\0\n]/.test(path)) throw new TreeRefused('a name holds a line break');
        if (++looked >= BATCH) {
          looked = 0;
          await turn();
        }
        const full = join(this.#root, path);
        const stat = lstatSync(full, { bigint: true });
        if (stat.isDirectory()) {
          folders.push(path);
          continue;
        }
        if (++files > this.#limits.files) throw new TreeRefused(`more than ${this.#limits.files} files`);
        if (stat.isSymbolicLink()) {
          lines.push(`link - ${path} ${inside(path, readlinkSync(full))}`);
          continue;
        }
        if (!stat.isFile()) throw new TreeRefused(`${path} is neither file, folder nor link`);
        bytes += Number(stat.size);
        if (bytes > this.#limits.bytes) throw new TreeRefused(`more than ${this.#limits.bytes} bytes`);
        const stamp = `${stat.ino} ${stat.size} ${stat.ctimeNs} ${stat.mtimeNs}`;
        const before = this.#known.get(path);
        let sha = before?.stamp === stamp ? before.sha : undefined;
        if (sha === undefined) {
          sha = stat.size <= SMALL ? sha256Hex(readFileSync(full)) : await hashFile(full);
          looked += READ_WEIGHT;
        }
        if (now - Number(stat.ctimeMs) > RACY_MS) known.set(path, { stamp, sha });
        lines.push(`file ${stat.mode & 0o111n ? 'x' : '-'} ${path} ${sha}`);
      }
    }
    this.#known = known;
    lines.sort();
    const digest = `sha256:${createHash('sha256').update(lines.join('\n')).digest('hex')}`;
    return { digest, files, bytes };
  }
}

/** The target of a link, when it stays in the tree. */
function inside(path: string, target: string): string {
  const lands = normalize(join(dirname(path), target));
  if (isAbsolute(target) || lands === '..' || lands.startsWith(`..${sep}`))
    throw new TreeRefused(`${path} is a link out of the tree`);
  return JSON.stringify(target);
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
