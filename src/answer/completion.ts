/**
 * How an answer continues once its answer section is complete: SOA, proofs, name servers, addresses.
 * Implements: RFC 2308 §3 (SOA), RFC 4035 §3.1.3–3.1.4 (proofs, referrals), RFC 9471 §2 (glue), RFC 1034 §4.3.2 step 6.
 * Not here: proofs by NSEC3 (denial-nsec3.ts), the answer section (respond.ts), and which part the cache keeps apart (answer/cache/recall.ts).
 */
import { assert } from '#base/assert.ts';
import { readU16, readU32 } from '#base/bytes.ts';
import { ADDITIONAL_NAMES_MAX } from '#base/limits/answer.ts';
import { type QueryHead } from '#dns/message.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { OWNER_OFFSET, bodyOffset, entryTtl, findEntry } from '#store/node-codec.ts';
import { type AliasChain } from '#answer/names/alias-chain.ts';
import { Denial } from './denial.ts';
import { HashedDenial } from './denial-nsec3.ts';
import { type Finder } from '#answer/names/find.ts';
import { hashName } from '#answer/names/hash.ts';
import { type HostTargets } from '#answer/names/host-targets.ts';
import { KeyBuffer } from '#answer/names/owner-key.ts';
import { type Recall } from '#answer/cache/recall.ts';
import { type MessageWriter, SECTION } from '#answer/write/writer.ts';

/** How an answer's authority and additional sections continue once its answer section is complete. */
export const END = { NOTHING: 0, HOSTS: 1, NODATA: 2, WILDCARD_NODATA: 3, NXDOMAIN: 4, REFERRAL: 5 } as const;
/** Octets of a SOA's RDATA behind its two names. */
const SOA_NUMBERS_BYTES = 20;

export class Completion {
  readonly #head: QueryHead;
  readonly #finder: Finder;
  readonly #writer: MessageWriter;
  readonly #chain: AliasChain;
  readonly #targets: HostTargets;
  readonly #recall: Recall | undefined;
  readonly denial = new Denial();
  readonly #hashedDenial: HashedDenial;
  readonly #proofKey = new KeyBuffer();
  readonly #nameWords = new Int32Array(64);
  #zone = -1;

  constructor(
    head: QueryHead,
    finder: Finder,
    writer: MessageWriter,
    chain: AliasChain,
    targets: HostTargets,
    recall: Recall | undefined,
  ) {
    this.#head = head;
    this.#finder = finder;
    this.#writer = writer;
    this.#chain = chain;
    this.#targets = targets;
    this.#recall = recall;
    this.#hashedDenial = new HashedDenial(finder, writer, this.denial);
  }

  /** Puts what an answer section with this END wants, whose last name was found in zone number `zone`. */
  complete(end: number, zone: number): void {
    this.#zone = zone;
    this.#proveExpansions(end);
    switch (end) {
      case END.HOSTS:
        for (let each = 0; each < this.#targets.count; each++) this.#putHost(each);
        break;
      case END.NODATA:
        this.#putSoa();
        if (!this.#proveByHash(end)) this.#putNsec(this.#zone, this.#finder.key);
        break;
      case END.WILDCARD_NODATA:
      case END.NXDOMAIN:
        this.#putSoa();
        if (this.#proveByHash(end)) break;
        this.#putNsec(this.#zone, this.#finder.key);
        this.#putNsec(this.#zone, this.#finder.wildcard);
        break;
      case END.REFERRAL:
        this.#refer();
        break;
      default:
    }
  }

  /** What proves that the name last found is not there, or has not the type asked for; false in a zone without NSEC3. */
  #proveByHash(end: number): boolean {
    const zone = this.#zone;
    const { hashed, key, depth } = this.#finder;
    if (!this.#isProofWanted(zone) || !hashed.isHashed(zone)) return false;
    const { octets, at } = this.#chain;
    // A referral is about the cut, whatever stands below it.
    const labels = end === END.REFERRAL ? depth : key.labels;
    const proved = this.#hashedDenial.proveEncloser(zone, octets, at, key, labels, depth);
    if (end === END.NXDOMAIN || end === END.WILDCARD_NODATA)
      this.#hashedDenial.proveWildcard(zone, octets, at, key, proved);
    return true;
  }

  /** RFC 6672 §3.2 step 3b and RFC 4035 §3.1.4: name servers, DS or its denial, glue. */
  #refer(): void {
    const { node, key, depth } = this.#finder;
    const writer = this.#writer;
    const { octets } = this.#chain;
    const zone = this.#zone;
    const ownerAt = this.#chain.at + key.starts[depth]!;
    const servers = findEntry(node, TYPE.NS);
    this.#writer.require(
      writer.putRrset(SECTION.AUTHORITY, octets, ownerAt, node, servers, entryTtl(node, servers), false),
    );
    const targets = this.#targets;
    targets.collectServers(node, servers);
    if (this.#isProofWanted(zone)) {
      let entry = findEntry(node, TYPE.DS);
      if (entry < 0) this.#proveByHash(END.REFERRAL);
      // The cut's NSEC may be in already: it can be the one that shows that a name on the way was a wildcard's.
      if (entry < 0 && !this.#finder.hashed.isHashed(zone) && this.denial.isNew(zone, node))
        entry = findEntry(node, TYPE.NSEC);
      if (entry >= 0)
        this.#writer.require(
          writer.putRrset(SECTION.AUTHORITY, octets, ownerAt, node, entry, entryTtl(node, entry), true),
        );
    }
    let required = 0;
    for (let each = 0; each < targets.count; each++) {
      if (!targets.isAtOrBelow(each, octets, ownerAt)) continue;
      required++;
      const host = this.#finder.nodeAt(zone, targets.octets, targets.offset(each));
      if (host === undefined) continue;
      this.#writer.require(this.#putAddress(host, TYPE.A, false));
      this.#writer.require(this.#putAddress(host, TYPE.AAAA, false));
    }
    let others = ADDITIONAL_NAMES_MAX - required;
    for (let each = 0; each < targets.count && others > 0; each++) {
      if (targets.isAtOrBelow(each, octets, ownerAt)) continue;
      others--;
      this.#putHost(each);
    }
  }

  /** Adds the addresses of one host that may be left out: each type by itself, when it fits. */
  #putHost(each: number): void {
    const targets = this.#targets;
    const host = this.#finder.findHost(targets.octets, targets.offset(each), this.#targets.areServers);
    if (host === undefined) return;
    const withSignatures = this.#head.dnssecOk && !this.#finder.isGlue;
    this.#putAddress(host, TYPE.A, withSignatures);
    this.#putAddress(host, TYPE.AAAA, withSignatures);
  }

