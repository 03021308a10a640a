/**
 * Records of a zone file → the RRsets of a zone.
 * Implements: RFC 2181 §5 (one TTL per RRset, no duplicates), RFC 1035 §5.2 (data out of the zone), both as named-checkzone takes them.
 * Not here: reading the file (dns/zone-file.ts), what the RRsets must satisfy together (check.ts).
 */
import { TYPES_PER_NAME_MAX } from '#base/limits/dns.ts';
import { type Place, WHOLE, formatPlace } from '#base/place.ts';
import { ProblemList } from '#base/problem-list.ts';
import { type Problem, type Result, fail, hasErrors, ok, warning } from '#base/problem.ts';
import { type Name, type OwnerKey, equalNames, formatName, isAtOrBelow, ownerKey } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { type Rrset, sortRdatas } from '#dns/rrset.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type ZoneFileOptions, type ZoneRecordLine, parseZoneFile } from '#dns/zone-file.ts';
import { type CheckOptions } from './check-state.ts';
import { checkedZone } from './check.ts';
import { type ZoneView, isSignerType } from './view.ts';
import { checkZonemd } from './zonemd-check.ts';

/** An RRset and where its first record stands in the file. */
export interface PlacedRrset extends Rrset {
  /** `file:line:column`. */
  readonly at: Place;
}

export interface LoadOptions extends ZoneFileOptions, Pick<CheckOptions, 'recordsPerRrset'> {
  /** Whether waxseal signs the zone (see `withoutManagedTypes`). */
  readonly signed: boolean;
}

/** What a zone file says, as far as it can be read. */
export interface ReadZone {
  readonly rrsets: readonly PlacedRrset[];
  /** The zone that they make. */
  readonly view: ZoneView;
  /** Errors first. */
  readonly problems: readonly Problem[];
  /** True when every record of the file could be read. */
  readonly isWhole: boolean;
}

