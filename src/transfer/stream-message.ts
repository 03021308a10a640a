/**
 * The messages of one transfer: each is begun, filled and ended the same way, whatever is in it.
 * Implements: RFC 5936 §2.2 (header and question; OPT in every message of an answer to a query with OPT, §2.2.5),
 * RFC 8945 §5.3.1 (every message is signed), RFC 7314 §3 (EXPIRE, in the first).
 */
import { assert } from '#base/assert.ts';
import { TRANSFER_MESSAGE_BYTES, TRANSFER_TAIL_BYTES } from '#base/limits/transfer.ts';
import { type MessageWriter, SECTION } from '#answer/write/writer.ts';
import { EXPIRE_ANSWER_BYTES, OPT_BYTES, lengthenOpt, writeExpire, writeOpt } from '#dns/edns.ts';
import { type QueryHead, writeHeader } from '#dns/message.ts';
import { RCODE } from '#dns/types.ts';
import { type TsigSigner } from '#dns/tsig/sign.ts';

const NO_EDE = -1;

export interface StreamMessageOptions {
  /** Shared by all streams of a thread: a message is made in one call. */
  readonly writer: MessageWriter;
  /** The query that is answered; copies. */
  readonly query: Uint8Array;
  readonly head: Readonly<QueryHead>;
  readonly signer: TsigSigner | undefined;
  /** For a client that asks when the zone expires. */
  readonly expireSeconds: number | undefined;
  /** Seconds since 1970. */
  readonly now: () => number;
}

export class StreamMessages {
  readonly #options: StreamMessageOptions;
  /** Messages made. */
  count = 0;
  /** Octets of them. */
  bytes = 0;

  constructor(options: StreamMessageOptions) {
    this.#options = options;
  }

  /** Begins a message of at most `limit` octets in `out`; absent: one of many, with as much in it as others have. */
  begin(out: Uint8Array, limit?: number): MessageWriter {
    const { writer, query, head, signer } = this.#options;
    const own = (signer?.bytes ?? 0) + (head.edns ? OPT_BYTES + EXPIRE_ANSWER_BYTES : 0);
    const end = limit ?? Math.min(TRANSFER_MESSAGE_BYTES, out.length);
    const behind = limit === undefined ? Math.max(own, TRANSFER_TAIL_BYTES) : own;
    assert(end <= out.length, 'a message longer than its buffer');
    // The question is in the first message only (RFC 5936 §2.2.2).
    writer.begin(out, end - behind, query, this.count === 0 ? head.questionLength : 0);
    return writer;
  }

  /** Ends the message that was begun in `out`, and returns its length. */
  end(out: Uint8Array): number {
    const { writer, head, signer, now, expireSeconds } = this.#options;
    let end = writer.at;
    if (head.edns) {
      const opt = end;
      end = writeOpt(out, opt, RCODE.NOERROR, head.dnssecOk, NO_EDE);
      if (expireSeconds !== undefined && this.count === 0) {
        end = writeExpire(out, end, expireSeconds);
        lengthenOpt(out, opt, EXPIRE_ANSWER_BYTES);
      }
    }
    writeHeader(out, head, RCODE.NOERROR, true, false);
    const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
    if (this.count > 0) view.setUint16(4, 0);
    view.setUint16(6, writer.counts[SECTION.ANSWER]!);
    view.setUint16(8, 0);
    view.setUint16(10, head.edns ? 1 : 0);
    if (signer !== undefined) end = signer.sign(out, end, now());
    this.count += 1;
    this.bytes += end;
    return end;
  }
}