  /** False when the host has such addresses but they do not fit. */
  #putAddress(host: Uint8Array, type: RrType, withSignatures: boolean): boolean {
    const entry = findEntry(host, type);
    return (
      entry < 0 ||
      this.#writer.putRrset(SECTION.ADDITIONAL, host, OWNER_OFFSET, host, entry, entryTtl(host, entry), withSignatures)
    );
  }

  /** RFC 2308 §3: the SOA of the zone that says no, its TTL lowered to MINIMUM. */
  #putSoa(): void {
    const apex = this.#finder.apexAt(this.#zone);
    assert(apex !== undefined, 'the apex was there a moment ago');
    const entry = findEntry(apex, TYPE.SOA);
    const body = bodyOffset(apex, entry);
    const minimum = readU32(apex, body + 2 + readU16(apex, body) - 4);
    const ttl = Math.min(entryTtl(apex, entry), minimum);
    const names = body + 2;
    // A chain of aliases has an answer section before; its SOA stays where it is.
    const isFirst = this.#chain.isFirst() && this.#writer.at === this.#writer.contentAt;
    this.#writer.require(
      this.#writer.putRrset(SECTION.AUTHORITY, apex, OWNER_OFFSET, apex, entry, ttl, this.#head.dnssecOk),
    );
    if (!isFirst) this.#finder.dependOnApex(this.#zone);
    else this.#recall?.noteSoa(hashName(0, apex, names, readU16(apex, body) - SOA_NUMBERS_BYTES, this.#nameWords));
  }

  /** RFC 4035 §3.1.3.3: for each wildcard used, the NSEC that shows that the name itself does not exist. */
  #proveExpansions(end: number): void {
    const { denial } = this;
    if (denial.pending === 0 || !this.#head.dnssecOk) return;
    for (let each = 0; each < denial.pending; each++) {
      const [zone, name] = [denial.pendingZones[each]!, denial.pendingNames[each]!];
      this.#proofKey.set(this.#chain.octets, name);
      if (!this.#isProofWanted(zone)) continue;
      if (!this.#finder.hashed.isHashed(zone)) this.#putNsec(zone, this.#proofKey);
      else
        this.#hashedDenial.proveNextCloser(zone, this.#chain.octets, name, this.#proofKey, denial.pendingDepths[each]!);
    }
    // The cut found at the end of the chain has been overwritten by the store meanwhile.
    if (end === END.REFERRAL) this.#finder.find(this.#chain.octets, this.#chain.at, this.#head.type);
  }

  /** The NSEC at or before `key`, once. */
  #putNsec(zone: number, key: KeyBuffer): void {
    if (!this.#isProofWanted(zone)) return;
    const node = this.#finder.nsecAt(zone, key);
    if (node === undefined || !this.denial.isNew(zone, node)) return;
    const entry = findEntry(node, TYPE.NSEC);
    this.#writer.require(
      this.#writer.putRrset(SECTION.AUTHORITY, node, OWNER_OFFSET, node, entry, entryTtl(node, entry), true),
    );
  }

  #isProofWanted(zone: number): boolean {
    return this.#head.dnssecOk && this.#finder.zones.signed[zone]!;
  }
}
