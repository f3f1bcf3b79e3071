/** The `redact` block: which tools' arguments are looked at too. Results always are. */
import { z } from 'zod';
import { type RuleContext, RulesFault } from '../../core/rules.ts';
import { PII, type Sought } from '../../detect/secrets.ts';
import { closest } from '../../lib/text.ts';

export const schema = z
  .strictObject({
    arguments: z
      .array(z.string().min(3))
      .default([])
      .describe('`upstream.tool` or `upstream`: no secret leaves by the arguments of these'),
    pii: z
      .array(z.enum(PII))
      .default([])
      .describe('kinds of personal data that are taken out as well, of results and of those arguments'),
    prose: z
      .boolean()
      .default(false)
      .describe('take out every password that a sentence of a result gives away, not only those that look made up'),
  })
  .prefault({});
export type RedactConfig = z.infer<typeof schema>;

export interface Rules {
  /** `upstream` or `upstream.tool`. */
  readonly arguments: ReadonlySet<string>;
  readonly fingerprint: (secret: string) => string;
  readonly sought: Sought;
}

/** Throws RulesFault for names that the lock does not have. */
export function compile(config: RedactConfig, context: Pick<RuleContext, 'pinned' | 'fingerprint'>): Rules {
  const known = new Set(context.pinned.flatMap((pin) => [pin.upstream, `${pin.upstream}.${pin.name}`]));
  config.arguments.forEach((name, i) => {
    if (known.has(name)) return;
    const near = closest(name, [...known]);
    throw new RulesFault(
      ['arguments', i],
      'no such upstream or tool is in the lock',
      near === undefined ? 'review it first, or take the line out' : `did you mean ${near}?`,
    );
  });
  const sought = { prose: config.prose, pii: [...new Set(config.pii)] };
  return { arguments: new Set(config.arguments), fingerprint: context.fingerprint, sought };
}
