/**
 * Alerts in the store: what needs a person, since when, and whether it was acknowledged. A document each, of no zone;
 * and up to which event of the journal alerts were taken in. Checked when it is read.
 * Not here: when an alert begins and ends (control/alerts/book.ts).
 */
import { type DocumentWrite } from '#store/due/documents.ts';
import { StoreFailure } from '#store/failure.ts';
import { hasFields } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

export type AlertSeverity = 'critical' | 'warning';

export interface StoredAlert {
  readonly version: 1;
  /** 12 hexadecimal digits: the same for the same rule, zone and object. */
  readonly id: string;
  /** A rule of control/alerts/rules.ts, or the code of a problem that was reported. */
  readonly rule: string;
  /** `rule`: looked at every minute. `report`: something that happened. */
  readonly source: 'rule' | 'report';
  readonly severity: AlertSeverity;
  /** Absolute, lower-case; absent: the server as a whole. */
  readonly zone?: string;
  /** Of several in the zone: which one. */
  readonly object?: string;
  readonly text: string;
  readonly fix?: string;
  /** Wall time: seen first; raised (absent: it has not stood long enough); seen or reported last. */
  readonly sinceMs: number;
  readonly raisedMs?: number;
  readonly lastMs: number;
  /** Counted time of the first and of the last time: what durations are measured with. */
  readonly sinceCountedMs: number;
  readonly lastCountedMs: number;
  /** Reports, or 1. */
  readonly times: number;
  readonly acknowledged?: { readonly by: string; readonly atMs: number; readonly reason?: string };
  /** Wall time; absent: it stands. */
  readonly clearedMs?: number;
  /** Why it is over. */
  readonly why?: string;
}

const KIND = 'alert';
const PLACE_KIND = 'alert-journal';
const PLACE = 'after';

/** Those that are whole, and the ids of those that are damaged: one must not hide the others. */
export function readAlerts(reader: StoreReader): Whole<StoredAlert> {
  return readWhole(reader, KIND, isAlert);
}

/** What could be read, and ids of what could not. */
export interface Whole<T> {
  readonly whole: readonly T[];
  readonly damaged: readonly string[];
}

/** All documents of a kind that belong to no zone. */
export function readWhole<T>(reader: StoreReader, kind: string, is: (value: unknown) => value is T): Whole<T> {
  const [whole, damaged]: [T[], string[]] = [[], []];
  for (const id of reader.documentIds(0, kind)) {
    const value = documentOrFailure(reader, kind, id);
    if (is(value)) whole.push(value);
    else damaged.push(id);
  }
  return { whole, damaged };
}

/** Undefined when there is none, and when it is damaged. */
export function documentOrFailure(reader: StoreReader, kind: string, id: string, zoneId = 0): unknown {
  try {
    return reader.document(zoneId, kind, id);
  } catch (error) {
    if (!(error instanceof StoreFailure) || error.code !== 'STORE_DAMAGED') throw error;
    return undefined;
  }
}

export function alertWrite(alert: StoredAlert): DocumentWrite {
  return { zoneId: 0, kind: KIND, id: alert.id, value: alert };
}

export function alertRemoval(id: string): DocumentWrite {
  return { zoneId: 0, kind: KIND, id, value: null };
}

/** Id of the last event that alerts were taken from; undefined: none was yet, or the document is damaged. */
export function readAlertPlace(reader: StoreReader): number | undefined {
  const value = documentOrFailure(reader, PLACE_KIND, PLACE);
  return hasFields(value, { after: 'number' }) ? (value as { after: number }).after : undefined;
}

export function alertPlaceWrite(after: number): DocumentWrite {
  return { zoneId: 0, kind: PLACE_KIND, id: PLACE, value: { after } };
}

function isAlert(value: unknown): value is StoredAlert {
  return hasFields(value, {
    version: (version) => version === 1,
    id: 'string',
    rule: 'string',
    source: (source) => source === 'rule' || source === 'report',
    severity: (severity) => severity === 'critical' || severity === 'warning',
    zone: 'string?',
    object: 'string?',
    text: 'string',
    fix: 'string?',
    sinceMs: 'number',
    raisedMs: 'number?',
    lastMs: 'number',
    sinceCountedMs: 'number',
    lastCountedMs: 'number',
    times: 'number',
    acknowledged: (by) => by === undefined || hasFields(by, { by: 'string', atMs: 'number', reason: 'string?' }),
    clearedMs: 'number?',
    why: 'string?',
  });
}
