/** The counted time that all waits are measured in, in the store. Not here: how it is counted (lifecycle/timeline.ts). */
import { type Timeline } from '#lifecycle/timeline.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from './failure.ts';
import { hasFields } from './json.ts';
import { type StoreReader } from './reader.ts';

const TIMELINE = 'timeline';
const NO_ZONE = 0;

/** Undefined before anything has waited. Throws STORE_DAMAGED. */
export function readTimeline(reader: StoreReader): Timeline | undefined {
  const value = reader.document(NO_ZONE, TIMELINE, TIMELINE);
  if (value === undefined) return undefined;
  if (!isTimeline(value)) throw formFailure('the counted time');
  return value;
}

export function timelineWrite(value: Timeline): DocumentWrite {
  return { zoneId: NO_ZONE, kind: TIMELINE, id: TIMELINE, value };
}

function isTimeline(value: unknown): value is Timeline {
  return hasFields(value, {
    version: (version) => version === 1,
    nowMs: 'number',
    uptimeMs: 'number',
    bootId: 'string',
    wallOffsetMs: 'number',
  });
}
