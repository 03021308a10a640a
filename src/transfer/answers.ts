/**
 * Answers that need a key: signed queries, and transfers of zones to those who are granted them. A key that is made by
 * asking is not offered.
 * Implements: RFC 8945 §5.2–5.3, RFC 5936 §2.2.1 (NOTAUTH, REFUSED) and §4.2 (not over UDP), RFC 1995 §2 and §4
 * (the SOA alone: the client is up to date, or shall come by TCP), RFC 7314 §3 (EXPIRE).
 * A grant is looked at before any quota, so that who has none takes no place of those who have.
 * RFC 9432 §6: the SOA of a catalog is for those who may have the catalog.
 * Not here: keys and their grants (grants.ts), what a zone or its differences are in messages.
 */
import { type ClientAddress, addressText } from '#base/client-address.ts';
import { copyOf, readU16 } from '#base/bytes.ts';
import { TRANSFERS_MAX, TRANSFERS_PER_CLIENT_MAX, TRANSFER_SHARED_MS } from '#base/limits/transfer.ts';
import { ANSWER_IS_STREAM, type MessageStream } from '#answer/message-stream.ts';
import { type SignedAnswers, isTransfer } from '#answer/signed-answers.ts';
import { type ZoneTimes } from '#answer/names/zone-version.ts';
import { type Responder } from '#answer/respond.ts';
import { MessageWriter } from '#answer/write/writer.ts';
import { ASKED, writeOpt } from '#dns/edns.ts';
import { HEADER, HEADER_BYTES, type QueryHead, type Transport, answerLimitBytes } from '#dns/message.ts';
import { type Name, type OwnerKey, formatName, ownerKey } from '#dns/name.ts';
import { type Serial, isNewer } from '#dns/serial.ts';
import { TsigSigner, appendTsigError } from '#dns/tsig/sign.ts';
import { TsigKeys } from '#dns/tsig/key.ts';
import { TSIG_ERROR } from '#dns/tsig/record.ts';
import { type TsigVerdict, verifyTsig } from '#dns/tsig/verify.ts';
import { CLASS, EDE, RCODE, TYPE } from '#dns/types.ts';
import { bodyOffset, findEntry } from '#store/node-codec.ts';
import { type StoreReader } from '#store/reader.ts';
import { type HeldSnapshot } from '#store/snapshots.ts';
import { NODE_CHECK_BYTES, type ZoneRecord } from '#store/schema.ts';
import { soaExpireSeconds, soaSerial } from '#zone/changeset.ts';
import { type GrantedKey, isGranted } from './grants.ts';
import { type AnswerCode, writeCode } from './code-answer.ts';
import { tsigRefusalText } from './refusal-text.ts';
import { TKEY_MODE_GSS, readTkey, writeTkeyRefusal } from './key-exchange.ts';
import { readClientSerial } from './request.ts';
import { type SecondaryGrants } from './secondary-grants.ts';
import { SharedMessages } from './shared-messages.ts';
import { StreamMessages } from './stream-message.ts';
import { type RecordSource, ZoneContent, nextMessage, putSoa } from './zone-content.ts';
import { type Differences, ZoneDifferences, findDifferences } from './zone-differences.ts';

export type TransferEvent = 'transfer.sent' | 'transfer.broken' | 'transfer.refused' | 'tsig.refused';

export interface TransferAnswersOptions extends ZoneTimes {
  readonly reader: StoreReader;
  /** Answers an ordinary query: `respond` of the responder that this belongs to. */
  readonly respond: Responder['respond'];
  /** Of the zones' lists of secondaries. */
  readonly secondaries: SecondaryGrants;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** An answer that `respond` has not counted. */
  readonly count: (transport: Transport, rcode: number, isTruncated: boolean) => void;
  readonly log: (event: TransferEvent, text: string) => void;
  /** Answers queries signed with keys that only control has; absent: there is no such key. */
  readonly elsewhere?: SignedAnswers['answer'];
}

interface Request {
  readonly query: Uint8Array;
  readonly head: Readonly<QueryHead>;
  readonly out: Uint8Array;
  readonly transport: Transport;
  /** As text, for logs. */
  readonly client: string;
  readonly key: GrantedKey | undefined;
  readonly signer: TsigSigner | undefined;
}

export class TransferAnswers implements SignedAnswers {
  readonly #options: TransferAnswersOptions;
  readonly #writer = new MessageWriter();
  #keys = new TsigKeys<GrantedKey>();
  #names: ReadonlySet<OwnerKey> = new Set();
  /** Transfers under way, by whose they are. */
  readonly #running = new Map<string, number>();
  #runningCount = 0;
  readonly #shared = new SharedMessages();
  /** Ends when nothing was transferred for long. */
  #idle: NodeJS.Timeout | undefined;
  #stream: MessageStream | undefined;

