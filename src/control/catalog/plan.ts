/**
 * What follows from a version of a catalog for the zones here: which come, go, change or move to it, and which names
 * are taken by zones that are not its own. Reads the store, writes nothing.
 * Implements: RFC 9432 §4.4.1 and §5.5 (a zone moves when the catalog that has it says so), §5.2 (name clashes), §5.3
 * (only its own members are removed), §5.4 and §5.6 (another label is a reset).
 * Not here: reading the catalog (transfer/catalog-content.ts), doing it (follower.ts).
 */
import { CATALOG_REMOVALS_MIN, CATALOG_REMOVALS_SHARE } from '#base/limits/transfer.ts';
import { type Name, type OwnerKey, ROOT, formatName, nameOf, ownerKey, parentName } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type SecondaryRole, type ZoneRecord } from '#store/schema.ts';
import { type StoreReader } from '#store/reader.ts';
import {
  type FollowedCatalog,
  type MemberTemplate,
  type Membership,
  readMembership,
} from '#store/transfer/followed-catalogs.ts';
import { type Primary, readPrimaries } from '#store/transfer/primaries.ts';
import { type ListedMember } from '#transfer/catalog-content.ts';
import { rrsetOf } from '#zone/view.ts';

/** How a member is to be. */
export interface MemberOrder {
  readonly zone: Name;
  readonly primaries: readonly Primary[];
  readonly mode: SecondaryRole['mode'];
  readonly membership: Membership;
}

export interface NameClash {
  readonly zone: string;
  /** Words that follow its name. */
  readonly why: string;
}

export interface CatalogPlan {
  readonly add: readonly MemberOrder[];
  /** Of zones that are there. */
  readonly assign: readonly MemberOrder[];
  readonly remove: readonly ZoneRecord[];
  /** More than a usual change removes: it is not carried out before the operator has said so. */
  readonly isHeld: boolean;
  readonly clashes: readonly NameClash[];
}

export interface PlanInput {
  readonly reader: StoreReader;
  readonly catalog: ZoneRecord;
  readonly followed: FollowedCatalog;
  readonly listed: ReadonlyMap<OwnerKey, ListedMember>;
  /** Ids of zones that this catalog brought; some may be gone. */
  readonly own: Iterable<number>;
  /** Where the other catalog, which has the zone now, says that it shall go. */
  readonly newOwner: (catalogId: number, zone: OwnerKey) => Name | undefined;
}

export function planCatalog(input: PlanInput): CatalogPlan {
  const { reader, catalog, followed, listed } = input;
  const [add, assign, clashes] = [[] as MemberOrder[], [] as MemberOrder[], [] as NameClash[]];
  const ofCatalog = readPrimaries(reader, catalog.id);
  for (const [key, member] of listed) {
    const record = reader.zoneByName(member.zone);
    const order = orderOf(member, catalog, followed, ofCatalog);
    if (record === undefined) {
      const why = hiddenBy(reader, member.zone, catalog.id);
      if (why === undefined) add.push(order);
      else clashes.push({ zone: formatName(member.zone), why });
      continue;
    }
    const before = readMembership(reader, record.id);
    const why = ownerFault(input, record, before, key);
    if (why !== undefined) clashes.push({ zone: record.name, why });
    else if (!isSo(reader, record, before!, order)) assign.push(withReset(order, before!));
  }
  const own = [...input.own].flatMap((id) => ownRecord(reader, id, catalog) ?? []);
  const remove = own.filter(({ name }) => !listed.has(ownerKey(nameOf(name))));
  const isUsual = remove.length <= Math.max(CATALOG_REMOVALS_MIN, own.length * CATALOG_REMOVALS_SHARE);
  const isHeld = !isUsual && followed.confirmedSerial !== catalog.serial;
  return { add, assign, remove, isHeld, clashes };
}

