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
import { placeOfRrset } from '#dns/place.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type ZoneFileOptions, type ZoneRecordLine, parseZoneFile, readZoneFile } from '#dns/zone-file.ts';
import { type CheckOptions } from './check-state.ts';
import { checkView } from './check.ts';
import { TableView } from '#zone/table/table-view.ts';
import { type PlacedRrset, ZoneTable } from '#zone/table/zone-table.ts';
import { isSignerType } from './view.ts';
import { checkZonemd } from './zonemd-check.ts';

export type { PlacedRrset } from '#zone/table/zone-table.ts';

export interface LoadOptions extends ZoneFileOptions, Pick<CheckOptions, 'recordsPerRrset'> {
  /** Whether waxseal signs the zone (see `ManagedTypes`). */
  readonly signed: boolean;
}

/** What a zone file says, as far as it can be read. */
export interface ReadZone {
  /** By owner in the order of the file; made when they are asked for. */
  readonly rrsets: Iterable<PlacedRrset>;
  /** The zone that they make. */
  readonly view: TableView;
  /** Whether a record of this type is among them. */
  readonly hasType: (type: RrType) => boolean;
  /** Errors first. */
  readonly problems: readonly Problem[];
  /** True when every record of the file could be read. */
  readonly isWhole: boolean;
}

/** A zone file's RRsets, checked as a zone, with every problem at once. `options.origin` is the apex. */
export function readZone(text: string, options: LoadOptions): ReadZone {
  const { origin: apex, recordsPerRrset } = options;
  const managed = new ManagedTypes(apex, options.signed);
  const assembly = new Assembly(apex);
  let soa: ZoneRecordLine | undefined;
  let hasDigest = false;
  const file = readZoneFile(text, options, (record) => {
    if (record.type === TYPE.SOA) soa ??= record;
    if (record.type === TYPE.ZONEMD) hasDigest = true;
    if (managed.isKept(record)) assembly.add(record);
  });
  const isWhole = !hasErrors(file.problems);
  // Few files have a digest, and then all records are needed at once: it is read again.
  const digest = isWhole && hasDigest ? checkZonemd(apex, recordsOf(parseZoneFile(text, options).records)) : [];
  const { table } = assembly;
  const view = new TableView(table);
  const place = (owner: Name, type: RrType): Place => placeIn(table, owner, type) ?? placeOfRrset(owner, type);
  const limit = recordsPerRrset === undefined ? {} : { recordsPerRrset };
  const checked = checkView(view, { place, complete: isWhole, ...limit });
  const found = checked.map((each) => (each.code === 'SOA_MISSING' ? { ...each, ...whereSoaIs(apex, soa) } : each));
  const problems = [...file.problems, ...digest, ...managed.problems(), ...assembly.problems.list(), ...found];
  const errorsFirst = problems.toSorted((a, b) => Number(a.severity === 'warning') - Number(b.severity === 'warning'));
  const rrsets = { [Symbol.iterator]: () => table.rrsets() };
  return { rrsets, view, hasType: (type) => table.hasType(type), problems: errorsFirst, isWhole };
}

function placeIn(table: ZoneTable, owner: Name, type: RrType): Place | undefined {
  const name = table.find(ownerKey(owner));
  const rrset = name < 0 ? undefined : table.rrset(name, type);
  return rrset === undefined ? undefined : table.placeOf(rrset);
}

/** ALIAS is no record, and in no digest. */
function recordsOf(lines: readonly ZoneRecordLine[]): readonly ZoneRecordLine[] {
  return lines.some(({ type }) => type === TYPE.ALIAS) ? lines.filter(({ type }) => type !== TYPE.ALIAS) : lines;
}

/** `readZone` for callers who can only use a good zone. */
export function loadZone(text: string, options: LoadOptions): Result<readonly PlacedRrset[]> {
  const { rrsets, problems } = readZone(text, options);
  return hasErrors(problems) ? fail(...problems) : ok([...rrsets], problems);
}

/** Of a zone without SOA: the one that the file has elsewhere, and what led it there. */
function whereSoaIs(apex: Name, soa: ZoneRecordLine | undefined): { readonly fix?: string } {
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
  const assembly = new Assembly(apex);
  for (const record of records) assembly.add(record);
  assembly.table.finish();
  return { rrsets: [...assembly.table.rrsets()], problems: assembly.problems.list() };
}

