/**
 * Injections in words of our own, none of them from a corpus: what the rules find beyond the material they were written
 * with. The bounds are floors under what is reached now, not goals.
 */
import { describe, expect, it } from 'vitest';
import { judgeDescriptor } from '../../src/detect/injection/descriptor.ts';
import { judge } from '../../src/detect/injection/judge.ts';
import { mayInstruct } from '../../src/detect/injection/suspect.ts';
import data from './paraphrases.json' with { type: 'json' };

const OTHERS = ['send_message', 'read_file', 'execute_query', 'send_email'];
const held = ([name, description]: readonly string[]) =>
  judgeDescriptor(name!, { name: name!, description: description!, inputSchema: { type: 'object' } }, OTHERS)
    .severity === 'high';
const marked = (text: string) => judge(text, 'result').severity !== undefined;
const everywhere = (texts: readonly string[]) =>
  data.results.around.flatMap((around) => texts.map((text) => around + text));

describe('paraphrases', () => {
  it('finds four in five poisoned descriptors, and holds one in sixteen clean ones at most', () => {
    const { attack, benign } = data.descriptors;
    expect(attack.filter(held).length / attack.length).toBeGreaterThanOrEqual(0.8);
    expect(benign.filter(held).length).toBeLessThanOrEqual(benign.length / 16);
  });

  it('finds four in five injections in results, wherever they stand, and marks no clean one', () => {
    const attacks = everywhere(data.results.attack);
    expect(attacks.filter(marked).length / attacks.length).toBeGreaterThanOrEqual(0.8);
    expect([...data.results.benign, ...everywhere(data.results.benign)].filter(marked)).toEqual([]);
  });

  it('looks at whatever it would find', () => {
    const texts = [...everywhere(data.results.attack), ...data.descriptors.attack.map(([, text]) => text!)];
    const found = texts.filter(marked);
    expect(found.length).toBeGreaterThan(50);
    expect(found.filter((text) => !mayInstruct(Buffer.from(JSON.stringify(text))))).toEqual([]);
  });
});
