/**
 * What a new zone and the zones above and below it on this server are to each other: a zone whose parent here has no NS for it is
 * bogus at once when the parent is signed, and it hides the parent's records.
 * Implements: RFC 1034 §4.2.1 (a zone is cut off by NS in its parent), RFC 4035 §2.4 (DS at the cut), §5.2 (without either, bogus).
 * Not here: changes of zones that are there (served-below.ts), zones of other servers, records of the new zone itself
 * (change-rules.ts).
 */
import { equalBytes } from '#base/bytes.ts';
import { HIDDEN_RECORDS_SHOWN_MAX } from '#base/limits/zones.ts';
import { atZone } from '#base/place.ts';
import { type Problem, type Result, fail, hasErrors, ok, problem, warning } from '#base/problem.ts';
import { type Name, type OwnerKey, formatName, isAtOrBelow, nameOf, ownerKey, parentName } from '#dns/name.ts';
import { typeName } from '#dns/registry.ts';
import { type RrType, TYPE } from '#dns/types.ts';
import { type DigestType, dsRdata } from '#dnssec/ds.ts';
import { keyUse } from '#dnssec/key-stage.ts';
import { KEY_TTL_SECONDS } from '#base/limits/dnssec.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneKeyRef, type ZoneRecord } from '#store/schema.ts';
import { authorityOf } from '#zone/cut.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { type ParentCare } from '#control/api/control.ts';
import { type ZonePart } from '#control/commands/decision.ts';
import { type ServedZone } from '#control/commands/table.ts';
import { zonesBelow } from './served-below.ts';

const DIGEST_TYPES: readonly DigestType[] = [2, 4];

/** A zone that is about to be made. */
export interface NewZone {
  readonly apex: Name;
  /** All its records. */
  readonly changes: Iterable<RrsetChange>;
  readonly isSigned: boolean;
  /** Keys that it gets back; without any it gets a new one. */
  readonly keys: readonly ZoneKeyRef[];
}

export interface NeighbourOptions {
  /** `check`: what is wrong stops the zone. `delegate`: NS and DS go into the parent with it. `ignore`: what is wrong is a warning. */
  readonly care: ParentCare;
  /** Whether who asks may change the zone with this apex. */
  readonly mayChange: (apex: Name) => boolean;
}

/** The parts that change neighbours, with warnings; or what stands against the zone. */
export function settleNeighbours(reader: StoreReader, zone: NewZone, options: NeighbourOptions): Result<readonly ZonePart[]> {
  const parent = servedParent(reader, zone.apex);
  const above = parent === undefined ? { problems: [], parts: [] } : fitBelow(parent, zone, options);
  const below = zonesBelow(reader, ownerKey(zone.apex));
  const problems = [...above.problems, ...below.flatMap((child) => fitAbove(child, zone))];
  if (hasErrors(problems) && options.care !== 'ignore') return fail(...problems);
  return ok(
    above.parts,
    problems.map((each) => ({ ...each, severity: 'warning' as const })),
  );
}

/** What a zone above, served here, still says of a zone that is removed. */
export function stillDelegated(reader: StoreReader, apex: Name): Problem[] {
  const parent = servedParent(reader, apex);
  const node = parent?.view.node(ownerKey(apex));
  const types = [TYPE.NS, TYPE.DS].filter((type) => rrsetOf(node, type) !== undefined).map(typeName);
  if (parent === undefined || types.length === 0) return [];
  const [name, above] = [formatName(apex), parent.record.name];
  return [
    warning('ZONE_PARENT', atZone(name), `the zone ${above}, served here, still has ${types.join(' and ')} for ${name}`, {
      rfc: 'RFC 1034 §4.2.1',
      fix: types.map((type) => `waxseal rrset delete ${above} ${name} ${type}`).join('; '),
    }),
  ];
}

/** The nearest zone above `apex` that is served here. */
export function servedParent(reader: StoreReader, apex: Name): ServedZone | undefined {
  for (let at = apex; at.length > 1;) {
    at = parentName(at);
    const record = reader.zoneByName(at);
    // No query gets to a catalog: it is above nothing.
    if (record !== undefined && record.isCatalog !== true) return { record, view: reader.view(record) };
  }
  return undefined;
}

