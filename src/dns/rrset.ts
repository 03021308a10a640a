/**
 * Records with one owner, class and type (RFC 9499 "RRset"; class is always IN here).
 * Implements: RFC 2181 §5 (one TTL, no duplicates), RFC 4034 §6.3 (canonical order inside an RRset).
 */
import { compareBytes, equalBytes, latin1 } from '#base/bytes.ts';
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

/**
 * The records of one RRset by what they say: each look-up is one step, however many records there are. Records that
 * differ only in the case of names in them are the same (RFC 4034 §6.3), and the first of those stays.
 */
export class RdataIndex {
  readonly #type: RrType;
  readonly #rdatas = new Map<string, Uint8Array>();

  constructor(type: RrType, rdatas: readonly Uint8Array[] = []) {
    this.#type = type;
    for (const rdata of rdatas) this.add(rdata);
  }

  get size(): number {
    return this.#rdatas.size;
  }

  has(rdata: Uint8Array): boolean {
    return this.#rdatas.has(this.#key(rdata));
  }

  /** False when it is there, and stays as it is. */
  add(rdata: Uint8Array): boolean {
    const key = this.#key(rdata);
    if (this.#rdatas.has(key)) return false;
    this.#rdatas.set(key, rdata);
    return true;
  }

  /** In place of the one that is the same, if there is one. */
  replace(rdata: Uint8Array): void {
    this.#rdatas.set(this.#key(rdata), rdata);
  }

  /** False when it is not there. */
  remove(rdata: Uint8Array): boolean {
    return this.#rdatas.delete(this.#key(rdata));
  }

  /** In the order in which they came. */
  rdatas(): Uint8Array[] {
    return [...this.#rdatas.values()];
  }

  #key(rdata: Uint8Array): string {
    return latin1(canonicalRdata(this.#type, rdata));
  }
}

/** The same records octet for octet, in any order; neither has one of them twice. */
export function isSameSet(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && rdatasWithout(a, b).length === 0;
}

/** Those of `rdatas` that are not in `others`, octet for octet. */
export function rdatasWithout(rdatas: readonly Uint8Array[], others: readonly Uint8Array[]): readonly Uint8Array[] {
  if (others.length === 0) return rdatas;
  const gone = new Set(others.map(latin1));
  return rdatas.filter((rdata) => !gone.has(latin1(rdata)));
}
