/**
 * Hosts whose addresses an answer may carry: names copied out of RDATA before the node they stand in is gone.
 * Implements: RFC 1035 §3.3.9 (MX), RFC 2782 (SRV), RFC 9460 §2.5 and §4.1 (SVCB, HTTPS), RFC 9471 §2 (name servers at or below a cut).
 */
import { readU16 } from '#base/bytes.ts';
import { ADDITIONAL_NAMES_MAX } from '#base/limits/answer.ts';
import { RECORDS_PER_RRSET_MAX } from '#base/limits/dns.ts';
import { TYPE } from '#dns/types.ts';
import { bodyOffset, entryRecords, entryType } from '#store/node-codec.ts';
import { isSameName, wireLength } from './owner-key.ts';

/** Octets for one name. */
const STRIDE = 256;

export class HostTargets {
  /** The names in wire form, one every STRIDE octets. */
  readonly octets = new Uint8Array(STRIDE * RECORDS_PER_RRSET_MAX);
  count = 0;
  /** They are name servers: glue may stand in for their addresses. */
  areServers = false;

  /** Where name number `each` starts. */
  offset(each: number): number {
    return STRIDE * each;
  }

  /** Takes the hosts that an answered RRset names, ADDITIONAL_NAMES_MAX of them at most. `owner[ownerAt]` is the RRset's owner. */
  collect(node: Uint8Array, entry: number, owner: Uint8Array, ownerAt: number): void {
    this.count = 0;
    const type = entryType(node, entry);
    this.areServers = type === TYPE.NS;
    const before = octetsBefore(type);
    if (before < 0) return;
    let at = bodyOffset(node, entry);
    for (let left = entryRecords(node, entry); left > 0 && this.count < ADDITIONAL_NAMES_MAX; left--) {
      const name = at + 2 + before;
      if (node[name] !== 0) this.#add(node, name);
      // RFC 9460 §2.5.2: in ServiceMode (priority not 0) "." is the owner itself. Elsewhere it means that there is no host.
      else if ((type === TYPE.SVCB || type === TYPE.HTTPS) && readU16(node, at + 2) !== 0) this.#add(owner, ownerAt);
      at += 2 + readU16(node, at);
    }
  }

  /** Takes all name servers of a delegation. */
  collectServers(node: Uint8Array, entry: number): void {
    this.count = 0;
    this.areServers = true;
    let at = bodyOffset(node, entry);
    for (let left = entryRecords(node, entry); left > 0 && this.count < RECORDS_PER_RRSET_MAX; left--) {
      this.#add(node, at + 2);
      at += 2 + readU16(node, at);
    }
  }

  /** True when name number `each` is at or below the name at `cut[cutAt]`. */
  isAtOrBelow(each: number, cut: Uint8Array, cutAt: number): boolean {
    const cutLength = wireLength(cut, cutAt);
    let at = this.offset(each);
    for (let left = wireLength(this.octets, at); left > cutLength;) {
      left -= this.octets[at]! + 1;
      at += this.octets[at]! + 1;
    }
    return isSameName(this.octets, at, cut, cutAt);
  }

  #add(wire: Uint8Array, offset: number): void {
    for (let each = 0; each < this.count; each++) if (isSameName(this.octets, this.offset(each), wire, offset)) return;
    const length = wireLength(wire, offset);
    const to = this.offset(this.count++);
    for (let at = 0; at < length; at++) this.octets[to + at] = wire[offset + at]!;
  }
}

/** Octets before the host's name in RDATA; -1 for types that name none. */
function octetsBefore(type: number): number {
  switch (type) {
    case TYPE.NS:
      return 0;
    case TYPE.MX:
    case TYPE.SVCB:
    case TYPE.HTTPS:
      return 2;
    case TYPE.SRV:
      return 6;
    default:
      return -1;
  }
}
