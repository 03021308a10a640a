/**
 * Commands about catalogs of ours: zones by which other servers learn which zones they are to serve.
 * Implements: RFC 9432 §4.1 (SOA and NS), §4.2 (member nodes), §4.3.1 (version), §4.4.1 (change of ownership), §4.4.2
 * (groups), §5.3 (a zone that goes leaves its catalogs).
 * Not here: the form of members (transfer/catalog-members.ts), changes by hand (control/commands/catalog-zone.ts),
 * catalogs of others (control/catalog/).
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

type Kinds = 'catalog.create' | 'catalog.add' | 'catalog.remove' | 'catalog.move';

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
    'catalog.move': { isCreating: true, decide: (command, context) => move(command, context, options) },
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
  const changes = removed === undefined ? fresh : [...withNewerSerial(zone, fresh, removed)];
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
  { zone, member, groups, coo }: CommandOf<'catalog.add'>,
  { served }: ZoneContext,
  { writer, keys }: CatalogsOptions,
): Result<Decision> {
  const against = notOurs(served, zone);
  if (served === undefined || against !== undefined) return fail(against ?? noCatalog(zone));
  const { record, view } = served;
  const problems = groupProblems(groups);
  if (coo && ownerKey(coo) === view.apexKey) problems.push(cooItself(record));
  const ofMember = writer.zoneByName(member);
  const wrong = memberProblem(member, ofMember);
  if (ofMember === undefined || wrong !== undefined || problems.length > 0)
    return fail(...(wrong === undefined ? [] : [wrong]), ...problems);
  const known = findMember(view, ofMember.id);
  if (known === undefined && record.nodeCount > CATALOG_NAMES_MAX - 2) return fail(tooMany(record));
  const label = known?.label ?? memberLabel(ofMember.id, record.serial);
  const changes = [
    setTo(view, memberKey(view, label), TYPE.PTR, [nameOf(ofMember.name)]),
    setTo(view, memberKey(view, label, 'group'), TYPE.TXT, groups.map(groupRdata)),
    ...(coo === undefined
      ? []
      : [setTo(view, memberKey(view, label, 'coo'), TYPE.PTR, coo === null ? [] : [lowerName(coo)])]),
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

/** RFC 9432 §4.4.1: what it names is another catalog. */
function cooItself({ name }: ZoneRecord): Problem {
  return problem('FIELD_VALUE', inBody('/coo'), `${name} has the zone now; name the catalog that it goes to`);
}

function groupProblems(groups: readonly string[]): Problem[] {
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
  const against = notOurs(served, zone);
  if (served === undefined || against !== undefined) return fail(against ?? noCatalog(zone));
  const { record, view } = served;
  const ofMember = writer.zoneByName(member);
  const known = (ofMember === undefined ? undefined : findMember(view, ofMember.id)) ?? memberNamed(view, member);
  if (known === undefined) return fail(noMember(record, member));
  return ok({
    zone: record.name,
    parts: [without(served, known)],
    detail: `member ${formatName(known.zone)}`,
    isChanged: false,
  });
}

/**
 * RFC 9432 §4.4.1: the catalog that has it says where it goes, and the other one has it under the same label, so that
 * consumers of both take it over with its state. It leaves the first one when all of them have seen both.
 */
function move(
  { zone, member, to }: CommandOf<'catalog.move'>,
  { served }: ZoneContext,
  { writer, keys }: CatalogsOptions,
): Result<Decision> {
  const found = writer.zoneByName(to);
  const other = found && { record: found, view: writer.view(found) };
  const against = notOurs(served, zone) ?? notOurs(other, to);
  if (against !== undefined || served === undefined || other === undefined) return fail(against ?? noCatalog(to));
  const { record: target } = other;
  if (served.record.id === target.id) return fail({ ...cooItself(served.record), at: inBody('/to') });
  const ofMember = writer.zoneByName(member);
  const known = ofMember && findMember(served.view, ofMember.id);
  if (ofMember === undefined || known === undefined) return fail(noMember(served.record, member));
  const there = findMember(other.view, ofMember.id);
  if (there === undefined && target.nodeCount > CATALOG_NAMES_MAX - 2) return fail(tooMany(target));
  const { label, groups } = known;
  const at = (below?: string) => memberKey(other.view, there?.label ?? label, below);
  const changes = [
    setTo(other.view, at(), TYPE.PTR, [nameOf(ofMember.name)]),
    setTo(other.view, at('group'), TYPE.TXT, groups.map(groupRdata)),
    setTo(other.view, at('coo'), TYPE.PTR, []),
  ];
  const coo = setTo(served.view, memberKey(served.view, label, 'coo'), TYPE.PTR, [nameOf(target.name)]);
  const takeOut = `waxseal catalog remove ${served.record.name} ${ofMember.name}`;
  const fix = `when all servers that follow them have it: ${takeOut}`;
  const both = `${ofMember.name} is in both catalogs until it is taken out of ${served.record.name}`;
  return ok({
    zone: served.record.name,
    parts: [
      { ...served, changes: coo, isOfCatalog: true },
      { ...other, changes: changes.flat(), isOfCatalog: true },
    ],
    detail: `member ${ofMember.name} goes to ${target.name}`,
    warnings: [
      ...grantWarnings(readSecondaries(writer, target.id), target, ofMember, keys()),
      warning('CATALOG_MEMBER_MOVES', atZone(ofMember.name), both, { rfc: 'RFC 9432 §4.4.1', fix }),
    ],
    isChanged: false,
  });
}

function noMember({ name }: ZoneRecord, member: Name): Problem {
  const fix = `list them: waxseal catalog list ${name}`;
  return problem('CATALOG_MEMBER_NOT_FOUND', inUrl('zone'), `${formatName(member)} is no member of ${name}`, { fix });
}

function tooMany({ name, nodeCount }: ZoneRecord): Problem {
  const why = `${name} has ${nodeCount} names: a catalog may have ${CATALOG_NAMES_MAX}; nothing was changed`;
  return problem('CATALOG_MEMBERS_MANY', atZone(name), why, { fix: 'use one more catalog' });
}

/** Why its members are not changed here; undefined for a catalog that is kept here. */
function notOurs(served: ServedZone | undefined, zone: Name): Problem | undefined {
  if (served?.record.isCatalog !== true) return noCatalog(zone);
  const { name, secondary } = served.record;
  if (secondary === undefined) return undefined;
  const why = `the catalog ${name} comes from its primary; nothing was changed`;
  return problem('ZONE_SECONDARY', atZone(name), why, { fix: 'change its members there' });
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

/** There is none of another server that is followed here. */
export function noFollowedCatalog(zone: Name): Problem {
  const name = formatName(zone);
  return problem('CATALOG_NOT_FOUND', inUrl('catalog'), `no catalog ${name} of another server is followed here`, {
    fix: `list them: waxseal catalog list; follow one: waxseal catalog follow ${name} --primary ADDRESS --tsig KEY`,
  });
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
export function catalogsApi(writer: StoreWriter): Omit<CatalogsApi, 'followed'> {
  return {
    list: () => writer.catalogs().toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    members(catalog, limit, after) {
      const record = writer.zoneByName(catalog);
      if (record?.isCatalog !== true) return fail(noCatalog(catalog));
      const members: CatalogMemberView[] = [];
      for (const { zone, label, groups, coo } of catalogMembers(writer.view(record), after)) {
        if (members.length >= limit) break;
        const goes = coo === undefined ? {} : { coo: formatName(lowerName(coo)) };
        members.push({ zone: formatName(lowerName(zone)), label, groups, ...goes });
      }
      return ok(members);
    },
  };
}
