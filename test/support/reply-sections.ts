/**
 * A reply taken apart for comparison: sections as sets, RRsets, glue, optional additional data.
 * Implements: RFC 2181 §5 (RRset), RFC 9471 §2.1 (which addresses a referral must carry).
 */
import { type QueryShape, type WireMessage, type WireRecord } from './wire.ts';

export const keyOf = (record: WireRecord) => `${record.owner} ${record.class} ${record.ttl} ${record.type} ${record.rdata}`;
export const setOf = (records: readonly WireRecord[]) => [...new Set(records.map((record) => keyOf(record)))].toSorted();
export const same = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((each, at) => each === b[at]);
/** As `same`; Knot sends an address twice when two records name the host. */
export const sameOnce = (a: readonly string[], b: readonly string[]) => same([...new Set(a)], [...new Set(b)]);
export const isBelowOrAt = (name: string, ancestor: string) => ancestor === '.' || name === ancestor || name.endsWith(`.${ancestor}`);

/** RRsets of a section: `owner type` → sorted records. */
export function rrsetsOf(records: readonly WireRecord[]): Map<string, string[]> {
  const sets = new Map<string, string[]>();
  for (const record of records) {
    // Signatures belong to the set they cover: RRSIG RDATA begins with the type covered.
    const key = `${record.owner} ${record.type}${record.type === 'RRSIG' ? ` ${record.rdata.slice(0, 4)}` : ''}`;
    sets.set(key, [...(sets.get(key) ?? []), keyOf(record)]);
  }
  for (const set of sets.values()) set.sort();
  return sets;
}

/** Addresses a referral must carry: of name servers at or below the cut (RFC 9471 §2.1). */
export function glueOf(message: WireMessage): string[] {
  const cuts = message.authority.filter((record) => record.type === 'NS');
  const servers = new Set(cuts.flatMap((cut) => cut.names.filter((name) => isBelowOrAt(name, cut.owner))));
  const isReferral = cuts.length > 0 && !message.answer.some((record) => record.owner === cuts[0]!.owner && record.type === 'NS');
  return isReferral ? setOf(message.additional.filter((record) => servers.has(record.owner))) : [];
}

/** Optional RRsets of the additional section; `strangers` are those nothing in the answer asks for. */
export function optionalOf(message: WireMessage): { sets: Map<string, string[]>; strangers: string[] } {
  const sets = rrsetsOf(message.additional);
  const named = new Set([...message.answer, ...message.authority].flatMap((record) => [...record.names, record.owner]));
  for (const record of message.additional) for (const name of record.names) if (named.has(record.owner)) named.add(name);
  // BIND adds the TLSA of a mail exchanger: `_25._tcp.mail` belongs to `mail`.
  const isNamed = (owner: string) => named.has(owner) || named.has(owner.replace(/^(_[^.]+\.)+/, ''));
  return { sets, strangers: [...sets.keys()].filter((key) => !isNamed(key.slice(0, key.indexOf(' ')))) };
}

/** Octets a UDP reply may have: what the client offers, at most what fits an unfragmented packet (RFC 6891 §6.2.3, RFC 9715). */
export function udpLimit(shape: QueryShape): number {
  return Math.min(1232, Math.max(512, shape.edns?.size ?? 512));
}

/** The message as a whole could not be sent over UDP, or it may not be all: TC, or a referral so full that glue may have been dropped. */
export function mayBeShort(message: WireMessage, shape: QueryShape): boolean {
  return message.flags.has('TC') || (glueOf(message).length > 0 && message.size > udpLimit(shape) - 120);
}
