/**
 * What the operator hears of without asking: an order that a CA or the zone itself stops, and a certificate that ends
 * soon and has no
 * successor. Each once.
 */
import { CERTIFICATE_ALARM_SHARE, CERTIFICATE_UNSERVED_ALARM_MS } from '#base/limits/acme.ts';
import { atObject } from '#base/place.ts';
import { type Problem, problem } from '#base/problem.ts';
import { formatTime } from '#lifecycle/timeline.ts';
import { type Moment } from '#lifecycle/waits.ts';
import { INSTALLED } from './machine.ts';
import { type CertificateData, type CertificateObject, type CertificatesState } from './state.ts';

/** A CA that is away for a time is no news. */
const USUAL: ReadonlySet<string> = new Set(['ACME_UNREACHABLE', 'ACME_RATE_LIMIT']);

/** What failed in another way than before. */
export function newFailures(before: CertificatesState | undefined, { lifecycle }: CertificatesState): Problem[] {
  return lifecycle.objects.flatMap(({ id, data: { host, failure } }) => {
    const known = before?.lifecycle.objects.find((each) => each.id === id)?.data.failure;
    if (failure === undefined || failure.code === known?.code || USUAL.has(failure.code)) return [];
    const { code, message, fix } = failure;
    const at = atObject(`certificate of ${host}`);
    return [problem(code, at, message, fix === undefined ? {} : { fix })];
  });
}

/** Wall time of the alert that it ends; undefined: there was one. */
export function alarmTime({ issued, isAlarmed }: CertificateData): number | undefined {
  if (issued === undefined || isAlarmed === true) return undefined;
  const { notBeforeMs, notAfterMs } = issued;
  return Math.round(notAfterMs - (notAfterMs - notBeforeMs) * CERTIFICATE_ALARM_SHARE);
}

/** Counted time of the alert that it is not seen served; undefined: there was one, or it is not installed. */
export function unservedTime({ stage, enteredAtMs, data }: CertificateObject): number | undefined {
  return stage === 'installed' && data.isUnserved !== true ? enteredAtMs + CERTIFICATE_UNSERVED_ALARM_MS : undefined;
}

function unservedAlarm(object: CertificateObject, nowMs: number): Problem | undefined {
  const atMs = unservedTime(object);
  const last = object.seen.findLast(({ what }) => what === 'served');
  if (atMs === undefined || atMs > nowMs || last === undefined || last.isGood) return undefined;
  const { host } = object.data;
  const why = `the new certificate of ${host} is installed, and ${last.place} does not serve it: ${last.text}`;
  const fix = 'see what the policy host says in the log (https.…), and restart it; it is looked at again';
  return problem('CERTIFICATE_UNSERVED', atObject(`certificate of ${host}`), why, { fix });
}

/** The state in which the alerts of now are noted. */
export function raiseAlarms(
  state: CertificatesState,
  { nowMs, wallOffsetMs }: Moment,
): { readonly state: CertificatesState; readonly alarms: readonly Problem[] } {
  const alarms: Problem[] = [];
  const objects = state.lifecycle.objects.map((object) => {
    const { stage, data } = object;
    const unserved = unservedAlarm(object, nowMs);
    if (unserved !== undefined) {
      alarms.push(unserved);
      return { ...object, data: { ...data, isUnserved: true as const } };
    }
    const atMs = INSTALLED.includes(stage) ? alarmTime(data) : undefined;
    if (atMs === undefined || atMs > nowMs + wallOffsetMs) return object;
    const { host, issued } = data;
    const message = `the certificate of ${host} ends on ${formatTime(issued!.notAfterMs)}, and there is no new one yet`;
    const fix = `see what it waits for: waxseal cert show ZONE ${host}`;
    alarms.push(problem('CERTIFICATE_EXPIRING', atObject(`certificate of ${host}`), message, { fix }));
    return { ...object, data: { ...data, isAlarmed: true as const } };
  });
  return { state: alarms.length === 0 ? state : { ...state, lifecycle: { ...state.lifecycle, objects } }, alarms };
}
