/** Sets of JSON pointers (RFC 6901) in which `*` stands for any item or any name. */

/** Reference tokens of a pointer; undefined when it is not one. */
export function segments(pointer: string): string[] | undefined {
  if (pointer === '') return [];
  if (!pointer.startsWith('/') || /~(?![01])/.test(pointer)) return undefined;
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

export function pointer(path: readonly (string | number)[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

export class Places {
  readonly #all: readonly (readonly string[])[];
  readonly size: number;

  /** Throws RangeError on what is not a JSON pointer. */
  constructor(pointers: readonly string[] = []) {
    this.#all = pointers.map((text) => {
      const parts = segments(text);
      if (!parts) throw new RangeError('not a JSON pointer');
      return parts;
    });
    this.size = this.#all.length;
  }

  has(path: readonly (string | number)[]): boolean {
    return this.#all.some((parts) => parts.length === path.length && fits(parts, path));
  }

  /** Whether a listed place is `path` or lies below it. */
  reaches(path: readonly (string | number)[]): boolean {
    return this.#all.some((parts) => parts.length >= path.length && fits(parts, path));
  }
}

function fits(parts: readonly string[], path: readonly (string | number)[]): boolean {
  return path.every((part, i) => parts[i] === '*' || parts[i] === String(part));
}
