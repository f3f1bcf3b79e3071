/** Calls as they happen, one line each, verdict first. */
import type { Call } from '../core/call.ts';
import type { Log } from '../core/ports.ts';
import { shown } from './terminal.ts';

/** What the block says already, or what nobody wants to read in passing. */
const QUIET: ReadonlySet<string> = new Set(['event.start', 'event.stop', 'event.stderr', 'event.lane']);

/** The same log, which also tells each entry to `line`. */
export function watched(log: Log, line: (text: string) => void): Log {
  const time = (at: number) => new Date(at).toTimeString().slice(0, 8);
  const named = (call: Call) =>
    call.target.kind === 'route' ? `${call.upstream} ${call.method}` : `${call.upstream}.${call.target.name}`;
  return {
    intent: (call, trail) => log.intent(call, trail),
    outcome(call, trail, outcome) {
      const edits = trail.flatMap(({ verdict }) =>
        verdict.kind === 'edit' ? [`${verdict.code}${verdict.what ? `:${verdict.what}` : ''}`] : [],
      );
      const waits = trail.flatMap(({ verdict }) => (verdict.kind === 'ask' ? [verdict.question.id] : []));
      const rest = [
        outcome.code && `${outcome.code} ${call.id}`,
        waits.length > 0 && `doorward approve show ${waits[0]}`,
        edits.length > 0 && `edit ${edits.join(' ')}`,
        `${Math.round(outcome.ms)} ms`,
      ];
      line(
        `${time(call.at)} ${outcome.kind.padEnd(7)} ${shown(call.caller.subject, 24).padEnd(8)} ${shown(named(call), 60).padEnd(28)} ${rest.filter(Boolean).join('  ')}`,
      );
      return log.outcome(call, trail, outcome);
    },
    attempt(attempt) {
      line(
        `${time(attempt.at)} refused ${shown(attempt.caller?.subject ?? attempt.peer.address, 24).padEnd(8)} ${(attempt.name ?? '-').padEnd(28)} ${attempt.code}`,
      );
      log.attempt(attempt);
    },
    event(code, data) {
      if (!QUIET.has(code)) line(`${time(Date.now())} ${code}  ${shown(JSON.stringify(data), 300)}`);
      log.event(code, data);
    },
  };
}