function fitBelow(parent: ServedZone, zone: NewZone, options: NeighbourOptions): { problems: Problem[]; parts: ZonePart[] } {
  const key = ownerKey(zone.apex);
  const cut = authorityOf(parent.view, key);
  // Below a cut of the parent, the new zone belongs to a zone that is not served here.
  if (cut.kind === 'belowCut') return { problems: [], parts: [] };
  const hidden = hiddenRecords(parent.view, zone);
  const node = parent.view.node(key);
  const isDelegated = cut.kind === 'cut';
  const ds = rrsetOf(node, TYPE.DS);
  if (options.care === 'delegate') {
    if (!options.mayChange(parent.view.apex)) return { problems: [noRight(parent, zone)], parts: [] };
    if (hidden.length > 0) return { problems: [hides(parent, zone, hidden)], parts: [] };
    return { problems: [], parts: [delegation(parent, zone)] };
  }
  if (!isDelegated) return { problems: notDelegated(parent, zone, hidden), parts: [] };
  if (ds !== undefined && !ds.rdatas.some((rdata) => isDsOf(rdata, zone))) return { problems: [wrongDs(parent, zone)], parts: [] };
  return { problems: ds === undefined && parent.record.dnssec === 'on' && zone.isSigned ? [withoutDs(parent, zone)] : [], parts: [] };
}

/** Records of the parent that nothing would answer any more: at or below the new zone, and not in it. */
function hiddenRecords(parent: ZoneView, { apex, changes }: NewZone): string[] {
  const key = ownerKey(apex);
  let kept: ReadonlySet<string> | undefined;
  const isKept = (owner: OwnerKey, type: RrType): boolean => {
    kept ??= new Set([...changes].map((change) => `${ownerKey(change.owner)} ${change.type}`));
    return kept.has(`${owner} ${type}`);
  };
  const hidden: string[] = [];
  for (const node of parent.ascend(key)) {
    if (!isAtOrBelow(node.key, key)) break;
    for (const { type, manager } of node.rrsets) {
      const isOfCut = node.key === key && (type === TYPE.NS || type === TYPE.DS);
      if (manager === 'dnssec' || isOfCut || isKept(node.key, type)) continue;
      hidden.push(`${formatName(node.owner)} ${typeName(type)}`);
      if (hidden.length > HIDDEN_RECORDS_SHOWN_MAX) return hidden;
    }
  }
  return hidden;
}

function shown(hidden: readonly string[]): string {
  const some = hidden.slice(0, HIDDEN_RECORDS_SHOWN_MAX).join(', ');
  return hidden.length > HIDDEN_RECORDS_SHOWN_MAX ? `${some} and more` : some;
}

const DELEGATE = 'to put its NS (and DS) there with it: --delegate, in the API parent=delegate';
const IGNORE = 'to make it all the same: --ignore-parent, in the API parent=ignore';

function notDelegated({ record }: ServedZone, { apex }: NewZone, hidden: readonly string[]): Problem[] {
  const name = formatName(apex);
  if (hidden.length > 0)
    return [
      problem(
        'ZONE_PARENT',
        atZone(name),
        `${name} lies in the zone ${record.name}, which is served here, has no NS records for it, and has records that nothing would answer any more: ${shown(hidden)}`,
        { rfc: 'RFC 1034 §4.2.1', fix: `put these records into the new zone and delete them in ${record.name}, or ${IGNORE}` },
      ),
    ];
  if (record.dnssec === 'on')
    return [
      problem(
        'ZONE_PARENT',
        atZone(name),
        `${name} lies in the signed zone ${record.name}, which is served here and has no NS records for it: its NSEC records say that the name does not exist, so validating resolvers would take every answer for a forgery`,
        { rfc: 'RFC 4035 §5.2', fix: `${DELEGATE}; ${IGNORE}` },
      ),
    ];
  return [
    warning('ZONE_PARENT', atZone(name), `the zone ${record.name}, served here, has no NS records for ${name}`, {
      rfc: 'RFC 1034 §4.2.1',
      fix: `add them: waxseal rrset set ${record.name} ${name} NS 3600 …`,
    }),
  ];
}

function hides({ record }: ServedZone, { apex }: NewZone, hidden: readonly string[]): Problem {
  return problem(
    'ZONE_PARENT',
    atZone(formatName(apex)),
    `the zone ${record.name} has records that nothing would answer any more: ${shown(hidden)}`,
    { rfc: 'RFC 1034 §4.2.1', fix: `put them into the new zone, or delete them in ${record.name} first` },
  );
}

