/**
 * Gets a zone, or what changed in it, from one primary over TCP or TLS: a connection for each transfer, with limits on
 * time, octets and records. An edge: whatever goes wrong is a text.
 * Implements: RFC 5936 §2.2, §4.1 (TCP), RFC 1995 §2–4, RFC 8945 §5.3.1 (every stream is verified to its end), RFC 9103
 * §6.2 (nothing is transferred over TCP from a primary that is to be asked over TLS).
 * Not here: the connection (control/outside/dns-stream.ts), what the records make together
 * (transfer/incoming-transfer.ts), what becomes of them (take-in.ts).
 */
import { randomInt } from 'node:crypto';
import {
  TRANSFER_IN_APART_BYTES_MIN,
  TRANSFER_IN_BYTES_MAX,
  TRANSFER_IN_CONNECT_MS,
  TRANSFER_IN_IDLE_MS,
  TRANSFER_IN_MS_MAX,
  TRANSFER_IN_RECORDS_MAX,
} from '#base/limits/transfer.ts';
import { type Name } from '#dns/name.ts';
import { type TsigKey } from '#dns/tsig/key.ts';
import { signedRequest } from '#dns/tsig/sign.ts';
import { TsigStreamVerifier } from '#dns/tsig/verify-stream.ts';
import { TYPE } from '#dns/types.ts';
import { soaSerial } from '#zone/changeset.ts';
import {
  type KnownSoa,
  frameTransferMessage,
  readTransferMessage,
  recordsOfType,
  writeTransferRequest,
} from '#transfer/incoming-message.ts';
import { type Serial } from '#dns/serial.ts';
import { type StreamServer, framed, openDnsStream } from '#control/outside/dns-stream.ts';
import { type Reserve } from './places.ts';
import { IncomingTransfer, type Received } from '#transfer/incoming-transfer.ts';
import { type StoredMessages, StoredTransfer } from './stored-transfer.ts';

export interface FetchLimits {
  readonly bytesMax: number;
  readonly recordsMax: number;
  readonly connectMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
}

export const FETCH_LIMITS: FetchLimits = {
  bytesMax: TRANSFER_IN_BYTES_MAX,
  recordsMax: TRANSFER_IN_RECORDS_MAX,
  connectMs: TRANSFER_IN_CONNECT_MS,
  idleMs: TRANSFER_IN_IDLE_MS,
  totalMs: TRANSFER_IN_MS_MAX,
};

export interface FetchOrder extends StreamServer {
  readonly apex: Name;
  readonly key: TsigKey | undefined;
  /** What is here: then only the difference is asked for. */
  readonly known: KnownSoa | undefined;
  /** Seconds since 1970. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  /** Memory for so many more records; there is enough unless given. */
  readonly reserve?: Reserve;
  readonly limits?: FetchLimits;
  /** Where the messages of a large zone wait; in memory, as records, unless given. */
  readonly folder?: string | undefined;
}

/** A large transfer whose records have not been read. The receiver closes it. */
export interface StoredZone {
  readonly kind: 'stored';
  /** Else the whole zone. */
  readonly isDifferences: boolean;
  readonly serial: Serial;
  readonly messages: StoredMessages;
  readonly close: () => void;
}

export interface Fetched {
  readonly received: Received | StoredZone;
  /** Seconds until the zone expires at the primary, when it says so (RFC 7314). */
  readonly expireSeconds: number | undefined;
  readonly messages: number;
  readonly bytes: number;
}

/** Words that follow the primary's address. `isAnswer`: it did answer, so that another question may do. */
export interface FetchFailure {
  readonly failure: string;
  readonly isAnswer: boolean;
  /** No fault of the primary: there is no memory for it beside other transfers now. */
  readonly isPostponed?: true;
}

