/**
 * Zones that may be had without a key: by those addresses that the zone's list of secondaries names without one.
 * Not here: the list (store/transfer/secondaries.ts), grants by key (grants.ts).
 */
import { type ClientAddress, hasAddress } from '#base/client-address.ts';
import { type StoreReader } from '#store/reader.ts';
import { readSecondaries } from '#store/transfer/secondaries.ts';

/** Looks into the zone's list at each request: they are few, and a change of the list holds at once. */
export function addressGrants(reader: StoreReader): (zoneId: number, client: ClientAddress) => boolean {
  return (zoneId, client) => {
    const listed = readSecondaries(reader, zoneId);
    return listed.some(({ ip, key }) => key === undefined && hasAddress(client, ip));
  };
}