/** The zone, if it still is a member that this catalog brought. */
export function ownRecord(reader: StoreReader, id: number, catalog: Pick<ZoneRecord, 'id'>): ZoneRecord | undefined {
  const record = reader.zoneById(id);
  return record !== undefined && readMembership(reader, id)?.catalogId === catalog.id ? record : undefined;
}

/** What a member of these groups is made from. */
export function templateOf({ templates }: FollowedCatalog, groups: readonly string[]): MemberTemplate {
  const ofGroup = templates.find(({ group }) => group !== undefined && groups.includes(group));
  const usual = templates.find(({ group }) => group === undefined);
  return ofGroup ?? usual ?? { primaries: [], mode: 'copy' };
}

function orderOf(
  { zone, label, groups }: ListedMember,
  { id: catalogId, name: catalog }: ZoneRecord,
  followed: FollowedCatalog,
  ofCatalog: readonly Primary[],
): MemberOrder {
  const { primaries, mode } = templateOf(followed, groups);
  const membership = { catalog, catalogId, label, groups };
  return { zone, primaries: primaries.length === 0 ? ofCatalog : primaries, mode, membership };
}

/** Why a zone that is there does not become a member of the catalog; undefined: it is one, or moves to it. */
function ownerFault(
  { reader, catalog, newOwner }: PlanInput,
  { isCatalog }: ZoneRecord,
  before: Membership | undefined,
  key: OwnerKey,
): string | undefined {
  if (isCatalog === true) return 'is a catalog itself';
  if (before === undefined) return 'is a zone here that no catalog brought';
  if (before.catalogId === catalog.id) return undefined;
  // The catalog was taken away and is followed anew: what it brought is its own again.
  if (reader.zoneById(before.catalogId) === undefined && before.catalog === catalog.name) return undefined;
  const coo = newOwner(before.catalogId, key);
  if (coo !== undefined && formatName(coo) === catalog.name) return undefined;
  return `is a member of ${before.catalog}, which does not give it to ${catalog.name} (coo)`;
}

/**
 * Why a new zone would take names from a zone here that is none of this catalog's: it would be below it where there is
 * no delegation. Who writes a catalog must not answer for names of others. Undefined: it would not.
 */
function hiddenBy(reader: StoreReader, zone: Name, catalogId: number): string | undefined {
  for (let above = zone; above.length > ROOT.length;) {
    above = parentName(above);
    const record = reader.zoneByName(above);
    if (record === undefined) continue;
    if (record.isCatalog === true || readMembership(reader, record.id)?.catalogId === catalogId) return undefined;
    const isDelegated = rrsetOf(reader.view(record).node(ownerKey(zone)), TYPE.NS) !== undefined;
    return isDelegated ? undefined : `is below the zone ${record.name} here, which does not delegate it`;
  }
  return undefined;
}

/** Nothing is to be done about the member. */
function isSo(reader: StoreReader, record: ZoneRecord, before: Membership, order: MemberOrder): boolean {
  const { membership, primaries, mode } = order;
  return (
    before.catalogId === membership.catalogId &&
    before.label === membership.label &&
    before.groups.join('\u0000') === membership.groups.join('\u0000') &&
    record.secondary?.mode === mode &&
    samePrimaries(readPrimaries(reader, record.id), primaries)
  );
}

function samePrimaries(one: readonly Primary[], other: readonly Primary[]): boolean {
  const texts = (list: readonly Primary[]): string =>
    JSON.stringify(list.map(({ ip, port, key, tls }) => [ip, port, key, tls?.host, tls?.pins, tls?.certificate]));
  return texts(one) === texts(other);
}

/** §5.4, §5.6: with another label it is to come whole; also while a reset of before waits for its transfer. */
function withReset(order: MemberOrder, before: Membership): MemberOrder {
  const isReset = before.label !== order.membership.label || before.isReset === true;
  return isReset ? { ...order, membership: { ...order.membership, isReset } } : order;
}
