/**
 * What is to be asked of a CA next, as data: one thing for each object, and only what the state says is its turn. Asked
 * again after a
 * crash it is the same.
 * Not here: asking (control/certificate/), taking in what comes back (results.ts).
 */
import { type CertificateFacts } from './lives.ts';
import { INSTALLED } from './machine.ts';
import { directoryOf } from './results.ts';
import { type CertificateObject, type CertificateOrder } from './state.ts';
import { type CertificatesState, type IssuedCertificate } from './state.ts';

interface About {
  readonly object: string;
  readonly host: string;
}

interface OrderAction extends About {
  readonly kind: 'order';
  /** URL. */
  readonly directory: string;
  readonly replaces?: string;
  readonly isForced: boolean;
}

export type CertificateAction =
  /** A new order, if the zone's delegation and CAA allow it. */
  | OrderAction
  /** What does the CA want to see? */
  | (About & { readonly kind: 'authorize'; readonly order: CertificateOrder })
  /** The challenge is visible: the CA looks, issues, and gives the certificate. */
  | (About & { readonly kind: 'progress'; readonly order: CertificateOrder })
  /** When should the certificate be renewed? */
  | (About & { readonly kind: 'window'; readonly issued: IssuedCertificate });

/** Everything that is to be asked now. */
export function dueActions(state: CertificatesState, facts: CertificateFacts): CertificateAction[] {
  const objects = state.lifecycle.objects.filter(({ hold }) => (hold ?? state.lifecycle.hold) === undefined);
  const due = objects.filter((each) => (actionTime(each, facts) ?? Infinity) <= facts.nowMs);
  return due.flatMap((each) => actionOf(each, facts) ?? []);
}

/** When something is to be asked next; undefined: nothing is. May be in the past. */
export function nextActionMs(state: CertificatesState, facts: CertificateFacts): number | undefined {
  if (state.lifecycle.hold !== undefined) return undefined;
  const times = state.lifecycle.objects.map((each) => (each.hold === undefined ? actionTime(each, facts) : undefined));
  const soonest = Math.min(...times.filter((each) => each !== undefined));
  return Number.isFinite(soonest) ? soonest : undefined;
}

/** Of one object; counted time. */
function actionTime(object: CertificateObject, { directories }: CertificateFacts): number | undefined {
  const { stage, data, enteredAtMs } = object;
  const { order, retryAtMs = enteredAtMs, renewal, issued } = data;
  if (directories.length === 0) return undefined;
  if (stage === 'wanted' || stage === 'visible') return retryAtMs;
  const isKnown = order?.challenge !== undefined || order?.isAuthorized === true;
  if (stage === 'ordered') return isKnown ? undefined : retryAtMs;
  if (!INSTALLED.includes(stage) || issued?.ariId === undefined || renewal === undefined) return undefined;
  return renewal.nextLookMs ?? enteredAtMs;
}

function actionOf({ id, stage, data }: CertificateObject, facts: CertificateFacts): CertificateAction | undefined {
  const { host, order, replaces, isForced = false, issued } = data;
  const about = { object: id, host };
  if (stage === 'wanted') {
    const directory = directoryOf(data, facts);
    if (directory === undefined) return undefined;
    return { ...about, kind: 'order', directory, isForced, ...(replaces === undefined ? {} : { replaces }) };
  }
  if (INSTALLED.includes(stage)) return issued === undefined ? undefined : { ...about, kind: 'window', issued };
  if (order === undefined) return undefined;
  return { ...about, kind: stage === 'visible' ? 'progress' : 'authorize', order };
}
