/**
 * The zones one server has, and which of them a name belongs to.
 * Implements: RFC 1034 §4.3.2 step 2 (the nearest ancestor zone).
 * Not here: DS questions, which go to the parent side (lookup.ts).
 */
import { type OwnerKey, parentKey } from '#dns/name.ts';
import { type ZoneView } from './view.ts';

export interface ServedZone {
  readonly view: ZoneView;
  /** It has an NSEC chain and signatures: answers to DO queries carry proofs. */
  readonly signed: boolean;
  /** It came from a primary, and has expired: it is not answered for. */
  readonly isExpired?: boolean;
}

export interface ZoneSet {
  /** The deepest served zone whose apex is at or above `key`. */
  find(key: OwnerKey): ServedZone | undefined;
  /** The deepest served zone whose apex is strictly above that of `zone`. */
  parentOf(zone: ServedZone): ServedZone | undefined;
}

/** A set of zones with distinct apexes. */
export function zoneSet(zones: readonly ServedZone[]): ZoneSet {
  const byApex = new Map(zones.map((zone) => [zone.view.apexKey, zone]));
  return zoneSetBy((apexKey) => byApex.get(apexKey));
}

/** The zones that `zoneAt` gives by their apexes; it is asked for the names that are looked for, and those above. */
export function zoneSetBy(zoneAt: (apexKey: OwnerKey) => ServedZone | undefined): ZoneSet {
  const find = (key: OwnerKey): ServedZone | undefined => {
    for (let at = key; ; at = parentKey(at)) {
      const zone = zoneAt(at);
      if (zone !== undefined || at === '') return zone;
    }
  };
  return { find, parentOf: ({ view: { apexKey } }) => (apexKey === '' ? undefined : find(parentKey(apexKey))) };
}
