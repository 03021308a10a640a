/**
 * Whether the prerequisites of an UPDATE hold.
 * Implements: RFC 2136 §2.4 (their forms), §3.2.5 (their order, and the rcode of each). Pure.
 * Not here: the updates (prescan.ts, apply.ts).
 */
import { formatName, isAtOrBelow, ownerKey } from '#dns/name.ts';
import { isMetaType } from '#dns/registry.ts';
import { RdataIndex } from '#dns/rrset.ts';
import { CLASS, RCODE, TYPE, type RrType } from '#dns/types.ts';
import { type UpdateRecord } from './message.ts';
import { type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';
import { type UpdateRefusal, refuseUpdate, rrsetText } from './refusal.ts';

/** The first that is malformed or does not hold; undefined when all hold. */
export function checkPrerequisites(view: ZoneView, prerequisites: readonly UpdateRecord[]): UpdateRefusal | undefined {
  /** RRsets whose records are compared: after all others (§3.2.5). */
  const wanted = new Map<string, { readonly record: UpdateRecord; readonly rdatas: Uint8Array[] }>();
  for (const record of prerequisites) {
    const { owner, type, rdata } = record;
    if (record.ttl !== 0) return refuseUpdate(RCODE.FORMERR, record, 'a prerequisite with a TTL that is not 0');
    const key = ownerKey(owner);
    if (!isAtOrBelow(key, view.apexKey))
      return refuseUpdate(RCODE.NOTZONE, record, `${formatName(owner)} is not in the zone ${formatName(view.apex)}`);
    const refusal = record.class === CLASS.IN ? undefined : checkExistence(view.node(key), record);
    if (refusal !== undefined) return refusal;
    if (record.class !== CLASS.IN) continue;
    if (isMetaType(type)) return refuseUpdate(RCODE.FORMERR, record, 'a prerequisite with data of a type without');
    const id = `${key}/${type}`;
    const entry = wanted.get(id) ?? { record, rdatas: [] };
    entry.rdatas.push(rdata);
    wanted.set(id, entry);
  }
  for (const { record, rdatas } of wanted.values()) {
    if (!isSame(record.type, rdatas, rdatasOf(view.node(ownerKey(record.owner)), record.type)))
      return refuseUpdate(RCODE.NXRRSET, record, `${rrsetText(record)} does not have exactly these records`);
  }
  return undefined;
}

/** Prerequisites without data: that a name or an RRset is there (class ANY), or is not (class NONE). */
function checkExistence(node: ZoneNode | undefined, record: UpdateRecord): UpdateRefusal | undefined {
  const { owner, type, rdata } = record;
  if (record.class !== CLASS.ANY && record.class !== CLASS.NONE)
    return refuseUpdate(RCODE.FORMERR, record, `a prerequisite of class ${record.class}`);
  if (rdata.length > 0) return refuseUpdate(RCODE.FORMERR, record, 'a prerequisite of class ANY or NONE with data');
  const isWanted = record.class === CLASS.ANY;
  const isThere = type === TYPE.ANY ? isInUse(node) : rdatasOf(node, type).length > 0;
  if (isThere === isWanted) return undefined;
  const what = type === TYPE.ANY ? formatName(owner) : rrsetText(record);
  const [missing, there] = type === TYPE.ANY ? [RCODE.NXDOMAIN, RCODE.YXDOMAIN] : [RCODE.NXRRSET, RCODE.YXRRSET];
  if (isWanted) return refuseUpdate(missing, record, `${what} does not exist`);
  return refuseUpdate(there, record, `${what} exists`);
}

/** §2.4.4: a name is in use when it owns a record; empty non-terminals are not. */
function isInUse(node: ZoneNode | undefined): boolean {
  return node?.rrsets.some(({ type }) => type !== TYPE.NSEC) === true;
}

function rdatasOf(node: ZoneNode | undefined, type: RrType): readonly Uint8Array[] {
  if (type === TYPE.RRSIG) return node?.rrsets.flatMap(({ signatures }) => signatures) ?? [];
  return rrsetOf(node, type)?.rdatas ?? [];
}

/** §2.4.2: the same records, in any order, whatever their TTL; names in them without regard to case. */
function isSame(type: RrType, wanted: readonly Uint8Array[], found: readonly Uint8Array[]): boolean {
  const [one, other] = [new RdataIndex(type, wanted), new RdataIndex(type, found)];
  return one.size === other.size && one.rdatas().every((rdata) => other.has(rdata));
}
