/** What the checks of one zone share: its view, where RRsets are said to be, what is glue, and the hosts looked at so far. */
import type { Place } from '#base/place.ts';
import { type Name, type OwnerKey, ownerKey } from '#dns/name.ts';
import { placeOfRrset } from '#dns/place.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type ZoneView, rrsetOf } from './view.ts';

/** What is known about a zone beyond its view. */
export interface CheckOptions {
  /** Where an RRset is said to be; by default `owner TYPE`. */
  readonly place?: (owner: Name, type: RrType) => Place;
  /** False when the RRsets are not all there, because some could not be read: then nothing is said about what is missing. Default true. */
  readonly complete?: boolean;
}

/** What a question for the addresses of a name would meet. */
export type TargetState = 'outside' | 'address' | 'missing' | 'alias' | 'belowDname' | 'delegated' | 'delegatedWithGlue';

/** State of a check of names in one zone. */
export interface ZoneCheck {
  readonly view: ZoneView;
  readonly place: (owner: Name, type: RrType) => Place;
  readonly complete: boolean;
  /** True for names that NS records of the zone name: below a cut their addresses are glue. */
  readonly isGlue: (key: OwnerKey) => boolean;
  /** Hosts already looked up: an MX host is often named by every name of a zone. */
  readonly targets: Map<OwnerKey, { readonly state: TargetState; readonly isAddress: boolean }>;
}

/** For a check of the whole zone. */
export function startZoneCheck(view: ZoneView, options: CheckOptions = {}): ZoneCheck {
  const nameservers = new Set<OwnerKey>();
  for (const node of view.ascend(view.apexKey)) for (const name of rrsetOf(node, TYPE.NS)?.rdatas ?? []) nameservers.add(ownerKey(name));
  return { ...startNodeCheck(view, options), isGlue: (key) => nameservers.has(key) };
}

/** For a check of single names, as after a change: no walk over the zone, so any address below a cut counts as glue. */
export function startNodeCheck(view: ZoneView, options: CheckOptions = {}): ZoneCheck {
  const { place = placeOfRrset, complete = true } = options;
  return { view, place, complete, isGlue: () => true, targets: new Map() };
}
