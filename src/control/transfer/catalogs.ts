/**
 * Commands about catalogs: zones by which other servers learn which zones they are to serve.
 * Implements: RFC 9432 §4.1 (SOA and NS), §4.2 (member nodes), §4.3.1 (version), §4.4.2 (groups), §5.3 (a zone that
 * goes leaves its catalogs).
 * Not here: the form of members (transfer/catalog-members.ts), changes by hand (control/commands/catalog-zone.ts).
 */
import {
  CATALOG_GROUPS_MAX,
  CATALOG_GROUP_CHARACTERS_MAX,
  CATALOG_NAMES_MAX,
  CATALOG_NAME_BYTES_MAX,
} from '#base/limits/transfer.ts';
import { type Clock } from '#base/clock.ts';
import { atZone, inBody, inUrl } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem, warning } from '#base/problem.ts';
import { type Name, formatName, lowerName, nameOf, ownerKey } from '#dns/name.ts';
import { parseRecordData } from '#dns/record-data.ts';
import { sortRdatas } from '#dns/rrset.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { readSecondaries } from '#store/transfer/secondaries.ts';
import {
  type CatalogMember,
  catalogMembers,
  findMember,
  groupRdata,
  isMemberNamed,
  memberKey,
  memberLabel,
  nodeName,
} from '#transfer/catalog-members.ts';
import { type RrsetChange } from '#zone/changeset.ts';
import { type ZoneView, rrsetOf } from '#zone/view.ts';
import { type CatalogMemberView, type CatalogsApi } from '#control/api/catalog.ts';
import { type TsigKeyInfo } from '#control/api/transfer.ts';
import { type Decision, type RecordWatcher, type ZonePart } from '#control/commands/decision.ts';
import { type CommandOf, type CommandTable, type ServedZone, type ZoneContext } from '#control/commands/table.ts';
import { readRemovedZone, takeBack, withNewerSerial } from '#control/zone/removed.ts';
import { keyProblems } from './secondaries.ts';

export interface CatalogsOptions {
  readonly writer: StoreWriter;
  readonly clock: Clock;
  readonly keys: () => readonly TsigKeyInfo[];
}

type Kinds = 'catalog.create' | 'catalog.add' | 'catalog.remove';

/** RFC 9432 §4.2: the TTL means nothing; 0 keeps caches out. */
const NO_TTL = 0;
/** RFC 9432 §4.1. It is asked for hourly, and an outage of the producer never takes members away (§5.1). */
const SOA_TEXT = 'invalid. invalid. 1 3600 600 2147483646 0';
const VERSION = '2';

export function catalogHandlers(options: CatalogsOptions): CommandTable<Kinds> {
  return {
    'catalog.create': { isCreating: true, decide: (command, context) => create(command, context, options) },
    'catalog.add': { isCreating: true, decide: (command, context) => add(command, context, options) },
    'catalog.remove': {
      isCreating: true,
      decide: (command, context) => remove(command, context, options),
    },
  };
}

function create(
  { zone }: CommandOf<'catalog.create'>,
  { served, emptyView }: ZoneContext,
  { writer, clock }: CatalogsOptions,
): Result<Decision> {
  const name = formatName(zone);
  if (served !== undefined) {
    const fix = 'a catalog has a name of its own: waxseal catalog create catalog.example.com';
    return fail(problem('ZONE_EXISTS', atZone(name), `the zone ${name} is served already`, { fix }));
  }
  if (zone.length > CATALOG_NAME_BYTES_MAX) {
    const most = `the name of a catalog may have ${CATALOG_NAME_BYTES_MAX}, because members have names below it`;
    const why = `${name} has ${zone.length} octets: ${most}`;
    return fail(problem('FIELD_VALUE', inBody('/name'), why));
  }
  const removed = readRemovedZone(writer, zone, clock.nowMs());
  const fresh = firstRecords(zone);
  const changes = removed === undefined ? fresh : withNewerSerial(zone, fresh, removed);
  return ok({
    zone: name,
    parts: [{ record: undefined, view: emptyView, changes, isSigned: false, isOfCatalog: true }],
    ...(removed === undefined ? {} : takeBack(writer, removed, writer.nextZoneId(), [])),
    detail: 'new catalog',
    isChanged: true,
  });
}

