/** `run: [npx, -y, "name@1.2.3", args...]`: the package to pin. Nothing is looked up, nothing is started. */

export interface RunSpec {
  readonly name: string;
  /** Exact version. */
  readonly version: string;
  readonly args: readonly string[];
}

const NAME = /^(?:@[a-z0-9~][a-z0-9._~-]{0,99}\/)?[a-z0-9~][a-z0-9._~-]{0,199}$/;
const EXACT = /^\d{1,9}\.\d{1,9}\.\d{1,9}(?:-[0-9A-Za-z.-]{1,64})?(?:\+[0-9A-Za-z.-]{1,64})?$/;

/** The package, or what is wrong with the line. Ranges, tags, URLs, paths and options of npx other than -y are refused. */
export function parseRun(run: readonly string[]): RunSpec | { readonly fault: string } {
  if (run[0] !== 'npx') return { fault: 'not a package: the line does not start with npx' };
  let at = 1;
  while (run[at] === '-y' || run[at] === '--yes') at++;
  const spec = run[at];
  if (spec === undefined) return { fault: 'npx needs a package' };
  if (spec.startsWith('-')) return { fault: 'npx takes no option here but -y' };
  const cut = spec.lastIndexOf('@');
  if (cut <= 0) return { fault: 'the package needs an exact version: name@1.2.3' };
  const [name, version] = [spec.slice(0, cut), spec.slice(cut + 1)];
  if (!NAME.test(name)) return { fault: 'not the name of a package' };
  if (!EXACT.test(version)) return { fault: 'the version is not exact: write name@1.2.3' };
  return { name, version, args: run.slice(at + 1) };
}
