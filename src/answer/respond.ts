/**
 * Query octets in, answer octets out: parse, find, write. No objects, strings or exceptions on the way; a length
 * comes back, 0 means drop.
 * Implements: RFC 1034 §4.3.2 as replaced by RFC 6672 §3.2, RFC 4592, RFC 4035 §3.1, RFC 2308, RFC 6604, RFC 8482,
 * RFC 9471, RFC 6891, RFC 5001. The law of the house: the same octets as zone/lookup.ts (which explains the rules)
 * and dns/message.ts `writeMessage` give, for every query.
 * Not here: sockets (server/), where nodes come from (answer/names/source.ts).
 */
import { assert } from '#base/assert.ts';
import { type ClientAddress } from '#base/client-address.ts';
import { ANSWER_CACHE_BYTES_MIN } from '#base/limits/answer.ts';
import { MESSAGE_BYTES_MAX } from '#base/limits/dns.ts';
import { OPT_BYTES, lengthenOpt, writeOpt } from '#dns/edns.ts';
import { DROP, FAULT, HEADER_BYTES, type Transport } from '#dns/message.ts';
import { answerLimitBytes, newQueryHead, parseQuery, writeHeader } from '#dns/message.ts';
import { CLASS, EDE, RCODE, TYPE, type RrType } from '#dns/types.ts';
import { NODE, bodyOffset, entryTtl, findEntry, nodeFlags } from '#store/node-codec.ts';
import { Admission } from './admission.ts';
import { AliasChain } from '#answer/names/alias-chain.ts';
import { AnswerCache } from '#answer/cache/cache.ts';
import { Completion, END } from './completion.ts';
import { ANSWER_SLOT_COUNT, CACHE, countCache, countRequest, countResponse } from '#answer/count/counters.ts';
import { Dependencies } from '#answer/names/dependencies.ts';
import { Finder } from '#answer/names/find.ts';
import { FOUND } from '#answer/names/found.ts';
import { HostTargets } from '#answer/names/host-targets.ts';
import { wildcardHash } from '#answer/names/owner-key.ts';
import { ADMIT, KIND } from '#answer/defence/rate-limit.ts';
import { Recall } from '#answer/cache/recall.ts';
import { type SelectorCounts } from '#answer/count/selector-counts.ts';
import { type AnswerSource } from '#answer/names/source.ts';
import { ZoneVersions } from '#answer/names/zone-version.ts';
import { MessageWriter, SECTION } from '#answer/write/writer.ts';
import { AnswerOptions } from '#answer/write/answer-options.ts';
import { selectEntry } from '#answer/names/select-entry.ts';
import { type LaterByOpcode, type SendAnswer } from './later-answer.ts';
import { type MessageStream } from './message-stream.ts';
import { type ResponderOptions } from './responder-options.ts';
import { type SignedAnswers, isTransfer, needsKey } from './signed-answers.ts';

const NO_EDE = -1;
/** After so many answers by near entries, a name is looked for before its question: there is a flood of names. */
const NEARS_IN_A_ROW = 2;
/** Beside FOUND: nothing was to be looked up; the answer is from the cache. */
const NOT_ASKED = -1;
const RECALLED = -2;

/** Answers queries from one source, one at a time; it keeps its buffers from one to the next. */
export class Responder {
  readonly #source: AnswerSource;
  readonly #counters: Float64Array;
  readonly #head = newQueryHead();
  readonly #finder: Finder;
  readonly #writer = new MessageWriter();
  readonly #chain = new AliasChain();
  readonly #targets = new HostTargets();
  readonly #admission: Admission;
  readonly #completion: Completion;
  readonly #dependencies = new Dependencies();
  readonly #cache: AnswerCache | undefined;
  readonly #recall: Recall | undefined;
  readonly #selectors: SelectorCounts | undefined;
  readonly #signed: SignedAnswers | undefined;
  readonly #later: LaterByOpcode | undefined;
  readonly #options: AnswerOptions;
  readonly #versions: ZoneVersions;
  /** Answers by near entries of the cache since the last by an exact one. */
  #nears = 0;
  /** The answer may be as long as any message: over TCP. */
  #isLargest = false;
  /** What the answer is about to the rate limit: a KIND and the hash of a name. */
  #subjectKind = 0;
  #subject = 0;
  readonly #subjectOctets = new Uint8Array(4);
  /** There is data of the type asked for at the name asked for. */
  #isPositive = false;
  #rcode = 0;
  #authoritative = false;
  #ede = NO_EDE;
  /** Number of the zone that the last name of the chain was found in, and one of FOUND. */
  #zone = -1;
  #found = 0;

