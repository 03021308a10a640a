/**
 * What the operator hears without asking of the end of evidence for a hosted logo: weeks before, days before, and when
 * it has ended. Each once for each upload. Pure.
 * Not here: what evidence must be (evidence.ts), what status and plans say of it (files.ts), when this is looked at
 * (control/mail/bimi-upkeep.ts).
 */
import { BIMI_EVIDENCE_ENDING_MS, BIMI_EVIDENCE_IDLE_MS, BIMI_EVIDENCE_LAST_MS } from '#base/limits/mail.ts';
import { atObject } from '#base/place.ts';
import { type Problem, problem, warning } from '#base/problem.ts';
import { formatTime } from '#lifecycle/timeline.ts';

/** So long before the end, soonest first. */
const TOLD_AT_MS = [BIMI_EVIDENCE_ENDING_MS, BIMI_EVIDENCE_LAST_MS, 0] as const;

/** What is known of one upload's evidence. */
export interface EvidenceTold {
  /** Wall time; absent: there is no evidence. */
  readonly evidenceEndsMs?: number;
  /** The operator has heard of its end, so long before it; absent: not yet. */
  readonly evidenceToldMs?: number;
}

export interface EvidenceLook<T extends EvidenceTold> {
  /** By selector, with the alerts that were raised. */
  readonly uploads: Readonly<Record<string, T>>;
  readonly alerts: readonly Problem[];
  /** Wall time of the next look. */
  readonly nextMs: number;
}

/** One look at `nowMs`, wall time. `zone` has no final dot; `selector` is the one of the policy, if it hosts any. */
export function lookAtEvidence<T extends EvidenceTold>(
  zone: string,
  before: Readonly<Record<string, T>>,
  selector: string | undefined,
  nowMs: number,
): EvidenceLook<T> {
  const upload = selector !== undefined && Object.hasOwn(before, selector) ? before[selector] : undefined;
  const idle = { uploads: before, alerts: [], nextMs: nowMs + BIMI_EVIDENCE_IDLE_MS };
  if (selector === undefined || upload?.evidenceEndsMs === undefined) return idle;
  const { evidenceEndsMs: endsMs, evidenceToldMs: toldMs = Infinity } = upload;
  const leftMs = endsMs - nowMs;
  const next = TOLD_AT_MS.find((each) => each < leftMs);
  const nextMs = next === undefined ? idle.nextMs : Math.min(endsMs - next, idle.nextMs);
  const reached = TOLD_AT_MS.findLast((each) => each >= leftMs);
  if (reached === undefined || reached >= toldMs) return { ...idle, nextMs };
  const told = { ...upload, evidenceToldMs: reached };
  return { uploads: { ...before, [selector]: told }, alerts: [alertOf(zone, selector, endsMs, reached)], nextMs };
}

function alertOf(zone: string, selector: string, endsMs: number, reached: number): Problem {
  const more = selector === 'default' ? '' : ` --selector ${selector}`;
  const command = `waxseal bimi upload ${zone} logo.svg --evidence new.pem${more}`;
  const fix = `get a new mark certificate, and upload it: ${command}`;
  const [make, what] = reached > 0 ? [warning, 'ends'] : [problem, 'has ended'];
  const text =
    `the evidence for the selector ${selector} ${what} at ${formatTime(endsMs)}; ` +
    'receivers that ask for evidence show no logo then';
  return make('MAIL_BIMI_EVIDENCE', atObject(`BIMI logo of ${zone}`), text, { fix });
}