/** Groups the records of a file, one after the other. */
class Assembly {
  readonly table: ZoneTable;
  readonly problems = new ProblemList();
  readonly #outside = new Set<OwnerKey>();
  #owner: Name | undefined;
  /** Of the last owner; undefined when it is out of the zone. */
  #name: number | undefined;

  constructor(apex: Name) {
    this.table = new ZoneTable(apex);
  }

  add(record: ZoneRecordLine): void {
    const { owner, type, ttl, rdata, at } = record;
    // Lines that inherit their owner share its octets: the key is made once.
    if (owner !== this.#owner) {
      this.#owner = owner;
      const key = ownerKey(owner);
      this.#name = isAtOrBelow(key, this.table.apexKey) ? this.table.name(key) : this.#leaveOut(key, record);
    }
    if (this.#name === undefined) return;
    const rrset = this.table.rrset(this.#name, type);
    if (rrset === undefined) {
      // Types past the limit are an error of check.ts, which one too many is enough for.
      if (this.table.typeCount(this.#name) <= TYPES_PER_NAME_MAX)
        this.table.addRrset(this.#name, { owner, type, ttl, rdatas: [rdata], at });
      return;
    }
    if (this.table.ttlOf(rrset) !== ttl) this.problems.push(ttlDiffers(record, this.table.ttlOf(rrset)));
    this.table.addRecord(rrset, rdata);
  }

  #leaveOut(key: OwnerKey, { owner, at }: ZoneRecordLine): undefined {
    if (this.#outside.has(key)) return;
    this.#outside.add(key);
    const why = `${formatName(owner)} is not in the zone ${formatName(this.table.apex)}; its data is left out`;
    const fix = 'a name without a dot at its end is completed by the origin';
    this.problems.push(warning('OUT_OF_ZONE', at, why, { rfc: 'RFC 1035 §5.2', fix }));
  }
}

function ttlDiffers({ owner, type, ttl, at }: ZoneRecordLine, first: number): Problem {
  const why = `${formatName(owner)} ${typeName(type)}: the TTL ${ttl} is set to ${first}, that of the RRset's first record`;
  return warning('RRSET_TTLS_DIFFER', at, why, { rfc: 'RFC 2181 §5.2' });
}

/**
 * The records that a file may bring: none of the signer's own types, with no DNSKEY, and no CDS or CDNSKEY at the apex,
 * when waxseal signs the zone, and no ZONEMD at the apex, whose digest is of the file as it was (RFC 8976 §3.3; elsewhere
 * it is no digest, §2). One warning counts what was left out. Before grouping, because RRSIGs of one owner are no RRset:
 * their TTLs differ.
 */
class ManagedTypes {
  readonly #apex: Name;
  readonly #signed: boolean;
  readonly #counts = new Map<RrType, number>();
  /** Of the first one. */
  #at: Place = WHOLE;

  constructor(apex: Name, signed: boolean) {
    this.#apex = apex;
    this.#signed = signed;
  }

  isKept({ owner, type, at }: ZoneRecordLine): boolean {
    const isApex = equalNames(owner, this.#apex);
    const isDigest = type === TYPE.ZONEMD && isApex;
    if (!isSignerType(type, this.#signed, isApex) && !isDigest) return true;
    if (this.#counts.size === 0) this.#at = at;
    this.#counts.set(type, (this.#counts.get(type) ?? 0) + 1);
    return false;
  }

  problems(): Problem[] {
    const counts = this.#counts;
    if (counts.size === 0) return [];
    const signed = this.#signed;
    const what = [...counts].toSorted(([a], [b]) => a - b).map(([type, count]) => `${count} ${typeName(type)}`);
    const why = signed ? 'the zone is signed here with its own keys' : 'the zone is not signed here, and no signer would renew them';
    // What the zone was where it comes from, a policy may ask of it here too.
    const fix = signed && counts.has(TYPE.NSEC3PARAM) ? { fix: nsec3Fix(this.#apex) } : {};
    const text = `left out of the file: ${what.join(', ')} records: ${why}`;
    return [warning('DNSSEC_DROPPED', this.#at, text, fix)];
  }
}

function nsec3Fix(apex: Name): string {
  const set = `waxseal dnssec set ${formatName(apex)} --denial nsec3`;
  return `the zone had NSEC3; to have it here too: --denial nsec3 with a new zone, or ${set}`;
}