function firstRecords(apex: Name): readonly RrsetChange[] {
  const soa = parseRecordData(TYPE.SOA, SOA_TEXT, apex);
  if (!soa.ok) return [];
  const version = nodeName(`${ownerKey(apex)}version\u0000`);
  const of = (owner: Name, type: RrType, rdata: Uint8Array, manager: 'manual' | 'catalog'): RrsetChange => {
    return { owner, type, rrset: { ttl: NO_TTL, rdatas: [rdata], manager } };
  };
  return [
    of(apex, TYPE.SOA, soa.value, 'manual'),
    of(apex, TYPE.NS, nameOf('invalid.'), 'manual'),
    of(version, TYPE.TXT, groupRdata(VERSION), 'catalog'),
  ];
}

function add(
  { zone, member, groups }: CommandOf<'catalog.add'>,
  { served }: ZoneContext,
  { writer, keys }: CatalogsOptions,
): Result<Decision> {
  if (served?.record.isCatalog !== true) return fail(noCatalog(zone));
  const { record, view } = served;
  const problems = groupProblems(groups);
  const ofMember = writer.zoneByName(member);
  const wrong = memberProblem(member, ofMember);
  if (ofMember === undefined || wrong !== undefined || problems.length > 0)
    return fail(...(wrong === undefined ? [] : [wrong]), ...problems);
  const known = findMember(view, ofMember.id);
  if (known === undefined && record.nodeCount > CATALOG_NAMES_MAX - 2) {
    const most = `a catalog may have ${CATALOG_NAMES_MAX}; nothing was changed`;
    const why = `${record.name} has ${record.nodeCount} names: ${most}`;
    return fail(problem('CATALOG_MEMBERS_MANY', atZone(record.name), why, { fix: 'use one more catalog' }));
  }
  const label = known?.label ?? memberLabel(ofMember.id, record.serial);
  const changes = [
    setTo(view, memberKey(view, label), TYPE.PTR, [nameOf(ofMember.name)]),
    setTo(view, memberKey(view, label, 'group'), TYPE.TXT, groups.map(groupRdata)),
  ];
  const inGroups = groups.length === 0 ? '' : `, group ${groups.join(', ')}`;
  return ok({
    zone: record.name,
    parts: [{ record, view, changes: changes.flat(), isOfCatalog: true }],
    detail: `member ${ofMember.name}${inGroups}`,
    warnings: grantWarnings(readSecondaries(writer, record.id), record, ofMember, keys()),
    isChanged: false,
  });
}

/** The change that makes the RRset what it shall be; none when it is so. */
function setTo(view: ZoneView, key: string, type: RrType, rdatas: readonly Uint8Array[]): readonly RrsetChange[] {
  const isThere = rrsetOf(view.node(key), type) !== undefined;
  if (rdatas.length === 0 && !isThere) return [];
  const sorted = sortRdatas(type, rdatas);
  const rrset = sorted.length === 0 ? null : ({ ttl: NO_TTL, rdatas: sorted, manager: 'catalog' } as const);
  return [{ owner: nodeName(key), type, rrset }];
}

function memberProblem(member: Name, record: ZoneRecord | undefined): Problem | undefined {
  const name = formatName(member);
  if (record === undefined) {
    const why = `the zone ${name} is not served here, so no server could have it from here; nothing was changed`;
    return problem('ZONE_NOT_FOUND', inUrl('zone'), why, { fix: `make it first: waxseal zone add ${name}` });
  }
  if (record.isCatalog !== true) return undefined;
  const why = `${name} is a catalog itself, and servers would serve it as a zone; nothing was changed`;
  return problem('ZONE_CATALOG', inUrl('zone'), why, {
    fix: 'each server that follows it has it in its configuration',
  });
}

function groupProblems(groups: readonly string[]): readonly Problem[] {
  const at = inBody('/groups');
  const isText = (group: string): boolean =>
    /^[\u0021-\u007e]+$/.test(group) && group.length <= CATALOG_GROUP_CHARACTERS_MAX;
  const form = `a group has 1 to ${CATALOG_GROUP_CHARACTERS_MAX} printable characters of ASCII without blanks`;
  const odd = groups
    .filter((group) => !isText(group))
    .map((group) => problem('CATALOG_GROUP', at, `${JSON.stringify(group)}: ${form}`));
  const many = `a member has at most ${CATALOG_GROUPS_MAX} groups`;
  if (groups.length > CATALOG_GROUPS_MAX) return [...odd, problem('CATALOG_GROUP', at, many)];
  const twice = groups.find((group, index) => groups.indexOf(group) < index);
  return twice === undefined ? odd : [...odd, problem('CATALOG_GROUP', at, `the group ${twice} is there twice`)];
}

