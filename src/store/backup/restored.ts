/**
 * What a store remembers of being restored from a backup: until an operator has looked, key rollovers and mail stand
 * still.
 * Not here: what is done then (control/backup/restored.ts).
 */
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

export interface RestoredMark {
  readonly version: 1;
  /** Name of the backup. */
  readonly backup: string;
  /** Wall times. */
  readonly createdAtMs: number;
  readonly restoredAtMs: number;
  /** Why mail and rollovers are held, as their status says it. */
  readonly reason: string;
}

const KIND = 'restored';
const NO_ZONE = 0;

/** Undefined: it was not restored, or an operator has looked. Throws STORE_DAMAGED. */
export function readRestored(reader: StoreReader): RestoredMark | undefined {
  const value = reader.document(NO_ZONE, KIND, KIND);
  if (value === undefined) return undefined;
  if (!isRestoredMark(value)) throw formFailure('the mark of a restored store');
  return value;
}

export function restoredWrite(value: RestoredMark | null): DocumentWrite {
  return { zoneId: NO_ZONE, kind: KIND, id: KIND, value };
}

function isRestoredMark(value: unknown): value is RestoredMark {
  return hasFields(value, {
    version: (version) => version === 1,
    backup: 'string',
    createdAtMs: 'number',
    restoredAtMs: 'number',
    reason: 'string',
  });
}
