/**
 * Answers from the cache, and answers into it: which answers may be kept, under what, and when what is kept is the answer.
 * Implements: the limits of RFC 1035 §4.1.4 on moving a compressed body (a pointer must lead to the same name again).
 * The rule (docs/adr/0004-answer-cache.md): keys are questions for names that exist, and nodes that exist; never a name that a client made up.
 * Not here: the table and its memory (cache.ts), making the answers (answer/respond.ts).
 */
import { readU16 } from '#base/bytes.ts';
import { HEADER_BYTES, type QueryHead } from '#dns/message.ts';
import { TYPE } from '#dns/types.ts';
import { type AnswerCache } from './cache.ts';
import { BODY, ENTRY } from './entry.ts';
import { copyOctets } from '#answer/write/copy.ts';
import { type Dependencies } from '#answer/names/dependencies.ts';
import { type Finder } from '#answer/names/find.ts';
import { FOUND } from '#answer/names/found.ts';
import { type SelectorCounts } from '#answer/count/selector-counts.ts';
import { POINTER_OF_OWNER, type MessageWriter, SECTION } from '#answer/write/writer.ts';

/** Types above are not asked for in earnest, but for ANY, URI and CAA; without data of such a type, an answer is not kept. */
const USUAL_TYPES = 65;
const POINTER = 0x3fff;
const NO_KIND = -1;

export class Recall {
  readonly #cache: AnswerCache;
  readonly #dependencies: Dependencies;
  readonly #finder: Finder;
  readonly #writer: MessageWriter;
  readonly #head: QueryHead;
  readonly #selectors: SelectorCounts | undefined;
  /** Of the answer recalled. */
  rcode = 0;
  authoritative = false;
  subjectKind = 0;
  subject = 0;
  /** Result for the name last located: the near entry it belongs to, and where its own labels begin in the packet. */
  #kind = NO_KIND;
  #zone = -1;
  #first = 0;
  #second = 0;
  #type = 0;
  #depth = 0;
  #labels = 0;
  #sharedAt = 0;
  #apexAt = 0;
  #isExact = false;
  /** Where the SOA that begins an answer ends, and the pointers up to there; 0 when it does not begin with one. */
  #soaEnd = 0;
  #soaPointers = 0;
  #soaRecords = 0;
  #soaMark = 0;
  #soaLabels = 0;
  readonly #soaLabelHashes = new Uint32Array(4);

  constructor(
    cache: AnswerCache,
    dependencies: Dependencies,
    finder: Finder,
    writer: MessageWriter,
    head: QueryHead,
    selectors: SelectorCounts | undefined,
  ) {
    this.#cache = cache;
    this.#dependencies = dependencies;
    this.#finder = finder;
    this.#writer = writer;
    this.#head = head;
    this.#selectors = selectors;
  }

  /** True when the question itself was answered before: the answer's content is in `out` and the writer. */
  exact(query: Uint8Array, out: Uint8Array, limit: number): boolean {
    const { nameLength, type, dnssecOk } = this.#head;
    const entry = this.#cache.findExact(query, HEADER_BYTES, nameLength, type, dnssecOk, limit);
    return entry >= 0 && this.#write(entry, query, out, limit, 0);
  }