  constructor(options: TransferAnswersOptions) {
    this.#options = options;
  }

  /**
   * From now on these keys are known, and no others; a transfer under way ends with the key it began with. `names` are
   * those of keys that only control has.
   */
  takeKeys(keys: TsigKeys<GrantedKey>, names: ReadonlySet<OwnerKey> = new Set()): void {
    [this.#keys, this.#names] = [keys, names];
  }

  answer(
    query: Uint8Array,
    length: number,
    head: Readonly<QueryHead>,
    out: Uint8Array,
    transport: Transport,
    client?: ClientAddress,
  ): number {
    const who = { client: addressText(client), key: undefined, signer: undefined };
    const request = { query, head: { ...head }, out, transport, ...who };
    if (head.tsigAt === 0 && head.type === TYPE.TKEY) return this.#keyExchange(request, length);
    if (head.tsigAt === 0) return this.#transfer(request, client);
    const now = this.#now();
    const verdict = verifyTsig({ message: query, length, at: head.tsigAt, keys: this.#keys, now });
    if (verdict.kind === 'malformed') return this.#code(request, RCODE.FORMERR);
    if (verdict.kind === 'invalid' && this.#isElsewhere(verdict, head))
      return this.#options.elsewhere!(query, length, request.head, out, transport, client);
    if (verdict.kind === 'invalid') return this.#refuseSignature(request, verdict, now);
    const signed = { ...request, key: verdict.key, signer: new TsigSigner(verdict.key, verdict.record.mac) };
    const isForGranted = isTransfer(head.type) || this.#isOfCatalog(signed);
    return isForGranted ? this.#transfer(signed, client) : this.#ordinary(signed, client);
  }

  /** Who may have a catalog asks for its SOA before; all others get what they would get if there were none. */
  #isOfCatalog({ query, head, key }: Request): boolean {
    if (head.type !== TYPE.SOA || head.class !== CLASS.IN || key === undefined) return false;
    const apex = apexOf(query, head);
    return this.#options.reader.zoneByName(apex)?.isCatalog === true && isGranted(key, 'transfer', apex);
  }

  /** The answer that the last ANSWER_IS_STREAM was about. */
  takeStream(): MessageStream | undefined {
    const stream = this.#stream;
    this.#stream = undefined;
    return stream;
  }

  #now(): number {
    return Math.floor(this.#options.nowMs() / 1000);
  }

  /** A query, no transfer, with a key that only control has. */
  #isElsewhere({ error, record }: Extract<TsigVerdict, { kind: 'invalid' }>, head: Readonly<QueryHead>): boolean {
    const isPossible = this.#options.elsewhere !== undefined && !isTransfer(head.type);
    return isPossible && error === TSIG_ERROR.BADKEY && this.#names.has(ownerKey(record.keyName));
  }

  // --- answers of one message ---

  /** RFC 8945 §5.3: the answer is what it would be without a signature, and signed. */
  #ordinary(request: Request, client: ClientAddress | undefined): number {
    const { query, head, out, transport, signer } = request;
    const bare = copyOf(query, 0, head.tsigAt);
    const view = new DataView(bare.buffer, bare.byteOffset, bare.byteLength);
    view.setUint16(10, view.getUint16(10) - 1);
    const length = this.#options.respond(bare, bare.length, out, transport, client);
    if (length <= 0) return length;
    if (length + signer!.bytes <= answerLimitBytes(head, transport)) return signer!.sign(out, length, this.#now());
    // §5.3: what does not fit with its signature is cut to the question, and truncated.
    const isAuthoritative = (out[2]! & HEADER.AA) !== 0;
    return this.#write(request, { rcode: out[3]! & 0x0f, isAuthoritative, isTruncated: true });
  }

  #refuseSignature(request: Request, verdict: Extract<TsigVerdict, { kind: 'invalid' }>, now: number): number {
    const { out, client } = request;
    this.#options.log('tsig.refused', `message from ${client} refused: ${tsigRefusalText(verdict, now)}`);
    const length = this.#code({ ...request, signer: undefined }, RCODE.NOTAUTH);
    return appendTsigError(out, length, verdict, now);
  }

  /** RFC 2930 §4: no mode of TKEY is offered. */
  #keyExchange(request: Request, length: number): number {
    const { query, head, out, client } = request;
    const asked = readTkey(query, length, head);
    if (asked === undefined) return this.#code(request, RCODE.FORMERR);
    const what = asked.mode === TKEY_MODE_GSS ? 'GSS-TSIG' : `TKEY of mode ${asked.mode}`;
    const fix = 'make a key: waxseal tsig generate NAME --zone ZONE --for update';
    this.#options.log('tsig.refused', `${what} is not offered, but ${client} asks for it; ${fix}`);
    this.#options.count(request.transport, RCODE.NOERROR, false);
    const question = this.#write({ ...request, head: { ...head, edns: false } }, { rcode: RCODE.NOERROR });
    const end = writeTkeyRefusal(out, question, asked);
    const isTruncated = end > answerLimitBytes(head, request.transport);
    if (isTruncated) return this.#write(request, { rcode: RCODE.NOERROR, isTruncated });
    out[7] = 1;
    if (!head.edns) return end;
    out[11] = 1;
    return writeOpt(out, end, RCODE.NOERROR, head.dnssecOk, EDE.NOT_SUPPORTED);
  }

