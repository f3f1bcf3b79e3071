import { describe, expect, it } from 'vitest';
import { redact } from '../../../src/controls/redact/index.ts';
import { compile, schema } from '../../../src/controls/redact/rules.ts';
import type { Message, Notification, Result } from '../../../src/core/call.ts';
import { RulesFault } from '../../../src/core/rules.ts';
import type { Verdict } from '../../../src/core/verdict.ts';
import { RULES, redactText } from '../../../src/detect/secrets.ts';
import type { Json, JsonObject } from '../../../src/lib/json/types.ts';
import { type Case, callOf, caseFiles, scratchOnly, view } from '../cases.ts';

function messageOf({ result, error, notification }: Case): Message | undefined {
  if (notification) return { kind: 'notification', ...notification };
  if (error) return { kind: 'error', ...error };
  return result && { kind: 'result', value: result };
}
/** In tests the fingerprint is the length. */
const fingerprint = (secret: string) => String(secret.length);

describe.each(caseFiles(import.meta.dirname))('redact, $file', (file) => {
  it.each(file.cases)('$name', (made) => {
    const rules = compile(schema.parse({ ...file.config, ...made.config }), { ...file, fingerprint });
    const message = messageOf(made);
    const call = callOf(file, made);
    const said = message
      ? redact.inspect!(call, message, rules, scratchOnly())
      : redact.decide!(call, rules, scratchOnly());
    expect(said).toMatchObject(made.expect);
  });
});

const rules = compile(schema.parse({}), { pinned: [], fingerprint });
const call = view({ target: { kind: 'route', name: 'files' } });
const text = (verdict: Verdict<Message>) =>
  (verdict as { value: Result }).value.value as { content: { text: string }[] };
const note = (data: Json): Notification => ({
  kind: 'notification',
  method: 'notifications/message',
  params: { level: 'info', data },
});

describe('redact', () => {
  it('refuses a name that the lock does not have, with the nearest one', () => {
    const pinned = [{ kind: 'tool' as const, upstream: 'files', name: 'send' }] as never;
    const fault = (() => {
      try {
        compile(schema.parse({ arguments: ['files.sned'] }), { pinned, fingerprint });
      } catch (error) {
        return error;
      }
    })() as RulesFault;
    expect(fault).toBeInstanceOf(RulesFault);
    expect([fault.path, fault.fix]).toEqual([['arguments', 0], 'did you mean files.send?']);
  });

  it('does not touch the bytes of a clean result', () => {
    const value: JsonObject = { content: [{ type: 'text', text: 'clean' }] };
    const poisoned = new Proxy(value, { ownKeys: () => expect.fail('walked') });
    const bytes = Buffer.from('{"content":[{"type":"text","text":"clean"}]}');
    expect(redact.inspect!(call, { kind: 'result', value: poisoned, bytes }, rules, scratchOnly())).toEqual({
      kind: 'pass',
    });
  });

  it('sends an edited result without the bytes of the original', () => {
    const value: JsonObject = { content: [{ type: 'text', text: 'password: hunter2x' }] };
    const bytes = Buffer.from(JSON.stringify(value));
    const said = redact.inspect!(call, { kind: 'result', value, bytes }, rules, scratchOnly()) as Verdict<Message>;
    expect((said as { value: Result }).value).not.toHaveProperty('bytes');
  });

  it.each(RULES.filter((rule) => rule.matcher === undefined).map((rule) => [rule.id, rule.example.join('')] as const))(
    '%s, cut between two messages of a call: the completing part goes',
    (_, secret) => {
      for (let cut = 4; cut < secret.length - 1; cut += 7) {
        const state = scratchOnly();
        redact.inspect!(call, note(`see ${secret.slice(0, cut)}`), rules, state);
        const last: Result = {
          kind: 'result',
          value: { content: [{ type: 'text', text: `${secret.slice(cut)} end` }] },
        };
        const said = redact.inspect!(call, last, rules, state) as Verdict<Message>;
        const rest = said.kind === 'edit' ? text(said).content[0]!.text : last.value.content;
        // What is left of the whole is no longer found: either part may have gone by itself.
        const joined = `see ${redactText(secret.slice(0, cut)).text}${said.kind === 'edit' ? rest : `${secret.slice(cut)} end`}`;
        expect(redactText(joined).found).toEqual([]);
        expect(joined.endsWith(' end')).toBe(true);
      }
    },
  );

  it('marks a call whose secret left in part', () => {
    const state = scratchOnly();
    redact.inspect!(call, note('the token is ghp_q7Zx2KpV9mTb4'), rules, state);
    const value: JsonObject = { content: [{ type: 'text', text: 'RwL8sYc3NdJ6hGfA1uE5kWo.' }] };
    expect(redact.inspect!(call, { kind: 'result', value }, rules, state)).toMatchObject({
      kind: 'edit',
      taint: 'private-data',
    });
  });
});
