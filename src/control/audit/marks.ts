/**
 * Marks of how old audit entries are: at a counted time, which entry was the last one. Entries themselves have the
 * wall time, which may have been wrong.
 * Not here: what is done with them (retention.ts), counted time (lifecycle/timeline.ts).
 */
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields, isArrayOf } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

export interface AuditMark {
  /** Of the last entry at the time. */
  readonly sequence: number;
  /** Counted time. */
  readonly atMs: number;
}

export interface AuditMarks {
  readonly version: 1;
  /** Oldest first. */
  readonly marks: readonly AuditMark[];
  /** Size of the log when the operator was last warned of it; absent: never. */
  readonly warnedBytes?: number;
}

const KIND = 'audit-marks';
const NO_ZONE = 0;

/** Undefined before the first mark. Throws STORE_DAMAGED. */
export function readAuditMarks(reader: StoreReader): AuditMarks | undefined {
  const value = reader.document(NO_ZONE, KIND, KIND);
  if (value === undefined) return undefined;
  if (!isAuditMarks(value)) throw formFailure('the marks of the audit log');
  return value;
}

export function auditMarksWrite(value: AuditMarks): DocumentWrite {
  return { zoneId: NO_ZONE, kind: KIND, id: KIND, value };
}

function isAuditMarks(value: unknown): value is AuditMarks {
  return hasFields(value, {
    version: (version) => version === 1,
    marks: isArrayOf((mark: unknown): mark is AuditMark => hasFields(mark, { sequence: 'number', atMs: 'number' })),
    warnedBytes: 'number?',
  });
}
