/** The `redact` block: which tools' arguments are looked at too. Results always are. */
import { z } from 'zod';
import { type RuleContext, RulesFault } from '../../core/rules.ts';
import { PII, Protected, type Sought, SYSTEM } from '../../detect/secrets.ts';
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
    system: z
      .array(z.enum(SYSTEM))
      .default([])
      .describe('kinds of what tells of the machine that are taken out in the same places'),
    texts: z
      .array(z.string().min(1).max(1024))
      .max(32)
      .default([])
      .describe(
        'files whose text is taken out in the same places, such as a system prompt; eight words in a row count',
      ),
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

/** Throws RulesFault for names that the lock does not have, and for files that protect nothing. */
export function compile(config: RedactConfig, context: Pick<RuleContext, 'pinned' | 'fingerprint' | 'texts'>): Rules {
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
  const texts = config.texts.map((file, i) => {
    const text = context.texts?.get(file) ?? '';
    if (Protected.enough(text)) return text;
    throw new RulesFault(
      ['texts', i],
      'this text has fewer than eight words',
      'protect a longer one, or take the line out',
    );
  });
  const sought: Sought = {
    prose: config.prose,
    kinds: [...new Set([...config.pii, ...config.system])],
    ...(texts.length > 0 && { texts: new Protected(texts) }),
  };
  return { arguments: new Set(config.arguments), fingerprint: context.fingerprint, sought };
}