/** A zone file's RRsets, checked as a zone, with every problem at once. `options.origin` is the apex. */
export function readZone(text: string, options: LoadOptions): ReadZone {
  const file = parseZoneFile(text, options);
  const kept = withoutManagedTypes(file.records, options.origin, options.signed);
  const zone = assembleRrsets(options.origin, kept.records);
  const { recordsPerRrset } = options;
  const limit = recordsPerRrset === undefined ? {} : { recordsPerRrset };
  const isWhole = !hasErrors(file.problems);
  const digest = isWhole ? checkZonemd(options.origin, recordsOf(file.records)) : [];
  const { view, problems: checked } = checkedZone(options.origin, zone.rrsets, { complete: isWhole, ...limit });
  const found = checked.map((each) => (each.code === 'SOA_MISSING' ? { ...each, ...whereSoaIs(options.origin, file.records) } : each));
  const problems = [...file.problems, ...digest, ...kept.problems, ...zone.problems, ...found];
  const errorsFirst = problems.toSorted((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'));
  return { rrsets: zone.rrsets, view, problems: errorsFirst, isWhole };
}

/** ALIAS is no record, and in no digest. */
function recordsOf(lines: readonly ZoneRecordLine[]): readonly ZoneRecordLine[] {
  return lines.some(({ type }) => type === TYPE.ALIAS) ? lines.filter(({ type }) => type !== TYPE.ALIAS) : lines;
}

/** `readZone` for callers who can only use a good zone. */
export function loadZone(text: string, options: LoadOptions): Result<readonly PlacedRrset[]> {
  const { rrsets, problems } = readZone(text, options);
  return hasErrors(problems) ? fail(...problems) : ok(rrsets, problems);
}

/** Of a zone without SOA: the one that the file has elsewhere, and what led it there. */
function whereSoaIs(apex: Name, records: readonly ZoneRecordLine[]): { readonly fix?: string } {
  const soa = records.find(({ type }) => type === TYPE.SOA);
  if (soa === undefined) return {};
  const [zone, owner] = [formatName(apex), formatName(soa.owner)];
  const where = `the SOA at ${formatPlace(soa.at)} is of ${owner}`;
  if (soa.owner.length === 1)
    return { fix: `${where}, because @ is the root after $ORIGIN . (old exports of Cloudflare have that): write ${zone} in its place` };
  if (isAtOrBelow(ownerKey(soa.owner), ownerKey(apex))) return { fix: `${where}: was its last dot forgotten? Write ${zone}` };
  return { fix: `${where}: is this the file of another zone?` };
}

/** Records grouped by owner (in any case) and type. Out-of-zone data is left out and duplicates are dropped; the first TTL holds. */
export function assembleRrsets(
  apex: Name,
  records: readonly ZoneRecordLine[],
): { readonly rrsets: readonly PlacedRrset[]; readonly problems: readonly Problem[] } {
  const apexKey = ownerKey(apex);
  const problems = new ProblemList();
  const nodes = new Map<OwnerKey, Map<RrType, { owner: Name; ttl: number; at: Place; rdatas: Uint8Array[] }> | null>();
  let owner: Name | undefined;
  let types: Map<RrType, { owner: Name; ttl: number; at: Place; rdatas: Uint8Array[] }> | null = null;
  for (const record of records) {
    // Lines that inherit their owner share its octets: the key is made once.
    if (record.owner !== owner) {
      owner = record.owner;
      const key = ownerKey(owner);
      const known = nodes.get(key);
      types = known === undefined ? (isAtOrBelow(key, apexKey) ? new Map() : null) : known;
      if (known === undefined) {
        nodes.set(key, types);
        if (types === null)
          problems.push(
            warning('OUT_OF_ZONE', record.at, `${formatName(owner)} is not in the zone ${formatName(apex)}; its data is left out`, {
              rfc: 'RFC 1035 §5.2',
              fix: 'a name without a dot at its end is completed by the origin',
            }),
          );
      }
    }
    if (types === null) continue;
    const group = types.get(record.type);
    // Types past the limit are an error of check.ts, which one too many is enough for.
    if (group === undefined && types.size > TYPES_PER_NAME_MAX) continue;
    if (group === undefined) types.set(record.type, { owner: record.owner, ttl: record.ttl, at: record.at, rdatas: [record.rdata] });
    else {
      if (group.ttl !== record.ttl)
        problems.push(
          warning(
            'RRSET_TTLS_DIFFER',
            record.at,
            `${formatName(record.owner)} ${typeName(record.type)}: the TTL ${record.ttl} is set to ${group.ttl}, that of the RRset's first record`,
            { rfc: 'RFC 2181 §5.2' },
          ),
        );
      group.rdatas.push(record.rdata);
    }
  }
  const rrsets: PlacedRrset[] = [];
  for (const node of nodes.values())
    for (const [type, { owner: first, ttl, at, rdatas }] of node ?? [])
      rrsets.push({ owner: first, type, ttl, rdatas: rdatas.length === 1 ? rdatas : sortRdatas(type, rdatas), at });
  return { rrsets, problems: problems.list() };
}

/**
 * The records that a file may bring: none of the signer's own types, with no DNSKEY, and no CDS or CDNSKEY at the apex,
 * when waxseal signs the zone, and no ZONEMD at the apex, whose digest is of the file as it was (RFC 8976 §3.3; elsewhere
 * it is no digest, §2). One warning counts what was left out. Before grouping, because RRSIGs of one owner are no RRset:
 * their TTLs differ.
 */
export function withoutManagedTypes(
  records: readonly ZoneRecordLine[],
  apex: Name,
  signed: boolean,
): { readonly records: readonly ZoneRecordLine[]; readonly problems: readonly Problem[] } {
  const counts = new Map<RrType, number>();
  let at: Place = WHOLE;
  const kept = records.filter((record) => {
    const isApex = equalNames(record.owner, apex);
    const isDigest = record.type === TYPE.ZONEMD && isApex;
    if (!isSignerType(record.type, signed, isApex) && !isDigest) return true;
    if (counts.size === 0) ({ at } = record);
    counts.set(record.type, (counts.get(record.type) ?? 0) + 1);
    return false;
  });
  if (counts.size === 0) return { records, problems: [] };
  const what = [...counts].toSorted(([a], [b]) => a - b).map(([type, count]) => `${count} ${typeName(type)}`);
  const why = signed ? 'the zone is signed here with its own keys' : 'the zone is not signed here, and no signer would renew them';
  // What the zone was where it comes from, a policy may ask of it here too.
  const hasNsec3 = signed && counts.has(TYPE.NSEC3PARAM);
  const fix = hasNsec3
    ? {
        fix:
          'the zone had NSEC3; to have it here too: --denial nsec3 with a new zone, or ' +
          `waxseal dnssec set ${formatName(apex)} --denial nsec3`,
      }
    : {};
  const text = `left out of the file: ${what.join(', ')} records: ${why}`;
  return { records: kept, problems: [warning('DNSSEC_DROPPED', at, text, fix)] };
}
