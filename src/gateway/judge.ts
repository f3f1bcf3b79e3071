/**
 * The operator's own model as a second judge of content (guarantee OU5): one POST with the text and what the rules saw, one
 * word back. It makes decisions stricter and never milder; without an answer in time the configuration says what holds.
 */
import { resolve as resolvePath } from 'node:path';
import type { JudgeConfig } from '../controls/screen/rules.ts';
import { type Judge, RulesFault } from '../core/rules.ts';
import { parseJson } from '../lib/json/scan.ts';
import { isObject } from '../lib/json/types.ts';
import { type Resolve, systemResolve } from '../net/connect.ts';
import { destination, isFault } from '../net/destination.ts';
import { Dialler } from '../net/dialler.ts';
import { once } from '../net/once.ts';

const PATH = ['screen', 'judge'];
/** UTF-16 code units of a text that are sent. */
const MOST = 64 * 1024;
/** Bytes of an answer. */
const ANSWER = 4096;
const CAPS = { maxBytes: ANSWER, maxDepth: 8, maxString: ANSWER, maxMembers: 64 };

/** Nothing is resolved or opened before the first question. Throws RulesFault. */
export function openJudge(config: JudgeConfig, base: string, resolve: Resolve = systemResolve): Judge {
  const { url, private: named, ca, within } = config;
  const to = destination({
    url,
    ...(named && { private: named }),
    ...(ca !== undefined && { tls: { ca: resolvePath(base, ca) } }),
  });
  if (isFault(to)) throw new RulesFault([...PATH, ...(to.at[0] === 'tls' ? ['ca'] : to.at)], to.fault, to.fix);
  let dialler: Dialler | undefined;
  return async ({ kind, text, evidence }) => {
    dialler ??= new Dialler(to, { resolve, connections: 4 });
    try {
      const { status, body } = await once(dialler, {
        method: 'POST',
        path: to.url.pathname + to.url.search,
        headers: ['content-type', 'application/json', 'user-agent', 'doorward'],
        body: JSON.stringify({ kind, text: text.slice(0, MOST), evidence }),
        caps: { body: ANSWER, head: within, idle: within, total: within },
      });
      const said = status === 200 ? parseJson(body, CAPS) : undefined;
      const verdict = said?.ok && isObject(said.value) ? said.value.verdict : undefined;
      return verdict === 'pass' || verdict === 'label' || verdict === 'hold' ? verdict : undefined;
    } catch {
      return undefined;
    }
  };
}
