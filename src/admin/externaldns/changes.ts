/**
 * `create`, `updateOld`, `updateNew` and `delete` of ExternalDNS as operations of `/v1`, by zone. Records that an
 * endpoint does not name stay: what others have put beside them since is not lost, and a repetition changes nothing.
 * Not here: the form of endpoints (endpoint.ts), scopes, managers and rules of zones, which are those of every change.
 */
import { EXTERNALDNS_TTL_SECONDS, RRSET_OPERATIONS_MAX } from '#base/limits/admin.ts';
import { WHOLE } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type Name, formatName, ownerKey, parentName } from '#dns/name.ts';
import { formatRdata, typeName } from '#dns/registry.ts';
import { RdataIndex } from '#dns/rrset.ts';
import type { ControlApi, RrsetOperation } from '#control/api/control.ts';
import type { ZoneRecord } from '#store/schema.ts';
import { rrsetOf } from '#zone/view.ts';
import { fieldsOf } from '#admin/powerdns/fields.ts';
import { type Endpoint, placeOfEndpoint, readEndpoint } from './endpoint.ts';

export interface ZoneChanges {
  readonly record: ZoneRecord;
  readonly operations: readonly RrsetOperation[];
}

/** The words of today's ExternalDNS; older ones wrote them with a capital. */
const LISTS = ['create', 'updateOld', 'updateNew', 'delete'] as const;
type List = (typeof LISTS)[number];

/** What has to be done in each zone, or everything that is wrong with it. */
export function readChanges(body: unknown, control: ControlApi): Result<readonly ZoneChanges[]> {
  const lists = readLists(body);
  if (!lists.ok) return lists;
  const { create, updateOld, updateNew, delete: gone } = lists.value;
  const kept = indexOf(updateNew);
  // Those that come first, so that no RRset is empty in between and loses its TTL.
  const coming = [...create, ...updateNew];
  const going = [...gone, ...updateOld].flatMap((each) => {
    const left = each.rdatas.filter((rdata) => kept.get(keyOf(each))?.has(rdata) !== true);
    return left.length === 0 ? [] : [{ ...each, rdatas: left }];
  });
  const zones = new Map<number, { readonly record: ZoneRecord; readonly operations: RrsetOperation[] }>();
  const problems: Problem[] = [];
  const note = (endpoint: Endpoint, op: 'add' | 'remove'): void => {
    const record = zoneOf(endpoint.name, control);
    if (record === undefined) {
      problems.push(noZone(endpoint.name));
      return;
    }
    const zone = zones.get(record.id) ?? { record, operations: [] };
    zones.set(record.id, zone);
    zone.operations.push(operationOf(endpoint, op, record, control));
  };
  for (const each of coming) note(each, 'add');
  for (const each of going) note(each, 'remove');
  for (const { record, operations } of zones.values())
    if (operations.length > RRSET_OPERATIONS_MAX) problems.push(tooMany(record, operations.length));
  return problems.length > 0 ? fail(...problems) : ok([...zones.values()]);
}

function readLists(body: unknown): Result<Record<List, readonly Endpoint[]>> {
  const fields = fieldsOf(body);
  const problems: Problem[] = [];
  const read = (list: List): readonly Endpoint[] => {
    const capital = `${list[0]!.toUpperCase()}${list.slice(1)}`;
    const given = fields[list] ?? fields[capital] ?? [];
    if (!Array.isArray(given) || (fields[list] !== undefined && fields[capital] !== undefined)) {
      problems.push(problem('FIELD_VALUE', WHOLE, `${list} is one list of endpoints`));
      return [];
    }
    return given.flatMap((each: unknown, index) => {
      const endpoint = readEndpoint(each, placeOfEndpoint(list, index));
      if (!endpoint.ok) problems.push(...endpoint.problems);
      return endpoint.ok ? [endpoint.value] : [];
    });
  };
  const [create, updateOld, updateNew, gone] = LISTS.map(read);
  if (problems.length > 0) return fail(...problems);
  return ok({ create: create!, updateOld: updateOld!, updateNew: updateNew!, delete: gone! });
}

function keyOf({ name, type }: Endpoint): string {
  return `${ownerKey(name)} ${type}`;
}

function indexOf(endpoints: readonly Endpoint[]): ReadonlyMap<string, RdataIndex> {
  const found = new Map<string, RdataIndex>();
  for (const each of endpoints) {
    const index = found.get(keyOf(each)) ?? new RdataIndex(each.type);
    found.set(keyOf(each), index);
    for (const rdata of each.rdatas) index.add(rdata);
  }
  return found;
}

function operationOf(
  { name, type, rdatas, ttl }: Endpoint,
  op: 'add' | 'remove',
  record: ZoneRecord,
  control: ControlApi,
): RrsetOperation {
  const about = {
    op,
    name: formatName(name),
    type: typeName(type),
    records: rdatas.map((rdata) => formatRdata(type, rdata)),
  };
  if (op === 'remove') return about;
  const isThere = rrsetOf(control.zones.shown(record).node(ownerKey(name)), type) !== undefined;
  const least = isThere ? {} : { ttl: EXTERNALDNS_TTL_SECONDS };
  return { ...about, ...(ttl === undefined ? least : { ttl }) };
}

/** The nearest one at or above the name. */
export function zoneOf(name: Name, control: Pick<ControlApi, 'zones'>): ZoneRecord | undefined {
  for (let above = name; ; above = parentName(above)) {
    const record = control.zones.find(above);
    if (record !== undefined) return record;
    if (above.length === 1) return undefined;
  }
}

function noZone(name: Name): Problem {
  const apex = "owners' TXT of an apex need --txt-prefix=%{record_type}-_owner.";
  return problem('ZONE_NOT_FOUND', WHOLE, `${formatName(name)} is in no zone of this server; nothing was changed`, {
    fix: `restrict ExternalDNS to the zones that are here (--domain-filter); ${apex}`,
  });
}

function tooMany({ name }: ZoneRecord, count: number): Problem {
  const what = `${count} changes of ${name} at once, and ${RRSET_OPERATIONS_MAX} are possible; nothing was changed`;
  return problem('FIELD_VALUE', WHOLE, what, {
    fix: 'let ExternalDNS send fewer: --batch-change-size, or more sources',
  });
}
