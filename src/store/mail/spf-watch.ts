/**
 * What was seen at the looks at others' SPF records that a zone's SPF depends on, in the store; each says itself when it is due next.
 * Not here: what a look is (mail/spf/upkeep.ts).
 */
import { type SpfWatch } from '#mail/spf/upkeep.ts';
import { type DocumentWrite } from '#store/documents.ts';
import { formFailure } from '#store/failure.ts';
import { hasFields } from '#store/json.ts';
import { type StoreReader } from '#store/reader.ts';

const SPF = 'spf';
const WATCH = 'watch';

/** Undefined where the zone's SPF depends on no other. Throws STORE_DAMAGED. */
export function readSpfWatch(reader: StoreReader, zoneId: number): SpfWatch | undefined {
  const value = reader.document(zoneId, SPF, WATCH);
  if (value === undefined) return undefined;
  if (!isSpfWatch(value)) throw formFailure(`what is known of the SPF of zone id ${zoneId}`);
  return value;
}

export function spfWatchWrite(zoneId: number, value: SpfWatch | null): DocumentWrite {
  return { zoneId, kind: SPF, id: WATCH, value, ...(value === null ? {} : { dueAtMs: value.nextMs }) };
}

/** Ids of zones whose SPF is to be looked at, soonest first. */
export function dueSpfZones(reader: StoreReader, untilMs: number, limit: number): number[] {
  return reader.due(untilMs, limit, SPF).map(({ zoneId }) => zoneId);
}

export function nextSpfDueMs(reader: StoreReader): number | undefined {
  return reader.due(Number.MAX_SAFE_INTEGER - 1, 1, SPF)[0]?.dueAtMs;
}

function isSpfWatch(value: unknown): value is SpfWatch {
  return hasFields(value, {
    version: (version) => version === 1,
    lookedAtMs: 'number?',
    nextMs: 'number',
    failures: 'number',
    tree: (tree) => tree === undefined || hasFields(tree, { domain: 'string', lookups: 'number', branches: Array.isArray }),
    problems: Array.isArray,
    failing: Array.isArray,
    alerts: Array.isArray,
  });
}
