/**
 * The members of a catalog zone, as the records of one that this server produces say them. The label of a member is
 * `ID-SERIAL`: the id of its zone here, and the serial of the catalog before it was added. So a member is found by its
 * zone without an index, and a zone that is added again has another label.
 * Implements: RFC 9432 §4.2 (member nodes), §4.4.2 (groups), §5.6 (another label resets what consumers have).
 * Not here: changing them (control/transfer/catalogs.ts).
 */
import { fromLatin1, latin1 } from '#base/bytes.ts';
import { type Name, type OwnerKey, isAtOrBelow, nameOfKey, ownerKey } from '#dns/name.ts';
import { type Serial } from '#dns/serial.ts';
import { TYPE } from '#dns/types.ts';
import { type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';

export interface CatalogMember {
  /** Of its node. */
  readonly key: OwnerKey;
  readonly label: string;
  /** The member's name. */
  readonly zone: Name;
  readonly groups: readonly string[];
  /** The catalog that it goes to (RFC 9432 §4.4.1). */
  readonly coo?: Name;
}

export function memberLabel(zoneId: number, serial: Serial): string {
  return `${zoneId}-${serial}`;
}

/** Whether it may be the label of a member, as it is in owner keys; in catalogs of others it is any label. */
export function isMemberLabel(text: string): boolean {
  // Two characters for some of its 63 octets at most.
  return text.length > 0 && text.length <= 126 && !text.includes('\u0000');
}

/** Key of the node of the member with this label, or of what is called `below` below it. */
export function memberKey({ apexKey }: Pick<ZoneView, 'apexKey'>, label: string, below = ''): OwnerKey {
  return `${membersKey(apexKey)}${label}\u0000${below === '' ? '' : `${below}\u0000`}`;
}

/** The member that is the zone with this id; undefined when it is none. */
export function findMember(view: ZoneView, zoneId: number): CatalogMember | undefined {
  const start = `${membersKey(view.apexKey)}${zoneId}-`;
  for (const node of view.ascend(start)) return node.key.startsWith(start) ? memberAt(view, node) : undefined;
  return undefined;
}

/** All of them, or those after the one with this label, in the order of their labels. */
export function* catalogMembers(view: ZoneView, after?: string): Generator<CatalogMember> {
  const above = membersKey(view.apexKey);
  const last = after === undefined ? above : memberKey(view, after);
  for (const node of view.ascend(last)) {
    if (!isAtOrBelow(node.key, above)) return;
    if (node.key === last) continue;
    const member = memberAt(view, node);
    if (member !== undefined) yield member;
  }
}

function membersKey(apexKey: OwnerKey): OwnerKey {
  return `${apexKey}zones\u0000`;
}

function memberAt(view: ZoneView, node: ZoneNode): CatalogMember | undefined {
  const [label = '', ...below] = node.key.slice(membersKey(view.apexKey).length).split('\u0000');
  const zone = rrsetOf(node, TYPE.PTR)?.rdatas[0];
  if (zone === undefined || below.length !== 1) return undefined;
  const texts = rrsetOf(view.node(memberKey(view, label, 'group')), TYPE.TXT)?.rdatas ?? [];
  const coo = rrsetOf(view.node(memberKey(view, label, 'coo')), TYPE.PTR)?.rdatas[0];
  const goes = coo === undefined ? {} : { coo };
  return { key: node.key, label, zone, ...goes, groups: texts.map((rdata) => latin1(rdata.subarray(1))).toSorted() };
}

/** A TXT record of one string. `text` has at most 255 characters, all of ASCII. */
export function groupRdata(text: string): Uint8Array {
  return Uint8Array.of(text.length, ...fromLatin1(text));
}

/** The name that a key of this file stands for. */
export function nodeName(key: OwnerKey): Name {
  return nameOfKey(key);
}

/** Whether `zone` is the member with this name, in any case. */
export function isMemberNamed(member: CatalogMember, zone: Name): boolean {
  return ownerKey(member.zone) === ownerKey(zone);
}