  /** An answer that is a code. */
  #code(request: Request, rcode: number, ede?: number): number {
    this.#options.count(request.transport, rcode, false);
    return this.#write(request, { rcode, ...(ede === undefined ? {} : { ede: [ede, ''] }) });
  }

  #write({ query, head, out, signer }: Request, code: AnswerCode): number {
    const end = writeCode(query, head, out, code);
    return signer === undefined ? end : signer.sign(out, end, this.#now());
  }

  // --- transfers ---

  #transfer(request: Request, client: ClientAddress | undefined): number {
    const { query, head, transport } = request;
    const apex = apexOf(query, head);
    const zone = this.#options.reader.zoneByName(apex);
    const why = head.class === CLASS.IN ? this.#findRefusal(request, apex, zone, client) : 'of another class';
    if (why !== undefined) {
      this.#options.log('transfer.refused', `transfer of ${formatName(apex)} refused to ${request.client} ${why}`);
      return this.#code(request, RCODE.REFUSED, EDE.PROHIBITED);
    }
    if (zone === undefined) return this.#code(request, RCODE.NOTAUTH, EDE.NOT_AUTHORITATIVE);
    // RFC 1034 §4.3.5: an expired zone is not given on; a secondary asks again, as it does where BIND answers so.
    if (zone.secondary?.isExpired === true) return this.#expired(request, zone);
    const isWhole = head.type === TYPE.AXFR;
    if (isWhole && transport !== 'udp') return this.#start(request, zone, undefined);
    // To an SOA query the answer is that to a client that is up to date: the SOA alone.
    const serial = head.type === TYPE.SOA ? zone.serial : isWhole ? undefined : readClientSerial(query, head);
    return serial === undefined ? this.#code(request, RCODE.FORMERR) : this.#start(request, zone, serial);
  }

  #expired(request: Request, { name }: ZoneRecord): number {
    const why = `${name} has expired here: no primary has confirmed it`;
    this.#options.log('transfer.refused', `transfer of ${name} to ${request.client} put off: ${why}`);
    return this.#code(request, RCODE.SERVFAIL, EDE.NOT_READY);
  }

  /** Why the client may not have the zone, for the log: words that follow its address. */
  #findRefusal(
    { key, transport }: Request,
    apex: Name,
    zone: ZoneRecord | undefined,
    client: ClientAddress | undefined,
  ): string | undefined {
    const { secondaries } = this.#options;
    if (transport === 'tls' && client?.secured?.isLatest !== true) return 'over TLS 1.2 (RFC 9103 §7: 1.3 or later)';
    if (key === undefined) {
      const isListed = zone !== undefined && client !== undefined && secondaries.isGrantedWithoutKey(zone.id, client);
      return isListed ? undefined : 'without a key';
    }
    const name = formatName(key.name);
    if (!isGranted(key, 'transfer', apex)) return `with ${name}, which does not open it`;
    if (zone === undefined || secondaries.mayUseKey(zone.id, key.name, client)) return undefined;
    return `with ${name}, which opens it over TLS with a known certificate only`;
  }

  /** `since`: the client's serial; undefined when it wants the whole zone. */
  #start(request: Request, zone: ZoneRecord, since: Serial | undefined): number {
    const whose = request.key === undefined ? request.client : formatName(request.key.name);
    const running = this.#running.get(whose) ?? 0;
    if (this.#runningCount >= TRANSFERS_MAX || running >= TRANSFERS_PER_CLIENT_MAX) {
      const why = `${running} of ${whose} are under way, ${this.#runningCount} in all`;
      this.#options.log('transfer.refused', `transfer of ${zone.name} to ${request.client} put off: ${why}`);
      return this.#code(request, RCODE.SERVFAIL, EDE.NOT_READY);
    }
    const snapshot = this.#options.reader.hold();
    const apex = apexNode(snapshot, zone.id);
    if (apex === undefined) {
      snapshot.release();
      return this.#code(request, RCODE.SERVFAIL);
    }
    const serial = soaSerial(soaOf(apex));
    const { query, head, signer } = request;
    const now = (): number => this.#now();
    const messages = new StreamMessages({
      writer: this.#writer,
      query: copyOf(query, 0, HEADER_BYTES + head.questionLength),
      head,
      signer,
      now,
      expireSeconds: this.#expireSeconds(head, zone, apex),
    });
    const isUpToDate = since !== undefined && !isNewer(serial, since);
    // Over UDP `#single` gives them to who has a key alone: an address may be forged, and finding them is work.
    const isWanted = since !== undefined && !isUpToDate && (request.transport !== 'udp' || request.key !== undefined);
    const differences = isWanted ? findDifferences(snapshot, zone, since, serial) : undefined;
    const source =
      differences === undefined
        ? new ZoneContent(snapshot, zone, apex, this.#shared)
        : new ZoneDifferences(apex, differences);
    if (isUpToDate || request.transport === 'udp') {
      const length = this.#single(request, messages, isUpToDate ? undefined : source, apex);
      snapshot.release();
      return length;
    }
    this.#options.count(request.transport, RCODE.NOERROR, false);
    this.#running.set(whose, running + 1);
    this.#runningCount += 1;
    clearTimeout(this.#idle);
    const kind = since === undefined ? 'AXFR' : differences === undefined ? 'AXFR for IXFR' : ixfrText(differences);
    const by = request.key === undefined ? '' : ` by ${whose}`;
    const text = `${kind} of ${zone.name} serial ${serial} to ${request.client}${by}`;
    this.#stream = this.#streamOf(snapshot, messages, source, whose, text);
    return ANSWER_IS_STREAM;
  }

  /** RFC 7314 §3.2–3.3: when the zone expires, for a client that asks. */
  #expireSeconds({ asked }: Readonly<QueryHead>, zone: ZoneRecord, apex: Uint8Array): number | undefined {
    if ((asked & ASKED.EXPIRE) === 0) return undefined;
    return this.#options.secondsLeft?.(zone.id) ?? soaExpireSeconds(soaOf(apex));
  }

  /** RFC 1995 §2: over UDP, or for a client that is up to date: all in one message, or the SOA alone. */
  #single(request: Request, messages: StreamMessages, source: RecordSource | undefined, apex: Uint8Array): number {
    const { out, transport, head } = request;
    this.#options.count(transport, RCODE.NOERROR, false);
    const limit = answerLimitBytes(head, transport);
    // What fits is sent; without a key none was looked for.
    if (source instanceof ZoneDifferences && source.fill(messages.begin(out, limit))) return messages.end(out);
    putSoa(messages.begin(out, limit), apex);
    return messages.end(out);
  }

  #streamOf(
    snapshot: HeldSnapshot,
    messages: StreamMessages,
    source: RecordSource,
    // Who its place is counted for, and what the log says of it.
    whose: string,
    text: string,
  ): MessageStream {
    const startedMs = performance.now();
    let isLast = false;
    return {
      next: (out) => {
        if (isLast) return 0;
        const made = nextMessage(messages, source, out);
        ({ isLast } = made);
        return made.length;
      },
      close: () => {
        snapshot.release();
        this.#runningCount -= 1;
        if (this.#runningCount === 0) this.#idle = setTimeout(() => this.#shared.clear(), TRANSFER_SHARED_MS).unref();
        const left = this.#running.get(whose)! - 1;
        if (left === 0) this.#running.delete(whose);
        else this.#running.set(whose, left);
        const tookMs = Math.round(performance.now() - startedMs);
        const amount = `${messages.count} messages, ${messages.bytes} octets, ${tookMs} ms`;
        this.#options.log(
          isLast ? 'transfer.sent' : 'transfer.broken',
          `${text}: ${amount}${isLast ? '' : '; the connection ended before'}`,
        );
      },
    };
  }
}

function apexOf(query: Uint8Array, { nameLength }: Readonly<QueryHead>): Name {
  return copyOf(query, HEADER_BYTES, HEADER_BYTES + nameLength);
}

function apexNode(snapshot: HeldSnapshot, zoneId: number): Uint8Array | undefined {
  let apex: Uint8Array | undefined;
  snapshot.readNodes(zoneId, undefined, 1, (_, node) => {
    apex = new Uint8Array(node.subarray(0, node.length - NODE_CHECK_BYTES));
    return false;
  });
  return apex !== undefined && findEntry(apex, TYPE.SOA) >= 0 ? apex : undefined;
}

function ixfrText({ isCondensed }: Differences): string {
  return isCondensed ? 'IXFR (condensed)' : 'IXFR';
}

/** Its RDATA. */
function soaOf(apex: Uint8Array): Uint8Array {
  const body = bodyOffset(apex, findEntry(apex, TYPE.SOA));
  return apex.subarray(body + 2, body + 2 + readU16(apex, body));
}
