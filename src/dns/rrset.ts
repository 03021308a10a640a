/**
 * Records with one owner, class and type (RFC 9499 "RRset"; class is always IN here).
 * Implements: RFC 2181 §5 (one TTL, no duplicates), RFC 4034 §6.3 (canonical order inside an RRset).
 */
import { compareBytes, equalBytes } from '#base/bytes.ts';
import { type Name } from './name.ts';
import { canonicalRdata } from './registry.ts';
import { type RrType } from './types.ts';

/** At least one record; `rdatas` are uncompressed wire form, case kept, canonical order, no duplicates (see `sortRdatas`). */
export interface Rrset {
  readonly owner: Name;
  readonly type: RrType;
  readonly ttl: number;
  readonly rdatas: readonly Uint8Array[];
}

/** An RRset with the RDATA of its RRSIGs (RFC 4034 §3.1); none in an unsigned zone and for glue and delegation NS. */
export interface SignedRrset extends Rrset {
  readonly signatures: readonly Uint8Array[];
}

/** `rdatas` in canonical order without duplicates; records that differ only in the case of embedded names are duplicates (RFC 4034 §6.3). */
export function sortRdatas(type: RrType, rdatas: readonly Uint8Array[]): Uint8Array[] {
  const keyed = rdatas.map((rdata) => ({ rdata, canonical: canonicalRdata(type, rdata) }));
  keyed.sort((a, b) => compareBytes(a.canonical, b.canonical));
  return keyed.filter((each, at) => at === 0 || !equalBytes(each.canonical, keyed[at - 1]!.canonical)).map((each) => each.rdata);
}

/** Same type, TTL and records, octet for octet. Owners are not compared. */
export function equalRrsets(a: Rrset, b: Rrset): boolean {
  return (
    a.type === b.type &&
    a.ttl === b.ttl &&
    a.rdatas.length === b.rdatas.length &&
    a.rdatas.every((rdata, at) => equalBytes(rdata, b.rdatas[at]!))
  );
}
