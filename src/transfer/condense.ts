/**
 * Several changesets of a zone become one, from the first serial to the last: what one adds and a later one deletes is
 * in neither list.
 * Implements: RFC 1995 §5 (condensation of differences).
 * Not here: when that is worth it (zone-differences.ts).
 */
import { latin1 } from '#base/bytes.ts';
import { type Rrset } from '#dns/rrset.ts';
import { TYPE } from '#dns/types.ts';
import { type Changeset } from '#zone/changeset.ts';

/** One record: what IXFR deletes and adds. */
interface Item extends Omit<Rrset, 'rdatas'> {
  readonly rdata: Uint8Array;
}

/** `changesets`: each begins at the serial at which the one before ends. The SOA is first in both lists. */
export function condense(changesets: Iterable<Changeset>): Pick<Changeset, 'deleted' | 'added'> {
  const deleted = new Map<string, Item>();
  const added = new Map<string, Item>();
  for (const changeset of changesets) {
    for (const [key, item] of itemsOf(changeset.deleted)) if (!added.delete(key)) deleted.set(key, item);
    for (const [key, item] of itemsOf(changeset.added)) if (!deleted.delete(key)) added.set(key, item);
  }
  return { deleted: rrsetsOf(deleted.values()), added: rrsetsOf(added.values()) };
}

/**
 * Records by all that makes them: the octets of the owner too, so that a name that is written otherwise is changed, and
 * the TTL.
 */
function* itemsOf(rrsets: readonly Rrset[]): Generator<readonly [string, Item]> {
  for (const { owner, type, ttl, rdatas } of rrsets) {
    const rrset = `${latin1(owner)} ${type} ${ttl} `;
    for (const rdata of rdatas) yield [rrset + latin1(rdata), { owner, type, ttl, rdata }];
  }
}

/** RRsets of what is left, in its order, but the SOA first. */
function rrsetsOf(items: Iterable<Item>): readonly Rrset[] {
  const rrsets = new Map<string, Rrset & { readonly rdatas: Uint8Array[] }>();
  for (const { owner, type, ttl, rdata } of items) {
    const key = `${latin1(owner)} ${type} ${ttl}`;
    const known = rrsets.get(key);
    if (known === undefined) rrsets.set(key, { owner, type, ttl, rdatas: [rdata] });
    else known.rdatas.push(rdata);
  }
  const all = [...rrsets.values()];
  const isSoa = ({ type }: Rrset): boolean => type === TYPE.SOA;
  return [...all.filter(isSoa), ...all.filter((each) => !isSoa(each))];
}
