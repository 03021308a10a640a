/** A command that was refused, for the audit log. Not here: what becomes of it (control/audit/attempts.ts). */
import { type Problem } from '#base/problem.ts';
import { type Actor, type RefusedAttempt } from '#control/api/control.ts';

/** The attempt that the problems stood against. `what`: the command, in the words of the client's protocol. */
export function refusedCommand(actor: Actor, what: string, zone: string, problems: readonly Problem[]): RefusedAttempt {
  const errors = problems.filter(({ severity }) => severity === 'error');
  return { actor, what, zone, codes: [...new Set(errors.map(({ code }) => code))], text: errors[0]?.message ?? '' };
}
