/**
 * asks: what a server may ask the client for, and whether what comes back answers that. Nothing is asked that was not
 * granted; an answer whose way back is not good is worth nothing (guarantees TR8, ID9).
 */

import type { CallView, Message } from '../../core/call.ts';
import { lacking, requestsOf } from '../../core/rounds.ts';
import { type Control, edit, type Inputs, PASS, stop, type Verdict } from '../../core/verdict.ts';
import type { JsonObject } from '../../lib/json/types.ts';
import { fitting } from './answers.ts';
import { isName } from './form.ts';
import { isRefusal, permitted } from './requests.ts';
import { grantOf, type Rules } from './rules.ts';

/** How often a server may ask within one call, and how many things at once. */
export const MAX_ROUNDS = 8;
const MAX_REQUESTS = 8;
const MAX_ID = 256;

export const asks: Control<Rules> = {
  id: 'asks',

  decide(call): Verdict<Inputs> {
    const { resume } = call;
    if (!resume) return PASS;
    if (!resume.opened) return stop('asks.state', resume.fault ?? 'nobody can be asked here');
    const answers = fitting(resume.answers, resume.opened);
    if (typeof answers === 'string') return stop('asks.answers', answers);
    return answers === resume.answers ? PASS : edit({ args: call.args, answers }, 'asks.dropped', 'answers');
  },

  inspect(call: CallView, message: Message, rules: Rules): Verdict<Message> {
    const requests = requestsOf(message);
    if (!requests || message.kind !== 'result') return PASS;
    const ids = Object.keys(requests);
    if (ids.length > MAX_REQUESTS || ids.some((id) => !isName(id, MAX_ID))) {
      return stop('asks.shape', 'ids');
    }
    const kept: JsonObject = {};
    let same = message.bytes === undefined;
    for (const id of ids) {
      const made = permitted(requests[id], grantOf(rules, call), rules.loopback);
      if (isRefusal(made)) return stop(made.code, made.detail);
      same &&= made === requests[id];
      kept[id] = made;
    }
    if ((call.resume?.opened?.round ?? 0) >= MAX_ROUNDS) return stop('asks.rounds', `over ${MAX_ROUNDS}`);
    const data = lacking(kept, call.claimed.capabilities);
    if (data) return { kind: 'stop', code: 'asks.capability', data: { requiredCapabilities: data } };
    if (same) return PASS;
    return edit({ kind: 'result', value: { ...message.value, inputRequests: kept } }, 'asks.dropped', 'question');
  },
};
