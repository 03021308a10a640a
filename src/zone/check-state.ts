/** What the checks of one zone share: its view, where RRsets are said to be, what is glue, and the hosts looked at so far. */
import { RECORDS_PER_RRSET_DEFAULT } from '#base/limits/dns.ts';
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
  /** Records that one RRset may have; by default as the configuration has it by default. */
  readonly recordsPerRrset?: RecordLimit;
}

/** How many records an RRset may have, and what may have more. */
export interface RecordLimit {
  /** The setting `limits.records_per_rrset`. */
  readonly max: number;
  /** Records that an RRset had already: it may keep as many, whatever `max` is. None by default. */
  readonly before?: (key: OwnerKey, type: RrType) => number;
  /** The server that will have the zone may allow more: too many is a warning, as long as any setting allows it. */
  readonly isDefault?: true;
}

/** What a question for the addresses of a name would meet. */
export type TargetState = 'outside' | 'address' | 'missing' | 'alias' | 'belowDname' | 'delegated' | 'delegatedWithGlue';

/** State of a check of names in one zone. */
export interface ZoneCheck {
  readonly view: ZoneView;
  readonly place: (owner: Name, type: RrType) => Place;
  readonly complete: boolean;
  readonly recordsPerRrset: RecordLimit;
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
  const { place = placeOfRrset, complete = true, recordsPerRrset = { max: RECORDS_PER_RRSET_DEFAULT } } = options;
  return { view, place, complete, recordsPerRrset, isGlue: () => true, targets: new Map() };
}

/** The limit for what replaces `view`: its RRsets may stay as large as they are. */
export function recordLimitAfter(view: ZoneView, max: number): RecordLimit {
  return { max, before: (key, type) => rrsetOf(view.node(key), type)?.rdatas.length ?? 0 };
}