function noRight({ record }: ServedZone, { apex }: NewZone): Problem {
  return problem('ZONE_PARENT', atZone(formatName(apex)), `this needs a right to the zone ${record.name} too`, {
    fix: `ask who may change ${record.name} to add the NS records, then create the zone without "delegate"`,
  });
}

function isDsOf(ds: Uint8Array, { apex, keys }: NewZone): boolean {
  return keys.some(({ dnskey }) => {
    const key = new Uint8Array(Buffer.from(dnskey, 'base64'));
    return DIGEST_TYPES.some((type) => equalBytes(dsRdata(apex, key, type), ds));
  });
}

/** A DS of some other key: the zone's key is made with it. */
function wrongDs({ record }: ServedZone, { apex, isSigned }: NewZone): Problem {
  const name = formatName(apex);
  const why = isSigned ? 'of another key than the one that the zone gets' : 'and the zone would not be signed';
  return problem('ZONE_PARENT', atZone(name), `the zone ${record.name}, served here, has a DS for ${name} ${why}: bogus at once`, {
    rfc: 'RFC 4035 §5.2',
    fix: isSigned ? `${DELEGATE}; or delete the DS first` : 'delete the DS first and wait for its TTL',
  });
}

function withoutDs({ record }: ServedZone, { apex }: NewZone): Problem {
  const name = formatName(apex);
  return warning(
    'ZONE_PARENT_DS',
    atZone(name),
    `the zone ${record.name}, served here, has no DS for ${name}: resolvers take it for unsigned until it has`,
    { rfc: 'RFC 4035 §2.4', fix: `waxseal dnssec ds ${name}, then: waxseal rrset set ${record.name} ${name} DS 3600 …` },
  );
}

/** NS, glue and DS of the new zone in its parent. */
function delegation({ record, view }: ServedZone, { apex, changes: given }: NewZone): ZonePart {
  const key = ownerKey(apex);
  const changes = [...given];
  const manual = ({ owner, type, rrset }: RrsetChange): RrsetChange => ({
    owner,
    type,
    rrset: rrset === null ? null : { ...rrset, manager: 'manual' },
  });
  const ns = changes.filter(({ owner, type }) => type === TYPE.NS && ownerKey(owner) === key);
  const servers = new Set(ns.flatMap(({ rrset }) => rrset?.rdatas.map((rdata) => ownerKey(rdata)) ?? []));
  const isGlue = ({ owner, type }: RrsetChange): boolean =>
    (type === TYPE.A || type === TYPE.AAAA) && servers.has(ownerKey(owner)) && isAtOrBelow(ownerKey(owner), key);
  return {
    record,
    view,
    changes: (prepared) => {
      const made = prepared.find((each) => ownerKey(nameOf(each.record.name)) === key);
      return [...ns.map(manual), ...changes.filter(isGlue).map(manual), dsChange(apex, made?.record)];
    },
  };
}

function dsChange(apex: Name, child: ZoneRecord | undefined): RrsetChange {
  const announced = (child?.keys ?? []).filter(({ role, state }) => keyUse(role, state).isAnnounced);
  const keys = announced.map(({ dnskey }) => new Uint8Array(Buffer.from(dnskey, 'base64')));
  const rdatas = keys.map((key) => dsRdata(apex, key, 2));
  const rrset = rdatas.length === 0 ? null : { ttl: KEY_TTL_SECONDS, rdatas, manager: 'manual' as const };
  return { owner: apex, type: TYPE.DS, rrset };
}

function fitAbove({ name, dnssec }: ZoneRecord, { apex, changes, isSigned }: NewZone): Problem[] {
  const key = ownerKey(nameOf(name));
  const hasCut = [...changes].some(
    ({ owner, type, rrset }) => type === TYPE.NS && rrset !== null && owner.length > apex.length && isAtOrBelow(key, ownerKey(owner)),
  );
  if (hasCut) return [];
  const above = formatName(apex);
  const message = `the zone ${name}, served here, would lie in ${above}, whose records have no NS for it`;
  const details = { rfc: 'RFC 1034 §4.2.1', fix: `add ${name} NS to the zone; ${IGNORE}` };
  return [
    isSigned
      ? problem(
          'ZONE_CHILD',
          atZone(above),
          `${message}: the signed ${above} would prove that ${dnssec === 'on' ? 'it' : 'its name'} does not exist`,
          details,
        )
      : warning('ZONE_CHILD', atZone(above), message, details),
  ];
}
