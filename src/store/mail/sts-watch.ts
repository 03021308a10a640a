/**
 * What was seen at the looks at a policy host of another server, in the store, with the time of the next look.
 * Not here: what a look finds (mail/mta-sts/watch.ts).
 */
import { type StsWatch } from '#mail/mta-sts/watch.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

/** Kind of the document, which is due when the next look is. */
export const STS_WATCH_KIND = 'mta-sts';
const WATCH = 'watch';

/** Undefined where there is none to be looked at. Throws STORE_DAMAGED. */
export function readStsWatch(reader: StoreReader, zoneId: number): StsWatch | undefined {
  const value = reader.document(zoneId, STS_WATCH_KIND, WATCH);
  if (value === undefined) return undefined;
  if (!isStsWatch(value)) throw formFailure(`what is known of the policy host of zone id ${zoneId}`);
  return value;
}

export function stsWatchWrite(zoneId: number, value: StsWatch | null): DocumentWrite {
  return { zoneId, kind: STS_WATCH_KIND, id: WATCH, value, ...(value === null ? {} : { dueAtMs: value.nextMs }) };
}

/** It is looked at once more, at `wakeAtMs` of counted time; where nothing is watched nothing happens. */
export function stsWatchWake(zoneId: number, wakeAtMs: number): DocumentWrite {
  return { zoneId, kind: STS_WATCH_KIND, id: WATCH, wakeAtMs };
}

function isStsWatch(value: unknown): value is StsWatch {
  return hasFields(value, {
    version: (version) => version === 1,
    nextMs: 'number',
    seenMs: 'number?',
    bodyId: 'string?',
    mode: 'string?',
    certificateEndMs: 'number?',
    failures: 'number?',
    code: 'string?',
    text: 'string?',
    alertedMs: 'number?',
  });
}
