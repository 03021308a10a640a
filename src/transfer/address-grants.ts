/**
 * Zones that may be had without a key: by those addresses that the zone's list of secondaries names without one.
 * Not here: the list (store/transfer/secondaries.ts), grants by key (grants.ts).
 */
import { type ClientAddress, newClientAddress, setClientAddress } from '#base/client-address.ts';
import { equalBytes } from '#base/bytes.ts';
import { type StoreReader } from '#store/reader.ts';
import { readSecondaries } from '#store/transfer/secondaries.ts';

/** Looks into the zone's list at each request: they are few, and a change of the list holds at once. */
export function addressGrants(reader: StoreReader): (zoneId: number, client: ClientAddress) => boolean {
  const listed = newClientAddress();
  return (zoneId, client) =>
    readSecondaries(reader, zoneId).some(({ ip, key }) => {
      if (key !== undefined) return false;
      setClientAddress(listed, ip);
      const { length } = listed;
      if (length === 0 || length !== client.length) return false;
      return equalBytes(listed.octets.subarray(0, length), client.octets.subarray(0, length));
    });
}
