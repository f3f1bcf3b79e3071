/** Path-typed arguments (guarantee IN5). Lexical: links are the business of the sandbox, which shows no other folder. */
import { climbs } from '../../lib/traversal.ts';

/**
 * Whether the path could name something outside `root`, or an option instead of a path. Relative paths are taken from
 * the root; `root` is absolute, or '' where only relative paths are wanted.
 */
export function leaves(path: string, root: string): boolean {
  if (path.startsWith('-') || path.startsWith('~') || climbs(path) || disguised(path)) return true;
  // A drive, a scheme (file:), an alternate stream.
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(path) || path.startsWith('\\')) return true;
  if (!path.startsWith('/')) return false;
  if (root === '' || path.startsWith('//')) return true;
  const [full, base] = [plain(path), plain(root)];
  return full !== base && !full.startsWith(base === '/' ? '/' : `${base}/`);
}

/** Ways out that are written for what decodes paths behind the tool: no file is named so. */
function disguised(path: string): boolean {
  // Escapes whose sign was lost; backslashes among dots; a root that is escaped.
  if (/\.\.(?:25)?(?:2f|5c)/i.test(path) || /[./]\\+\.?\//.test(path) || /^%(?:25)*(?:2f|5c)/i.test(path)) return true;
  if (path.length < 16 || !/^[A-Za-z0-9+/]+={0,2}$/.test(path)) return false;
  const inner = Buffer.from(path, 'base64').toString('latin1');
  return /^[!-~]+$/.test(inner) && (inner.startsWith('/') || climbs(inner));
}

/** Without `.` and empty components; `..` was refused before. */
function plain(path: string): string {
  return `/${path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')}`;
}