/** Never rejects. */
export function fetchZone(order: FetchOrder): Promise<Fetched | FetchFailure> {
  const { signal, tls, limits = FETCH_LIMITS } = order;
  const { promise, resolve } = Promise.withResolvers<Fetched | FetchFailure>();
  const exchange = new TransferExchange(order, limits);
  let hasEnded = false;
  const end = (result: Fetched | FetchFailure): void => {
    hasEnded = true;
    for (const timer of [total, idle]) clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    socket.removeAllListeners().on('error', () => {});
    socket.destroy();
    if ('failure' in result) exchange.stored?.close();
    resolve(result);
  };
  const fail = (failure: string, isAnswer = false): void => end({ failure, isAnswer });
  const stop = (): void => fail('was not waited for: the server stops');
  const late = (what: string, ms: number): NodeJS.Timeout => setTimeout(() => fail(what), ms);
  const total = late('takes too long for the transfer', limits.totalMs);
  let idle = late(`does not answer over ${tls === undefined ? 'TCP' : 'TLS'}`, limits.connectMs);
  const wait = (): void => {
    clearTimeout(idle);
    idle = late('stops sending before the end', limits.idleMs);
  };
  const socket = openDnsStream(order, {
    failed: (failure) => fail(failure),
    ready() {
      wait();
      socket.write(framed(exchange.request));
    },
    take(chunk) {
      wait();
      const result = takeOrFail(exchange, chunk);
      const { stored } = exchange;
      const isOver = result !== undefined && !('failure' in result);
      if (stored === undefined || !(isOver || (result === undefined && exchange.isToFlush))) {
        if (result !== undefined) end(result);
        return;
      }
      clearTimeout(idle);
      socket.pause();
      // All is here: that the primary closes the connection, however it does, means nothing any more.
      if (isOver) socket.removeAllListeners().on('error', () => {});
      const goOn = (): void => {
        if (hasEnded) return;
        if (result !== undefined) return end(result);
        wait();
        socket.resume();
      };
      stored.flush().then(goOn, (error: unknown) => fail(notStored(error)));
    },
  });
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  return promise;
}

/** A disk that is full fails the transfer, and nothing else. */
function takeOrFail(exchange: TransferExchange, chunk: Buffer): Fetched | FetchFailure | undefined {
  try {
    return exchange.take(chunk);
  } catch (error) {
    return { failure: notStored(error), isAnswer: false };
  }
}

function notStored(error: unknown): string {
  return `sends a large zone that could not be stored: ${error instanceof Error ? error.message : String(error)}`;
}

/** What is said in one connection. */
class TransferExchange {
  readonly request: Uint8Array;
  readonly #order: FetchOrder;
  readonly #limits: FetchLimits;
  readonly #asked: { readonly id: number; readonly apex: Name; readonly type: number };
  readonly #verifier: TsigStreamVerifier | undefined;
  readonly #incoming: IncomingTransfer;
  readonly #since: Serial | undefined;
  #unread: Buffer = Buffer.alloc(0);
  /** All that came, while it may become a large zone. */
  #chunks: Buffer[] | undefined;
  #messages = 0;
  #bytes = 0;
  /** Octets of the messages that were read. */
  #readBytes = 0;
  /** There when the zone is large. */
  stored: StoredTransfer | undefined;
  /** No more should come before what is stored is in its file. */
  isToFlush = false;
  #expireSeconds: number | undefined;

