/** How judges say what they found: one result of a row of the table. Not here: the rows (checks.ts). */
import { CHECK_EVIDENCE_CHARACTERS_MAX } from '#base/limits/outside.ts';
import { type Problem } from '#base/problem.ts';
import { formatPlace } from '#base/place.ts';
import { showHidden } from '#base/visible.ts';
import { isTransient, type ResolverAnswer } from '#dns/resolver.ts';
import { txtText } from '#mail/text/txt.ts';
import { type CheckResult, type Verdict } from '#control/api/zone-check.ts';
import { CHECKS, type CheckId } from './checks.ts';

type Tell = (check: CheckId, subject: string, evidence: string, fix?: string) => CheckResult;

const teller =
  (verdict: Verdict): Tell =>
  (check, subject, evidence, fix) => {
    const { area, rfc } = CHECKS[check];
    const shown = { check, area, subject, verdict, evidence: shownText(evidence), rfc };
    return fix === undefined ? shown : { ...shown, fix };
  };

export const failed = teller('failed');
export const warned = teller('warning');
export const untested = teller('not_tested');
export const informed = teller('info');
export const needless = teller('good_not_tested');
export const passed = teller('passed');

/** True for what stands in the way of `passed` for a whole area. */
export function isFinding({ verdict }: CheckResult): boolean {
  return verdict === 'failed' || verdict === 'warning' || verdict === 'not_tested';
}

/** `found`, and when nothing of it is a finding, that the area is sound. */
export function orPassed(found: readonly CheckResult[], sound: () => CheckResult): CheckResult[] {
  return found.some(isFinding) ? [...found] : [sound(), ...found];
}

/** Strangers write what is evidence: nothing of it is hidden, and not more than a line is shown. */
function shownText(text: string): string {
  const shown = showHidden(text);
  if (shown.length <= CHECK_EVIDENCE_CHARACTERS_MAX) return shown;
  return `${shown.slice(0, CHECK_EVIDENCE_CHARACTERS_MAX)}… (${shown.length} characters)`;
}

/** An error or warning of a reader of records as a result; `check` is what it counts as. */
export function ofProblem(check: CheckId, subject: string, each: Problem, fix: string): CheckResult {
  const { severity, message, at } = each;
  const place = formatPlace(at);
  const text = place === '' || message.startsWith(place) ? message : `${place} ${message}`;
  return {
    ...(severity === 'error' ? failed : warned)(check, subject, text, each.fix ?? fix),
    rfc: each.rfc ?? CHECKS[check].rfc,
  };
}

/** Texts of a TXT answer, none when there is no such record; undefined: that is not known now. */
export function textsOf(answer: ResolverAnswer): readonly string[] | undefined {
  if (isTransient(answer)) return undefined;
  return answer.kind === 'answer' ? answer.rdatas.map(txtText) : [];
}

/** Why an answer is not known. */
export function whyUnknown(answer: ResolverAnswer): string {
  const reason = 'reason' in answer ? answer.reason : undefined;
  return `it cannot be looked up now: ${reason ?? answer.kind}`;
}

/** `example.com.` as in commands: without the last dot, the root as it is. */
export function bare(name: string): string {
  return name.length > 1 ? name.replace(/\.$/, '') : name;
}
