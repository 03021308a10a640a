/**
 * The zone of ours that a host is in: its certificate is kept there.
 * Not here: zones whose apex a host stands below, one after the other (policy-host/zone-of-host.ts).
 */
import { type Name, lowerName, parentName, parseName } from '#dns/name.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';

/** The nearest zone at or above the name. */
export function zoneOfName(reader: StoreReader, name: Name): ZoneRecord | undefined {
  for (let at = name; ; at = parentName(at)) {
    const record = reader.zoneByName(lowerName(at));
    if (record !== undefined || at.length === 1) return record;
  }
}

/** That of a host as in a certificate: no final dot. */
export function zoneOfHost(reader: StoreReader, host: string): ZoneRecord | undefined {
  const name = parseName(`${host}.`);
  return name.ok ? zoneOfName(reader, name.value) : undefined;
}
