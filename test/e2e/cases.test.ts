/**
 * The case files of the controls, asked through every ending: a socket in both eras and the library's in-process one.
 * The whole pipeline judges, so that a case also shows that no other control stands in its way.
 */
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Handler, Pinned, Result, RpcError } from '../../src/core/call.ts';
import { isObject } from '../../src/lib/json/types.ts';
import { type Case, type CaseFile, caseFiles } from '../controls/cases.ts';
import { comparable, type Ending, house, inProcess, overHttp } from './endings.ts';

const REPLY: Result = { kind: 'result', value: { resultType: 'complete', content: [{ type: 'text', text: 'ok' }] } };

/** Cases that a client can ask for: a call of a tool, or what its server answers. */
function askable(file: CaseFile, made: Case): boolean {
  const pin = file.pinned.find(({ name }) => name === made.target);
  return (
    pin?.kind === 'tool' &&
    isObject(made.args ?? {}) &&
    (made.family ?? 'call') === 'call' &&
    !made.notification &&
    !made.answers &&
    // A question comes no further than `asks` where nothing was granted; its way is tested in test/gateway.
    made.result?.resultType !== 'input_required' &&
    !made.config
  );
}

for (const control of ['input', 'output', 'screen', 'redact'] as const) {
  for (const file of caseFiles(join(import.meta.dirname, '../controls', control))) {
    const cases = file.cases.filter((made) => askable(file, made));
    if (cases.length === 0) continue;
    describe(`${control}: ${file.file}`, async () => {
      let current: Case = cases[0]!;
      const handler: Handler = (): Result | RpcError =>
        current.error
          ? { kind: 'error', ...current.error }
          : current.result
            ? { kind: 'result', value: current.result }
            : REPLY;
      const blocks = { [control]: file.config };
      // What a case says of a result must not depend on the arguments that led to it.
      const open = (pin: Pinned): Pinned => ({
        ...pin,
        descriptor: { name: pin.name, inputSchema: { type: 'object' }, ...pin.descriptor },
        exceptions: { additional: [''], maxString: 1 << 20, ...pin.exceptions },
      });
      const pinned =
        control === 'input' ? file.pinned : file.pinned.map((pin) => (pin.kind === 'tool' ? open(pin) : pin));
      const endings: Ending[] = [
        inProcess(house(pinned, blocks, handler)),
        await overHttp(house(pinned, blocks, handler), 'modern'),
        await overHttp(house(pinned, blocks, handler), 'legacy'),
      ];
      afterAll(() => Promise.all(endings.map((ending) => ending.close())));

      it.each(cases.map((made) => [made.name, made] as const))('%s', async (_name, made) => {
        current = made;
        const heard = [];
        for (const ending of endings) heard.push(await ending.ask(made.target!, made.args ?? {}));
        for (const { code, edits, sent } of heard) {
          // What `input` refuses before never comes to a later control.
          if (made.expect.kind === 'stop' && control !== 'input' && code?.startsWith('input.')) continue;
          if (made.expect.kind === 'stop') expect(code).toBe(made.expect.code);
          else expect(code).toBeUndefined();
          if (made.expect.kind === 'edit' && made.expect.code) expect(edits).toContain(made.expect.code);
          if (control === 'input' && made.expect.kind === 'stop') expect(sent).toBeUndefined();
        }
        expect(new Set(heard.map(({ answer }) => comparable(answer))).size).toBe(1);
      });
    });
  }
}