  /** The same for what a name located by the finder, its zone's names in memory, has in common with others. */
  near(query: Uint8Array, out: Uint8Array, limit: number, found: number): boolean {
    const finder = this.#finder;
    const { key, list, zone, depth, zones } = finder;
    const { type, dnssecOk, questionLength } = this.#head;
    this.#soaEnd = 0;
    this.#kind = NO_KIND;
    this.#isExact = found === FOUND.EXACT || (found === FOUND.REFERRAL && depth === key.labels);
    if (found === FOUND.NO_ZONE || found === FOUND.BROKEN) return false;
    this.#zone = zone;
    this.#depth = depth;
    this.#labels = key.labels;
    this.#sharedAt = HEADER_BYTES + key.starts[depth]!;
    const apexDepth = zones.depths[zone]!;
    this.#apexAt = HEADER_BYTES + key.starts[apexDepth]!;
    if (list === undefined || depth === key.labels) return false;
    let kind: number = ENTRY.REFERRAL;
    this.#first = finder.place;
    this.#second = 0;
    this.#type = 0;
    if (found === FOUND.DNAME) return false;
    if (found !== FOUND.REFERRAL) {
      const isProof = dnssecOk && zones.signed[zone]!;
      if (found === FOUND.WILDCARD) {
        if (!isUsual(type)) return false;
        kind = ENTRY.WILDCARD;
        this.#type = type;
      } else {
        kind = ENTRY.NOTHING;
        // Without proofs, one no of a zone is like the other.
        if (!isProof) this.#first = 0;
      }
      if (isProof) {
        this.#second = finder.denialPlace(list, query, HEADER_BYTES) + 1;
        if (this.#second === 0) return false;
      }
    }
    const zoneId = zones.ids[zone]!;
    const at = HEADER_BYTES + questionLength;
    const entry = this.#cache.findNear(kind, zoneId, this.#first, this.#second, this.#type, dnssecOk, at, limit);
    if (entry >= 0 && !this.#cache.isFor(entry, query, HEADER_BYTES + key.starts[depth + 1]!)) return false;
    this.#kind = kind;
    return entry >= 0 && this.#write(entry, query, out, limit, HEADER_BYTES + key.starts[apexDepth + 1]!);
  }

  /** `ownLabelAt`: where the first label below the apex is, if the SOA of an entry was not made for this very name. */
  #write(entry: number, query: Uint8Array, out: Uint8Array, limit: number, ownLabelAt: number): boolean {
    const cache = this.#cache;
    const { nameLength, questionLength, dnssecOk } = this.#head;
    const contentAt = HEADER_BYTES + questionLength;
    const flags = cache.flags(entry);
    const { counts } = this.#writer;
    counts[SECTION.AUTHORITY] = cache.authorities(entry);
    let at = contentAt;
    if ((flags & BODY.NEEDS_SOA) !== 0) {
      const soa = cache.findNear(ENTRY.SOA, cache.zoneId(entry), 0, 0, 0, dnssecOk, contentAt, limit - cache.bodyBytes(entry));
      if (soa < 0 || cache.soaMark(soa) !== cache.soaMark(entry)) return false;
      if (ownLabelAt > 0 && !cache.isFor(soa, query, ownLabelAt)) return false;
      at = cache.copyBody(soa, out, at, nameLength);
      counts[SECTION.AUTHORITY]! += cache.authorities(soa);
    }
    at = cache.copyBody(entry, out, at, nameLength);
    copyOctets(query, HEADER_BYTES, out, HEADER_BYTES, questionLength);
    counts[SECTION.ANSWER] = cache.answers(entry);
    counts[SECTION.ADDITIONAL] = cache.additionals(entry);
    this.#writer.adopt(out, contentAt, at, (flags & BODY.TRUNCATED) !== 0);
    this.rcode = cache.rcode(entry);
    this.authoritative = (flags & BODY.AUTHORITATIVE) !== 0;
    this.subjectKind = cache.subjectKind(entry);
    this.subject = cache.subject(entry);
    if ((flags & BODY.COUNTED) !== 0) this.#selectors?.count(cache.soaMark(entry));
    return true;
  }

  // --- into the cache ---

  /** The SOA of the zone of the first name is written, and begins the answer. `mark` stands for its names. */
  noteSoa(mark: number): void {
    const writer = this.#writer;
    if (this.#soaEnd !== 0 || writer.overflowed || writer.omitted) return;
    this.#soaEnd = writer.at;
    this.#soaPointers = writer.pointerCount;
    this.#soaRecords = writer.counts[SECTION.AUTHORITY]!;
    this.#soaMark = (mark ^ (writer.at - writer.contentAt)) >>> 0;
    this.#soaLabels = writer.labelsBelow(this.#finder.zones.depths[this.#zone]!, this.#labels, this.#soaLabelHashes);
  }

  /**
   * Keeps the answer in the writer, where it may be kept. `isSingle`: no alias was followed. `isPositive`: there was data of the type asked
   * for. `counter`: the slot of answer/count/selector-counts.ts that this question is counted in, or 0; only of a positive answer without alias.
   */
  remember(
    rcode: number,
    authoritative: boolean,
    isSingle: boolean,
    isPositive: boolean,
    subjectKind: number,
    subject: number,
    counter: number,
  ): void {
    const writer = this.#writer;
    const isNear = this.#kind !== NO_KIND && isSingle && !writer.overflowed && !writer.omitted;
    if (!isNear && !this.#isExact) return;
    if (!isPositive && !isUsual(this.#head.type)) return;
    const { facts } = this.#cache;
    const isSplit = this.#soaEnd > 0 && !writer.overflowed && !writer.omitted && this.#isSoaApart();
    if (this.#soaEnd > 0 && !isSplit) this.#finder.dependOnApex(this.#zone);
    facts.answer = writer.overflowed ? 0 : writer.counts[SECTION.ANSWER]!;
    facts.authority = writer.overflowed ? 0 : writer.counts[SECTION.AUTHORITY]! - (isSplit ? this.#soaRecords : 0);
    facts.additional = writer.overflowed ? 0 : writer.counts[SECTION.ADDITIONAL]!;
    facts.rcode = rcode;
    facts.flags = (authoritative ? BODY.AUTHORITATIVE : 0) | (writer.overflowed ? BODY.TRUNCATED : 0) | (isSplit ? BODY.NEEDS_SOA : 0);
    facts.limit = writer.overflowed || writer.omitted ? writer.limit : 0;
    facts.subjectKind = subjectKind;
    facts.subject = subject;
    facts.zoneId = this.#finder.zones.ids[this.#zone]!;
    facts.soaMark = isSplit ? this.#soaMark : counter;
    if (counter > 0 && !isSplit) facts.flags |= BODY.COUNTED;
    const from = isSplit ? this.#soaEnd : writer.contentAt;
    const to = writer.overflowed ? from : writer.at;
    if (this.#isExact) this.#cache.storeExact(this.#head.nameLength, writer.out, from, to);
    else this.#storeNear(isSplit, from, to);
    if (isSplit) this.#storeSoa();
  }

  #storeNear(isSplit: boolean, from: number, to: number): void {
    const cache = this.#cache;
    // A no has to begin with the SOA; what cannot do without its neighbour cannot move.
    if (this.#kind === ENTRY.NOTHING && !isSplit) return;
    // Behind the SOA of a NOTHING only NSEC stand: owners that exist, which go no way with a name that does not. The
    // hashed owner name of an NSEC3 need not exist, and may be asked for (RFC 5155 §7.2.8).
    const isApart = this.#kind === ENTRY.NOTHING && !this.#finder.hashed.isHashed(this.#zone);
    cache.labelCount = isApart ? 0 : this.#writer.labelsBelow(this.#depth, this.#labels, cache.labels);
    if (cache.labelCount < 0) return;
    if (!this.#collectPointers(isSplit ? this.#soaPointers : 0, this.#writer.pointerCount, this.#sharedAt)) return;
    cache.useNear(this.#kind, cache.facts.zoneId, this.#first, this.#second, this.#type, this.#head.dnssecOk);
    cache.storeNear(this.#head.nameLength, this.#writer.out, from, to);
  }

  /** The SOA block for all negative answers of the zone; it alone depends on the apex, which every change of the zone changes. */
  #storeSoa(): void {
    const cache = this.#cache;
    const writer = this.#writer;
    const { facts } = cache;
    if (this.#soaLabels < 0 || !this.#collectPointers(0, this.#soaPointers, this.#apexAt)) return;
    for (let each = 0; each < this.#soaLabels; each++) cache.labels[each] = this.#soaLabelHashes[each]!;
    cache.labelCount = this.#soaLabels;
    this.#dependencies.begin();
    this.#finder.dependOnApex(this.#zone);
    facts.authority = this.#soaRecords;
    facts.soaMark = this.#soaMark;
    cache.useNear(ENTRY.SOA, facts.zoneId, 0, 0, 0, this.#head.dnssecOk);
    cache.storeNear(this.#head.nameLength, writer.out, writer.contentAt, this.#soaEnd);
  }

  /** Nothing behind the SOA points into it, and it would be the same for a name of other labels. */
  #isSoaApart(): boolean {
    const { pointers, pointerCount, contentAt } = this.#writer;
    if (pointerCount >= pointers.length || this.#soaLabels < 0) return false;
    for (let each = 0; each < pointerCount; each++) {
      const target = this.#targetOf(pointers[each]!);
      if (each < this.#soaPointers ? target < this.#apexAt : target >= contentAt && target < this.#soaEnd) return false;
    }
    return true;
  }

  /** Those that move, from the `first`th to the `end`th, into the cache's list; false when one points to what another name has not. */
  #collectPointers(first: number, end: number, sharedAt: number): boolean {
    const { pointers, pointerCount } = this.#writer;
    const cache = this.#cache;
    if (pointerCount >= pointers.length) return false;
    cache.pointerCount = 0;
    let expanded = 0;
    for (let each = first; each < end; each++) {
      const pointer = pointers[each]!;
      const target = this.#targetOf(pointer);
      if (target < sharedAt) {
        // The whole name, as owner of what a wildcard made: it stands there for every name.
        // But one more of them is the owner of an NSEC3 that is asked for by its own name (RFC 5155 §7.2.8).
        const isOwner = this.#kind === ENTRY.WILDCARD && target === HEADER_BYTES && (pointer & POINTER_OF_OWNER) !== 0;
        if (!isOwner || ++expanded > this.#writer.counts[SECTION.ANSWER]!) return false;
        continue;
      }
      cache.pointers[cache.pointerCount++] = pointer & ~POINTER_OF_OWNER;
    }
    return true;
  }

  #targetOf(pointer: number): number {
    return readU16(this.#writer.out, pointer & ~POINTER_OF_OWNER) & POINTER;
  }
}

function isUsual(type: number): boolean {
  return type <= USUAL_TYPES || (type >= TYPE.ANY && type <= TYPE.CAA);
}
