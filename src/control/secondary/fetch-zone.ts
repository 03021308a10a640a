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
import { type KnownSoa, readTransferMessage, writeTransferRequest } from '#transfer/incoming-message.ts';
import { type StreamServer, framed, openDnsStream } from '#control/outside/dns-stream.ts';
import { type Reserve } from './places.ts';
import { IncomingTransfer, type Received } from '#transfer/incoming-transfer.ts';

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
}

export interface Fetched {
  readonly received: Received;
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
  const end = (result: Fetched | FetchFailure): void => {
    for (const timer of [total, idle]) clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    socket.removeAllListeners().on('error', () => {});
    socket.destroy();
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
      const result = exchange.take(chunk);
      if (result !== undefined) end(result);
    },
  });
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  return promise;
}

/** What is said in one connection. */
class TransferExchange {
  readonly request: Uint8Array;
  readonly #order: FetchOrder;
  readonly #limits: FetchLimits;
  readonly #asked: { readonly id: number; readonly apex: Name; readonly type: number };
  readonly #verifier: TsigStreamVerifier | undefined;
  readonly #incoming: IncomingTransfer;
  #unread: Buffer = Buffer.alloc(0);
  #messages = 0;
  #bytes = 0;
  #expireSeconds: number | undefined;

  constructor(order: FetchOrder, limits: FetchLimits) {
    const { apex, key, known, now } = order;
    this.#order = order;
    this.#limits = limits;
    this.#asked = { id: randomInt(0x1_0000), apex, type: known === undefined ? TYPE.AXFR : TYPE.IXFR };
    const { message, mac } = signedRequest(writeTransferRequest(this.#asked, known), key, now());
    this.request = message;
    if (key !== undefined && mac !== undefined) this.#verifier = new TsigStreamVerifier(key, mac);
    const since = known === undefined ? undefined : soaSerial(known.rdata);
    this.#incoming = new IncomingTransfer({ apex, since, recordsMax: limits.recordsMax });
  }

  /** Octets as they come; undefined: more are needed. */
  take(chunk: Buffer): Fetched | FetchFailure | undefined {
    this.#bytes += chunk.length;
    const { bytesMax } = this.#limits;
    if (this.#bytes > bytesMax) return { failure: `sends more than ${bytesMax} octets`, isAnswer: false };
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    let at = 0;
    while (this.#unread.length - at >= 2) {
      const length = this.#unread.readUInt16BE(at);
      if (this.#unread.length < at + 2 + length) break;
      // Plain octets: what is read of them is copied, and does not keep the whole chunk.
      const { buffer, byteOffset } = this.#unread;
      const result = this.#takeMessage(new Uint8Array(buffer, byteOffset + at + 2, length));
      if (result !== undefined) return result;
      at += 2 + length;
    }
    this.#unread = this.#unread.subarray(at);
    return undefined;
  }

  #takeMessage(octets: Uint8Array): Fetched | FetchFailure | undefined {
    const answer = (failure: string): FetchFailure => ({ failure, isAnswer: true });
    const read = readTransferMessage(octets, this.#asked, this.#messages === 0);
    this.#messages += 1;
    const at = 'failure' in read ? (read.tsigAt ?? 0) : read.message.tsigAt;
    const forged = at === 0 && 'failure' in read ? undefined : this.#verifier?.take(octets, at, this.#order.now());
    if (forged !== undefined) return answer(forged);
    if ('failure' in read) return answer(read.failure);
    const { records, isTruncated, expireSeconds } = read.message;
    if (isTruncated) return answer('sends a truncated message');
    this.#expireSeconds ??= expireSeconds;
    const memory = this.#order.reserve?.(records.length) ?? 'taken';
    if (memory === 'too-many') return answer('sends more records than there is memory for all transfers');
    if (memory === 'busy')
      return { failure: 'has to wait for memory that other transfers have', isAnswer: false, isPostponed: true };
    const wrong = this.#incoming.take(records);
    if (wrong !== undefined) return answer(wrong);
    const received = this.#incoming.result;
    if (received === undefined) return undefined;
    if (this.#verifier?.isSigned === false) return answer('does not sign the last message');
    return { received, expireSeconds: this.#expireSeconds, messages: this.#messages, bytes: this.#bytes };
  }
}
