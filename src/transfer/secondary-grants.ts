/**
 * What a zone's list of secondaries grants beside TSIG keys: zones that may be had without a key, by address or by a
 * client certificate, and keys that open the zone only together with a certificate.
 * Implements: RFC 9103 §9.3.3 (mutual TLS: the client has the private key of a certificate that is known).
 * Not here: the list (store/transfer/secondaries.ts), grants by key (grants.ts).
 */
import { type ClientAddress, hasAddress } from '#base/client-address.ts';
import { type Name, equalNames, nameOf } from '#dns/name.ts';
import { type StoreReader } from '#store/reader.ts';
import { type Secondary, readSecondaries } from '#store/transfer/secondaries.ts';

export interface SecondaryGrants {
  /** True when the client may have the zone without a key. */
  isGrantedWithoutKey(zoneId: number, client: ClientAddress): boolean;
  /** False when each secondary with this key has to show a certificate, and the client has shown none of theirs. */
  mayUseKey(zoneId: number, key: Name, client: ClientAddress | undefined): boolean;
}

/** Looks into the zone's list at each request: they are few, and a change of the list holds at once. */
export function secondaryGrants(reader: StoreReader): SecondaryGrants {
  return {
    isGrantedWithoutKey: (zoneId, client) =>
      readSecondaries(reader, zoneId).some((each) => {
        if (each.key !== undefined) return false;
        // A certificate is shown from any address.
        return each.pins === undefined ? hasAddress(client, each.ip) : hasShown(client, each.pins);
      }),
    mayUseKey(zoneId, key, client) {
      const withKey = readSecondaries(reader, zoneId).filter((each) => isWith(each, key));
      return withKey.length === 0 || withKey.some(({ pins }) => pins === undefined || hasShown(client, pins));
    },
  };
}

function isWith({ key: name }: Secondary, key: Name): boolean {
  return name !== undefined && equalNames(nameOf(name), key);
}

function hasShown(client: ClientAddress | undefined, pins: readonly string[]): boolean {
  const pin = client?.secured?.pin();
  return pin !== undefined && pins.includes(pin);
}
