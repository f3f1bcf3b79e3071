/**
 * Bundles: a reviewed list of tools from several upstreams under one path (house rule "Paths"). Nothing is merged by
 * itself: each tool is named, a collision is refused, and another name is given with `as`.
 */
import { z } from 'zod';
import type { Pinned } from '../core/call.ts';
import { type Bundles, RulesFault } from '../core/rules.ts';
import { closest } from '../lib/text.ts';
import { isPlainName } from './names.ts';

const tool = z.string().min(3).max(256);

/** One block under `bundles:`. */
export const schema = z.strictObject({
  tools: z
    .array(
      z.union([
        tool,
        z.strictObject({
          tool,
          as: z.string().refine(isPlainName, 'use letters, digits, _, . and -, at most 128').describe('its name here'),
        }),
      ]),
    )
    .min(1)
    .describe('upstream.tool, in the order of the listing; { tool: upstream.tool, as: name } gives another name'),
});
export type BundleConfig = z.infer<typeof schema>;

/** Throws RulesFault. */
export function compile(
  config: Readonly<Record<string, BundleConfig>>,
  upstreams: readonly string[],
  pinned: readonly Pinned[],
): Bundles {
  const known = new Map(
    pinned.filter(({ kind }) => kind === 'tool').map((pin) => [`${pin.upstream}.${pin.name}`, pin]),
  );
  return new Map(
    Object.entries(config).map(([name, { tools }]) => {
      if (upstreams.includes(name))
        throw new RulesFault(['bundles', name], `\`${name}\` is an upstream too`, 'give the bundle another name');
      const things = new Map<string, Pinned>();
      for (const [i, row] of tools.entries()) {
        const path = ['bundles', name, 'tools', i];
        const [full, as] = typeof row === 'string' ? [row, undefined] : [row.tool, row.as];
        const pin = known.get(full);
        if (!pin) throw unknown(full, path, [...known.keys()]);
        const here = as ?? pin.name;
        const other = things.get(here);
        if (other)
          throw new RulesFault(
            path,
            `\`${here}\` is the name of ${other.upstream}.${other.name} here`,
            `give one of them another name: { tool: ${full}, as: ${pin.upstream}_${pin.name} }`,
          );
        things.set(here, here === pin.name ? pin : { ...pin, descriptor: { ...pin.descriptor, name: here } });
      }
      return [name, things];
    }),
  );
}

function unknown(full: string, path: (string | number)[], known: readonly string[]): RulesFault {
  const near = closest(full, known);
  const [upstream] = full.split('.');
  const fix = near ? `did you mean \`${near}\`?` : `pin it first: doorward review ${upstream}`;
  return new RulesFault(path, `\`${full}\` is not a tool in doorward.lock`, fix);
}
