/**
 * What a change of a zone does to the zones below it that this server serves too: without NS in a signed zone, with a
 * DS of no key of theirs, or below a DNAME they are bogus or hidden at once. Only what the change makes so counts.
 * Implements: RFC 1034 §4.2.1 (NS in the parent), RFC 4035 §5.2 (DS, and what is bogus without), RFC 6672 §2.4 (DNAME).
 * Not here: a zone that is made or goes (neighbours.ts), zones of other servers.
 */
import { equalBytes } from '#base/bytes.ts';
import { atZone } from '#base/place.ts';
import { type Problem, problem, warning } from '#base/problem.ts';
import { type Name, type OwnerKey, isAtOrBelow, nameOf, ownerKey } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { dsRdata } from '#dnssec/ds.ts';
import { editRecords } from '#dnssec/plan-records.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { authorityOf } from '#zone/cut.ts';
import { overlayZone } from '#zone/overlay.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';

export interface ChangedZone {
  readonly record: ZoneRecord;
  readonly view: ZoneView;
  readonly changes: readonly RrsetChange[];
  /** Whether it is signed afterwards. */
  readonly isSigned: boolean;
}

const OF_DELEGATIONS: ReadonlySet<RrType> = new Set([TYPE.NS, TYPE.DS, TYPE.DNAME]);

/** Errors for zones below that the change makes bogus or hides, a warning where resolvers only cannot find them. */
export function checkZonesBelow(reader: StoreReader, zone: ChangedZone): Problem[] {
  const { record, view, changes, isSigned } = zone;
  const wasSigned = record.dnssec === 'on';
  const touches = (isSigned && !wasSigned) || changes.some(({ type }) => OF_DELEGATIONS.has(type));
  if (!touches) return [];
  const below = zonesBelow(reader, view.apexKey);
  if (below.length === 0) return [];
  const after = overlayZone(view, editRecords(view, changes, { apexKey: view.apexKey, signed: isSigned }, false));
  return below.flatMap((child) => {
    const now = harmOf(after, isSigned, child);
    return now === undefined || now === harmOf(view, wasSigned, child) ? [] : [problemOf(record.name, child.name, now)];
  });
}

/** `lost`: without NS in a signed zone. `unknown`: the same in an unsigned one. */
type Harm = 'lost' | 'unknown' | 'dname' | 'wrong-ds' | 'ds-unsigned';

const TEXTS: Readonly<Record<Harm, string>> = {
  lost: 'has no NS for it any more, and as a signed zone proves that the name does not exist: bogus at once',
  unknown: 'has no NS for it any more: resolvers do not find it',
  dname: 'has a DNAME above it, which hides it',
  'wrong-ds': 'has a DS for it that is of none of its keys: bogus at once',
  'ds-unsigned': 'has a DS for it, and it is not signed: bogus at once',
};
const FIXES: Readonly<Record<Harm, string>> = {
  lost: 'keep its NS, or remove that zone first',
  unknown: 'keep its NS, or remove that zone first',
  dname: 'remove that zone first',
  'wrong-ds': 'take the DS from: waxseal dnssec ds',
  'ds-unsigned': 'leave the DS out, or sign that zone first: waxseal dnssec enable',
};

function problemOf(above: string, name: string, harm: Harm): Problem {
  const message = `the zone ${name} is served here too, and after this change ${above} ${TEXTS[harm]}`;
  const ignore = 'to change it all the same: --ignore-below (of an import: --ignore-parent), in the API below=ignore';
  const fix = `${FIXES[harm]}${harm.includes('ds') ? ` ${name}` : ''}; ${ignore}`;
  const rfc = harm === 'dname' ? 'RFC 6672 §2.4' : 'RFC 4035 §5.2';
  const unknown = { rfc: 'RFC 1034 §4.2.1', fix: FIXES.unknown };
  if (harm === 'unknown') return warning('ZONE_CHILD', atZone(above), message, unknown);
  return problem('ZONE_CHILD', atZone(above), message, { rfc, fix });
}

/** What keeps a validating resolver from `child` through `view`; undefined: nothing of it. */
function harmOf(view: ZoneView, isSigned: boolean, child: ZoneRecord): Harm | undefined {
  const apex = nameOf(child.name);
  const key = ownerKey(apex);
  const { kind } = authorityOf(view, key);
  if (kind === 'belowDname') return 'dname';
  // Of the zone at that cut, which others serve.
  if (kind === 'belowCut') return undefined;
  if (kind === 'authoritative') return isSigned ? 'lost' : 'unknown';
  const ds = rrsetOf(view.node(key), TYPE.DS)?.rdatas ?? [];
  if (ds.length === 0 || !isSigned) return undefined;
  if (child.dnssec !== 'on') return 'ds-unsigned';
  return ds.some((each) => isDsOfKey(each, apex, child)) ? undefined : 'wrong-ds';
}

function isDsOfKey(ds: Uint8Array, apex: Name, { keys }: ZoneRecord): boolean {
  return keys.some(({ dnskey }) => {
    const key = new Uint8Array(Buffer.from(dnskey, 'base64'));
    const digestType = ds[3];
    if (digestType === 2 || digestType === 4) return equalBytes(dsRdata(apex, key, digestType), ds);
    // A digest that is not made here: tag and algorithm have to do.
    return equalBytes(dsRdata(apex, key, 2).subarray(0, 3), ds.subarray(0, 3));
  });
}

/** Zones served here whose nearest zone above is the one with this apex. */
export function zonesBelow(reader: StoreReader, key: OwnerKey): ZoneRecord[] {
  const nearest: ZoneRecord[] = [];
  let last: OwnerKey | undefined;
  // In canonical order, all that is below a zone follows it.
  for (const { record, apexKey } of reader.zonesAtOrBelow(key)) {
    // A catalog is no zone for queries: what is above it does not matter to it.
    if (apexKey === key || record.isCatalog === true) continue;
    if (last !== undefined && isAtOrBelow(apexKey, last)) continue;
    last = apexKey;
    nearest.push(record);
  }
  return nearest;
}
