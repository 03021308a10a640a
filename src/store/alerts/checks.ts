/**
 * What the checks of a zone from outside have found so far, as far as the next one needs it to tell what is new.
 * Not here: what follows from it (control/outside-checks/drift.ts).
 */
import { type DocumentWrite } from '#store/due/documents.ts';
import { documentOrFailure } from './alerts.ts';
import { hasFields, isArrayOf, isString } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

const KIND = 'check';
const DRIFT = 'drift';

/** A finding that is followed. */
export interface StandingFinding {
  /** `check subject`. */
  readonly key: string;
  /** The code of its alert. */
  readonly code: string;
  /** As it was first seen. */
  readonly text: string;
  readonly fix?: string;
  /** Looks in a row that showed it. */
  readonly looks: number;
  /** Counted time of the last report; absent: it is no alert yet. */
  readonly reportedMs?: number;
}

export interface ZoneDrift {
  readonly version: 1;
  /** `check subject` of what failed when the zone was first looked at. */
  readonly known: readonly string[];
  readonly standing: readonly StandingFinding[];
}

/** Undefined: the zone was never checked in turn, or the document is damaged: then it begins anew. */
export function readDrift(reader: StoreReader, zoneId: number): ZoneDrift | undefined {
  const value = documentOrFailure(reader, KIND, DRIFT, zoneId);
  return isDrift(value) ? value : undefined;
}

export function driftWrite(zoneId: number, value: ZoneDrift): DocumentWrite {
  return { zoneId, kind: KIND, id: DRIFT, value };
}

function isDrift(value: unknown): value is ZoneDrift {
  return hasFields(value, {
    version: (version) => version === 1,
    known: isArrayOf(isString),
    standing: isArrayOf(isStanding),
  });
}

function isStanding(value: unknown): value is StandingFinding {
  return hasFields(value, {
    key: 'string',
    code: 'string',
    text: 'string',
    fix: 'string?',
    looks: 'number',
    reportedMs: 'number?',
  });
}
