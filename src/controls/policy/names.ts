/** The names of policy lines: exactly the things that `doorward.lock` pins. */
import type { PinKind, Pinned } from '../../core/call.ts';
import { RulesFault } from '../../core/rules.ts';
import { closest } from '../../lib/text.ts';

export interface Names {
  /** `upstream.tool`, `upstream.prompt:NAME`, `upstream.resource:URI`, `upstream.template:URI`. Throws RulesFault. */
  resolve(name: string, path: readonly (string | number)[]): Pinned;
}

export function nameOf(thing: Pinned): string {
  return thing.kind === 'tool' ? `${thing.upstream}.${thing.name}` : `${thing.upstream}.${thing.kind}:${thing.name}`;
}

/** Signs of globbing. URIs may hold the others but never need `*`. */
const GLOB: Readonly<Record<PinKind, readonly string[]>> = {
  tool: ['*', '?', '[', '{'],
  prompt: ['*', '?', '[', '{'],
  resource: ['*'],
  template: ['*'],
};

export function namesOf(pinned: readonly Pinned[]): Names {
  const known = new Map<string, Pinned[]>();
  for (const thing of pinned) known.set(nameOf(thing), [...(known.get(nameOf(thing)) ?? []), thing]);
  return {
    resolve(name, path) {
      const kind = /^[^.]*\.(prompt|resource|template):/.exec(name)?.[1] ?? 'tool';
      const found = known.get(name) ?? [];
      // A folder that was reviewed as such, `/*` and all, is one thing.
      if (found.length === 0 && GLOB[kind as PinKind].some((sign) => name.includes(sign))) {
        throw new RulesFault(
          path,
          `wildcard in \`${name}\``,
          'name each tool; a grant never covers what is not reviewed',
        );
      }
      if (found.length === 1) return found[0]!;
      if (found.length > 1)
        throw new RulesFault(path, `\`${name}\` names two things`, 'one of them must go from the lock');
      const near = closest(name, [...known.keys()]);
      const [upstream] = name.split('.');
      throw new RulesFault(
        path,
        `\`${name}\` is not in doorward.lock`,
        near ? `did you mean \`${near}\`?` : `pin it first: doorward review ${upstream}`,
      );
    },
  };
}
