/**
 * What was seen at the looks at a zone's mail hosts, in the store, with the time of the next look.
 * Not here: what a look finds (mail/dane/watch.ts).
 */
import { type DaneWatch } from '#mail/dane/watch.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields, isArrayOf, isString } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

/** Kind of the document, which is due when the next look is. */
export const DANE_KIND = 'dane';
const WATCH = 'watch';

/** Undefined where no host was looked at, and none is to be. Throws STORE_DAMAGED. */
export function readDaneWatch(reader: StoreReader, zoneId: number): DaneWatch | undefined {
  const value = reader.document(zoneId, DANE_KIND, WATCH);
  if (value === undefined) return undefined;
  if (!isStoredWatch(value)) throw formFailure(`what is known of the mail hosts of zone id ${zoneId}`);
  return value;
}

export function daneWatchWrite(zoneId: number, value: DaneWatch | null): DocumentWrite {
  return { zoneId, kind: DANE_KIND, id: WATCH, value, ...(value === null ? {} : { dueAtMs: value.nextMs }) };
}

/** The hosts are looked at by `nowMs`, counted time; nothing where there is no watch. */
export function daneWake(zoneId: number, nowMs: number): DocumentWrite {
  return { zoneId, kind: DANE_KIND, id: WATCH, wakeAtMs: nowMs };
}

function isStoredWatch(value: unknown): value is DaneWatch {
  const form = { code: 'string?', alertedMs: 'number?', served: isArrayOf(isString) } as const;
  const isHost = (each: unknown) => hasFields(each, form);
  return hasFields(value, {
    version: (version) => version === 1,
    nextMs: 'number',
    from: 'number?',
    hosts: (hosts) => typeof hosts === 'object' && hosts !== null && Object.values(hosts).every(isHost),
  });
}