  constructor(source: AnswerSource, options: ResponderOptions = {}) {
    const { counters = new Float64Array(ANSWER_SLOT_COUNT), defences, negative, selectors, hashSeed = 0 } = options;
    const { cacheBytes = ANSWER_CACHE_BYTES_MIN } = options;
    assert(counters.length >= ANSWER_SLOT_COUNT, `a responder counts in ${ANSWER_SLOT_COUNT} slots`);
    [this.#source, this.#selectors] = [source, selectors];
    [this.#signed, this.#later] = [options.signed, options.later];
    this.#options = new AnswerOptions(options);
    this.#versions = new ZoneVersions(source, options);
    this.#counters = counters;
    this.#finder = new Finder(source, this.#dependencies, negative);
    this.#admission = new Admission(defences, counters);
    if (cacheBytes > 0) {
      this.#cache = new AnswerCache(this.#dependencies, hashSeed, cacheBytes);
      this.#recall = new Recall(this.#cache, this.#dependencies, this.#finder, this.#writer, this.#head, selectors);
    }
    this.#completion = new Completion(this.#head, this.#finder, this.#writer, this.#chain, this.#targets, this.#recall);
  }

  /** Answers in the cache, counted one by one. */
  cachedAnswers(): number {
    return this.#cache?.size() ?? 0;
  }

  /** The queries that follow come at this time, as far as cookies and rate limits go. */
  beginBatch(): void {
    this.#admission.beginBatch();
    this.work();
  }

  /** Reads some more names into memory; true while there are more to read. Called with each batch and in idle moments, not with each query. */
  work(): boolean {
    if (!this.#finder.isBusy) return false;
    this.#finder.work();
    return this.#finder.isBusy;
  }

  /** Moves to the source's newest state. */
  refresh(): void {
    this.#finder.refresh(this.#source.refresh());
  }

  /**
   * Writes the answer to the first `length` octets of `query` into `out` and returns its length, 0 for none. `out` has space for a whole
   * message: UDP_EDNS_BYTES_MAX octets for UDP, MESSAGE_BYTES_MAX for TCP (asserted), and shares no memory with `query`. Without
   * `client` there are no cookies and no limits.
   */
  respond(query: Uint8Array, length: number, out: Uint8Array, transport: Transport, client?: ClientAddress): number {
    const head = this.#head;
    const admission = this.#admission;
    parseQuery(query, length, head);
    if (this.#signed !== undefined && head.verdict === RCODE.NOERROR && (head.tsigAt > 0 || needsKey(head.type)))
      return this.#signed.answer(query, length, head, out, transport, client);
    if (head.fault === FAULT.OPCODE && this.#later?.takes(head.opcode) === true)
      return this.#later.answer(query, length, head, out, transport, client);
    if (head.verdict !== DROP) admission.begin(query, head, transport, client);
    countRequest(this.#counters, transport, head.fault);
    if (head.verdict === DROP) return 0;
    const limitBytes = answerLimitBytes(head, transport);
    assert(out.length >= limitBytes, `an answer may have ${limitBytes} octets, the buffer has ${out.length}`);
    const optionBytes = this.#options.begin(head.asked, transport);
    const limit = limitBytes - (head.edns ? OPT_BYTES + admission.cookieBytes + optionBytes : 0);
    this.#isLargest = limitBytes === MESSAGE_BYTES_MAX;
    this.#rcode = head.verdict;
    this.#authoritative = false;
    this.#ede = NO_EDE;
    this.#subjectKind = 0;
    let found = NOT_ASKED;
    if (head.verdict === RCODE.NOERROR && head.questionLength > 0 && !this.#refuse(head.type, head.class))
      found = this.#locate(query, out, limit);
    if (found !== RECALLED) {
      this.#writer.begin(out, limit, query, head.questionLength);
      if (found >= 0) this.#resolve(query, found);
    }
    if (admission.isLimiting && !this.#isAdmitted(length)) return 0;
    return this.#finish(query, out);
  }

  /** The answer of many messages that `respond` has just announced. */
  stream(): MessageStream {
    const stream = this.#signed?.takeStream();
    assert(stream !== undefined, 'no stream was announced');
    return stream;
  }

  /** Who gets the answer that `respond` has just put off. */
  later(send: SendAnswer): void {
    this.#later?.later(send);
  }

  /** One of FOUND, or RECALLED when the answer is there already. */
  #locate(query: Uint8Array, out: Uint8Array, limit: number): number {
    const recall = this.#recall;
    const finder = this.#finder;
    this.#dependencies.begin();
    const isAimed = recall !== undefined && this.#nears >= NEARS_IN_A_ROW && finder.aim(query, HEADER_BYTES);
    if (recall !== undefined && !isAimed && recall.exact(query, out, limit)) return this.#takeExact(recall);
    const found = finder.locate(query, HEADER_BYTES, this.#head.type, isAimed);
    // Only names that exist have an entry of their own.
    const isThere = isAimed && finder.depth === finder.key.labels;
    if (isThere && recall.exact(query, out, limit)) return this.#takeExact(recall);
    if (recall !== undefined && recall.near(query, out, limit, found)) {
      countCache(this.#counters, CACHE.NEAR);
      this.#nears++;
      return this.#takeRecalled(recall);
    }
    countCache(this.#counters, CACHE.MISS);
    return found;
  }

  #takeExact(recall: Recall): number {
    countCache(this.#counters, CACHE.EXACT);
    this.#nears = 0;
    return this.#takeRecalled(recall);
  }

  #takeRecalled(recall: Recall): number {
    this.#rcode = recall.rcode;
    this.#authoritative = recall.authoritative;
    this.#subjectKind = recall.subjectKind;
    this.#subject = recall.subject;
    return RECALLED;
  }

  /** False when the answer is over a limit and dropped. One that is over a limit and not dropped becomes a bare TC. */
  #isAdmitted(length: number): boolean {
    if (this.#subjectKind !== 0) {
      const octets = this.#subjectOctets;
      for (let each = 0; each < octets.length; each++) octets[each] = this.#subject >>> (8 * each);
      this.#admission.describe(this.#subjectKind, octets, octets.length);
    }
    const admitted = this.#admission.admit(this.#head, length);
    if (admitted === ADMIT.TRUNCATE) {
      this.#writer.overflowed = true;
      this.#ede = NO_EDE;
      // Who has shown no address is sent no more than it asked with.
      this.#options.drop();
      // RFC 7873 §5.2.3–5.2.4: asked again with the cookie that goes with this, the client is out of the limits.
      if (this.#admission.cookieBytes > 0) this.#rcode = RCODE.BADCOOKIE;
    }
    return admitted !== ADMIT.DROP;
  }

  #finish(query: Uint8Array, out: Uint8Array): number {
    const head = this.#head;
    const writer = this.#writer;
    if (writer.overflowed) writer.dropContent();
    const isTruncated = writer.overflowed && !this.#isLargest;
    if (writer.overflowed && this.#isLargest) {
      // What no message holds is not asked for again over TCP for ever.
      this.#rcode = RCODE.SERVFAIL;
      this.#authoritative = false;
    }
    let end = writer.at;
    if (head.edns) {
      const opt = end;
      end = writeOpt(out, opt, this.#rcode, head.dnssecOk, this.#ede);
      const { cookieBytes } = this.#admission;
      if (cookieBytes > 0) {
        lengthenOpt(out, opt, cookieBytes);
        end = this.#admission.writeCookie(out, end);
      }
      const options = this.#options;
      if (options.isZoneWanted) options.setZone(this.#versions.find(query, head, this.#rcode, this.#finder.zones));
      end = options.write(out, opt, end);
    }
    writeHeader(out, head, this.#rcode, this.#authoritative, isTruncated);
    for (let section = 0; section < 3; section++) {
      const count = writer.counts[section]! + (section === SECTION.ADDITIONAL && head.edns ? 1 : 0);
      out[6 + 2 * section] = count >> 8;
      out[7 + 2 * section] = count & 0xff;
    }
    countResponse(this.#counters, this.#rcode, isTruncated);
    return end;
  }

  /** The listener's idle time, for clients that want to know it (RFC 7828). */
  useIdleTime(idleMs: () => number): void {
    this.#options.idleMs = idleMs;
  }

  /** Questions that have no answer in any zone; true when this is one. */
  #refuse(type: RrType, qclass: number): boolean {
    if (type === 0 || type === TYPE.OPT || type === TYPE.TSIG || type === TYPE.TKEY || type === TYPE.NXNAME) {
      this.#rcode = RCODE.FORMERR;
      // RFC 9824 §3.5
      if (type === TYPE.NXNAME) this.#ede = EDE.INVALID_QUERY_TYPE;
    } else if (qclass !== CLASS.IN || isTransfer(type)) this.#rcode = RCODE.REFUSED;
    else if (type === TYPE.MAILA || type === TYPE.MAILB) this.#rcode = RCODE.NOTIMP;
    return this.#rcode !== RCODE.NOERROR;
  }

  /** Writes the answer for a first name that was located, and keeps it. */
  #resolve(query: Uint8Array, found: number): void {
    const chain = this.#chain;
    chain.begin(query, HEADER_BYTES, this.#head.nameLength);
    this.#completion.denial.begin();
    this.#isPositive = false;
    this.#found = found;
    let end = this.#answerName(this.#finder.fetch(found));
    this.#describe(end);
    while (end < 0) end = this.#answerName(this.#finder.find(chain.octets, chain.at, this.#head.type));
    if (!this.#writer.overflowed) this.#completion.complete(end, this.#zone);
    const isSingle = chain.isFirst();
    const counter = isSingle && this.#isPositive && this.#head.type === TYPE.TXT ? this.#countSelector(query) : 0;
    this.#recall?.remember(this.#rcode, this.#authoritative, isSingle, this.#isPositive, this.#subjectKind, this.#subject, counter);
  }

  /** Counts a question for a selector that exists; returns its slot, 0 for other names and for what a wildcard answers. */
  #countSelector(query: Uint8Array): number {
    const selectors = this.#selectors;
    if (selectors === undefined || this.#found !== FOUND.EXACT) return 0;
    const slot = selectors.slotOf(query, HEADER_BYTES, this.#head.nameLength);
    if (slot > 0) selectors.count(slot);
    return slot;
  }

  /** What the rate limit counts the answer as, right after its first name was answered with `end`. */
  #describe(end: number): void {
    const { key, depth, zones } = this.#finder;
    switch (this.#found) {
      case FOUND.NO_ZONE:
      case FOUND.BROKEN:
        return;
      case FOUND.REFERRAL:
        this.#subjectKind = KIND.REFERRAL;
        this.#subject = key.hashOf(depth);
        return;
      default:
    }
    const isNegative = end === END.NODATA || end === END.WILDCARD_NODATA || end === END.NXDOMAIN;
    this.#subjectKind = isNegative ? KIND.NEGATIVE : KIND.POSITIVE;
    if (isNegative) this.#subject = zones.hashes[this.#zone]!;
    else this.#subject = this.#found === FOUND.WILDCARD ? wildcardHash(key.hashOf(depth)) : key.hashOf(depth);
  }

  /** Answers the chain's current name, looked up as `found`. Returns one of END; -1: an alias, its target is next. */
  #answerName(found: number): number {
    const chain = this.#chain;
    this.#zone = this.#finder.zone;
    switch (found) {
      case FOUND.NO_ZONE:
        if (chain.isFirst()) {
          this.#rcode = RCODE.REFUSED;
          this.#ede = EDE.NOT_AUTHORITATIVE;
        }
        return END.NOTHING;
      case FOUND.BROKEN:
        if (chain.isFirst()) this.#rcode = RCODE.SERVFAIL;
        return END.NOTHING;
      case FOUND.REFERRAL:
        // AA is about the first name (RFC 1035 §4.1.1): it stays set when an alias led here.
        return END.REFERRAL;
      default:
    }
    this.#authoritative = true;
    switch (found) {
      case FOUND.EXACT:
        return this.#answerNode(false);
      case FOUND.WILDCARD:
        return this.#answerNode(true);
      case FOUND.DNAME:
        return this.#redirect();
      default:
        this.#rcode = RCODE.NXDOMAIN;
        return END.NXDOMAIN;
    }
  }

  /** RFC 6672 §3.2 steps 3a and 3c: the node found answers for the current name, as itself or as wildcard. */
  #answerNode(isExpanded: boolean): number {
    const { node } = this.#finder;
    const chain = this.#chain;
    const { type, dnssecOk } = this.#head;
    let entry = selectEntry(node, type);
    if (entry >= 0) {
      this.#isPositive = true;
      const ttl = entryTtl(node, entry);
      if (type === TYPE.RRSIG) this.#writer.require(this.#writer.putSignatures(SECTION.ANSWER, chain.octets, chain.at, node, entry, ttl));
      else {
        this.#writer.require(this.#writer.putRrset(SECTION.ANSWER, chain.octets, chain.at, node, entry, ttl, dnssecOk));
        this.#targets.collect(node, entry, chain.octets, chain.at);
      }
      if (isExpanded) this.#completion.denial.addPending(this.#zone, chain.at, this.#finder.depth);
      return type === TYPE.RRSIG ? END.NOTHING : END.HOSTS;
    }
    if ((nodeFlags(node) & NODE.HAS_CNAME) === 0) return isExpanded ? END.WILDCARD_NODATA : END.NODATA;
    entry = findEntry(node, TYPE.CNAME);
    this.#writer.require(this.#writer.putRrset(SECTION.ANSWER, chain.octets, chain.at, node, entry, entryTtl(node, entry), dnssecOk));
    if (isExpanded) this.#completion.denial.addPending(this.#zone, chain.at, this.#finder.depth);
    chain.setNext(node, bodyOffset(node, entry) + 2);
    return chain.follow() ? -1 : END.NOTHING;
  }

  /** RFC 6672 §3.1: the DNAME above the current name, and the CNAME it makes. */
  #redirect(): number {
    const { node, key, depth } = this.#finder;
    const chain = this.#chain;
    const entry = findEntry(node, TYPE.DNAME);
    const ttl = entryTtl(node, entry);
    const prefixLength = key.starts[depth]!;
    const ownerAt = chain.at + prefixLength;
    if (chain.addDname(ownerAt))
      this.#writer.require(this.#writer.putRrset(SECTION.ANSWER, chain.octets, ownerAt, node, entry, ttl, this.#head.dnssecOk));
    if (!chain.substituteNext(prefixLength, node, bodyOffset(node, entry) + 2)) {
      this.#rcode = RCODE.YXDOMAIN;
      return END.NOTHING;
    }
    this.#writer.require(this.#writer.putAlias(SECTION.ANSWER, chain.octets, chain.at, chain.octets, chain.nextAt, ttl));
    return this.#head.type !== TYPE.CNAME && chain.follow() ? -1 : END.NOTHING;
  }
}