  constructor(order: FetchOrder, limits: FetchLimits) {
    const { apex, key, known, now } = order;
    this.#order = order;
    this.#limits = limits;
    this.#chunks = order.folder === undefined ? undefined : [];
    this.#asked = { id: randomInt(0x1_0000), apex, type: known === undefined ? TYPE.AXFR : TYPE.IXFR };
    const { message, mac } = signedRequest(writeTransferRequest(this.#asked, known), key, now());
    this.request = message;
    if (key !== undefined && mac !== undefined) this.#verifier = new TsigStreamVerifier(key, mac);
    this.#since = known === undefined ? undefined : soaSerial(known.rdata);
    this.#incoming = new IncomingTransfer({ apex, since: this.#since, recordsMax: limits.recordsMax });
  }

  /** Octets as they come; undefined: more are needed. */
  take(chunk: Buffer): Fetched | FetchFailure | undefined {
    this.#bytes += chunk.length;
    const { bytesMax } = this.#limits;
    if (this.#bytes > bytesMax) return { failure: `sends more than ${bytesMax} octets`, isAnswer: false };
    this.#chunks?.push(chunk);
    this.isToFlush = this.stored?.add(chunk) === true;
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    let at = 0;
    while (this.#unread.length - at >= 2) {
      const length = this.#unread.readUInt16BE(at);
      if (this.#unread.length < at + 2 + length) break;
      // Plain octets: what is read of them is copied, and does not keep the whole chunk.
      const { buffer, byteOffset } = this.#unread;
      this.#readBytes += 2 + length;
      const result = this.#takeMessage(new Uint8Array(buffer, byteOffset + at + 2, length));
      if (result !== undefined) return result;
      at += 2 + length;
    }
    this.#unread = this.#unread.subarray(at);
    if (this.#chunks !== undefined && this.#bytes >= TRANSFER_IN_APART_BYTES_MIN) this.#store(this.#chunks);
    return undefined;
  }

  /** From now on no more is read of it than where it ends. Throws the system's error. */
  #store(chunks: readonly Buffer[]): void {
    this.#chunks = undefined;
    const { folder } = this.#order;
    if (folder === undefined || this.#incoming.serial === undefined) return;
    this.stored = new StoredTransfer(folder);
    for (const chunk of chunks) this.stored.add(chunk);
    this.isToFlush = true;
  }

  #takeMessage(octets: Uint8Array): Fetched | FetchFailure | undefined {
    const isFirst = this.#messages === 0;
    this.#messages += 1;
    if (this.stored !== undefined) return this.#takeFramed(octets, this.stored);
    const read = readTransferMessage(octets, this.#asked, isFirst);
    const wrong = this.#wrongWith(octets, 'failure' in read ? read : read.message);
    if (wrong !== undefined) return wrong;
    if ('failure' in read) return answered(read.failure);
    const { records, expireSeconds } = read.message;
    this.#expireSeconds ??= expireSeconds;
    const full = this.#reserve(records.length);
    if (full !== undefined) return full;
    const misfit = this.#incoming.take(records);
    if (misfit !== undefined) return answered(misfit);
    const received = this.#incoming.result;
    return received === undefined ? undefined : this.#fetched(received);
  }

  /** A message of a transfer that is stored: its SOA records say where it ends. */
  #takeFramed(octets: Uint8Array, stored: StoredTransfer): Fetched | FetchFailure | undefined {
    const read = frameTransferMessage(octets, this.#asked, false);
    const wrong = this.#wrongWith(octets, 'failure' in read ? read : read.message);
    if (wrong !== undefined) return wrong;
    if ('failure' in read) return answered(read.failure);
    const { sections, soaCount } = read.message;
    const full = this.#reserve(sections.length);
    if (full !== undefined) return full;
    this.#expireSeconds ??= read.message.expireSeconds;
    if (soaCount === 0) return undefined;
    const soas = recordsOfType(octets, read.message, TYPE.SOA);
    const misfit = typeof soas === 'string' ? soas : this.#incoming.take(soas);
    if (misfit !== undefined) return answered(misfit);
    const { result } = this.#incoming;
    if (result === undefined) return undefined;
    const messages = { file: stored.file, bytes: this.#readBytes, asked: this.#asked, since: this.#since };
    const { serial, kind } = result;
    const isDifferences = kind === 'differences';
    return this.#fetched({ kind: 'stored', isDifferences, serial, messages, close: () => stored.close() });
  }

  /** What is against the message as a whole. */
  #wrongWith(
    octets: Uint8Array,
    read: { readonly failure?: string; readonly tsigAt?: number; readonly isTruncated?: boolean },
  ): FetchFailure | undefined {
    const { failure, tsigAt = 0, isTruncated } = read;
    const forged =
      tsigAt === 0 && failure !== undefined ? undefined : this.#verifier?.take(octets, tsigAt, this.#order.now());
    if (forged !== undefined) return answered(forged);
    return isTruncated === true ? answered('sends a truncated message') : undefined;
  }

  #reserve(records: number): FetchFailure | undefined {
    const memory = this.#order.reserve?.(records) ?? 'taken';
    if (memory === 'too-many') return answered('sends more records than there is memory for all transfers');
    if (memory !== 'busy') return undefined;
    return { failure: 'has to wait for memory that other transfers have', isAnswer: false, isPostponed: true };
  }

  #fetched(received: Fetched['received']): Fetched | FetchFailure {
    if (this.#verifier?.isSigned === false) return answered('does not sign the last message');
    return { received, expireSeconds: this.#expireSeconds, messages: this.#messages, bytes: this.#bytes };
  }
}

function answered(failure: string): FetchFailure {
  return { failure, isAnswer: true };
}