/** A server that follows the catalog asks for the member with a key that may not open it. */
function grantWarnings(
  secondaries: ReturnType<typeof readSecondaries>,
  catalog: ZoneRecord,
  member: ZoneRecord,
  keys: readonly TsigKeyInfo[],
): readonly Problem[] {
  return secondaries.flatMap(({ ip, key }) => {
    if (key === undefined || keyProblems(key, nameOf(member.name), keys).length === 0) return [];
    const what = `with the key ${key}, which does not open ${member.name}`;
    const why = `${ip} follows the catalog ${catalog.name} ${what}: it will not get it`;
    const fix = 'use a key for all zones: waxseal tsig generate NAME --all-zones';
    return [warning('CATALOG_MEMBER_GRANT', atZone(member.name), why, { fix })];
  });
}

function remove(
  { zone, member }: CommandOf<'catalog.remove'>,
  { served }: ZoneContext,
  { writer }: CatalogsOptions,
): Result<Decision> {
  if (served?.record.isCatalog !== true) return fail(noCatalog(zone));
  const { record, view } = served;
  const ofMember = writer.zoneByName(member);
  const known = (ofMember === undefined ? undefined : findMember(view, ofMember.id)) ?? memberNamed(view, member);
  if (known === undefined) {
    const why = `${formatName(member)} is no member of ${record.name}`;
    return fail(
      problem('CATALOG_MEMBER_NOT_FOUND', inUrl('zone'), why, {
        fix: `list them: waxseal catalog list ${record.name}`,
      }),
    );
  }
  return ok({
    zone: record.name,
    parts: [without(served, known)],
    detail: `member ${formatName(known.zone)}`,
    isChanged: false,
  });
}

/** One whose zone is not here any more stays only where the catalog took no change when it went. */
function memberNamed(view: ZoneView, zone: Name): CatalogMember | undefined {
  for (const member of catalogMembers(view)) if (isMemberNamed(member, zone)) return member;
  return undefined;
}

/** The catalog without the member, and without what is below its node. */
function without({ record, view }: ServedZone, { key }: CatalogMember): ZonePart {
  const changes: RrsetChange[] = [];
  for (const node of view.ascend(key)) {
    if (!node.key.startsWith(key)) break;
    for (const { type } of node.rrsets) changes.push({ owner: node.owner, type, rrset: null });
  }
  return { record, view, changes, isOfCatalog: true };
}

function noCatalog(zone: Name): Problem {
  const name = formatName(zone);
  return problem('CATALOG_NOT_FOUND', inUrl('catalog'), `there is no catalog ${name} here`, {
    fix: `list them: waxseal catalog list; make one: waxseal catalog create ${name}`,
  });
}

/** `watcher`, and a zone that is removed leaves its catalogs in the same transaction. */
export function withCatalogs(watcher: RecordWatcher, writer: StoreWriter): RecordWatcher {
  return { ...watcher, leave: (record) => [...watcher.leave(record), ...leaving(writer, record)] };
}

function leaving(writer: StoreWriter, { id }: ZoneRecord): readonly ZonePart[] {
  return writer.catalogs().flatMap((record) => {
    // Labels in a catalog of another server have another meaning.
    if (record.secondary !== undefined) return [];
    const view = writer.view(record);
    const member = findMember(view, id);
    return member === undefined ? [] : [without({ record, view }, member)];
  });
}

/** What the API may ask. */
export function catalogsApi(writer: StoreWriter): CatalogsApi {
  return {
    list: () => writer.zones().filter(({ isCatalog }) => isCatalog === true),
    members(catalog, limit, after) {
      const record = writer.zoneByName(catalog);
      if (record?.isCatalog !== true) return fail(noCatalog(catalog));
      const members: CatalogMemberView[] = [];
      for (const { zone, label, groups } of catalogMembers(writer.view(record), after)) {
        if (members.length >= limit) break;
        members.push({ zone: formatName(lowerName(zone)), label, groups });
      }
      return ok(members);
    },
  };
}
