/**
 * The form of each update, before any of them is carried out.
 * Implements: RFC 2136 §3.4.1 (pre-scan). Pure.
 * Not here: rights (control/zone/update-guard.ts), what they do (apply.ts).
 */
import { UPDATE_RECORDS_MAX } from '#base/limits/update.ts';
import { formatName, isAtOrBelow, ownerKey } from '#dns/name.ts';
import { isMetaType } from '#dns/registry.ts';
import { CLASS, RCODE, TYPE } from '#dns/types.ts';
import { type UpdateRecord } from './message.ts';
import { type ZoneView } from '#zone/view.ts';
import { type UpdateRefusal, refuseUpdate } from './refusal.ts';

/** The first that is malformed or out of the zone; undefined when none is. */
export function checkUpdates(
  { apex, apexKey }: Pick<ZoneView, 'apex' | 'apexKey'>,
  updates: readonly UpdateRecord[],
): UpdateRefusal | undefined {
  for (const record of updates) {
    if (!isAtOrBelow(ownerKey(record.owner), apexKey))
      return refuseUpdate(RCODE.NOTZONE, record, `${formatName(record.owner)} is not in the zone ${formatName(apex)}`);
    const wrong = wrongForm(record);
    if (wrong !== undefined) return refuseUpdate(RCODE.FORMERR, record, wrong);
  }
  const last = updates[UPDATE_RECORDS_MAX];
  if (last === undefined) return undefined;
  return refuseUpdate(RCODE.REFUSED, last, `${updates.length} updates in one message, at most ${UPDATE_RECORDS_MAX}`);
}

function wrongForm({ type, class: rrClass, ttl, rdata }: UpdateRecord): string | undefined {
  const isMeta = isMetaType(type);
  switch (rrClass) {
    case CLASS.IN:
      return isMeta ? 'a record to add of a type that has no data' : undefined;
    case CLASS.ANY:
      if (ttl !== 0 || rdata.length > 0) return 'a deletion of an RRset with a TTL or data';
      return isMeta && type !== TYPE.ANY ? 'a deletion of a type that has no data' : undefined;
    case CLASS.NONE:
      if (ttl !== 0) return 'a deletion of a record with a TTL that is not 0';
      return isMeta ? 'a deletion of a record of a type that has no data' : undefined;
    default:
      return `an update of class ${rrClass}`;
  }
}
