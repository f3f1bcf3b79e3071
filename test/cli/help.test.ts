import { expect, it } from 'vitest';
import { VERBS } from '../../src/cli/verbs.ts';
import { transcripts } from './transcript.ts';

transcripts('help');

it.each(VERBS.map(({ name, load }) => [name, load] as const))(
  '%s shows four commands of its own',
  async (name, load) => {
    const { examples } = await load();
    expect(examples).toHaveLength(4);
    for (const example of examples) expect(example.split(' ')).toEqual(expect.arrayContaining(['doorward', name]));
  },
);
