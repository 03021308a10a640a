/**
 * Cuts a TCP stream into DNS messages: two octets of length, then the message.
 * Implements: RFC 1035 §4.2.2, RFC 7766 §8 (the length may arrive in pieces; several messages may arrive together).
 * Memory is taken for octets that have come, never for octets that a length prefix promises.
 * Not here: what a message means, time limits.
 */
import { assert } from '#base/assert.ts';
import { MESSAGE_BYTES_MAX } from '#base/limits/dns.ts';
import { TCP_PIECES_BYTES_MIN } from '#base/limits/server.ts';

const EMPTY = new Uint8Array(0);

export class TcpFraming {
  /** What was pushed last, and how much of it has been used. */
  #chunk: Uint8Array = EMPTY;
  #used = 0;
  /** The beginning of a message (length prefix included) whose rest has not come yet. */
  #pieces: Uint8Array = EMPTY;
  #piecesLength = 0;

  /**
   * Takes `chunk`, which stays as it is until `next` returns undefined, or `keepUnread` is called. Only allowed once
   * `next` has returned undefined.
   */
  push(chunk: Uint8Array): void {
    assert(!this.unread, 'pushed before the last chunk was used up');
    this.#chunk = chunk;
    this.#used = 0;
  }

  /** The next whole message, possibly of no octets; undefined when more octets are needed. The array stays valid and unchanged. */
  next(): Uint8Array | undefined {
    if (this.#piecesLength > 0) return this.#completePieces();
    const left = this.#chunk.length - this.#used;
    if (left >= 2) {
      const length = lengthAt(this.#chunk, this.#used);
      if (left - 2 >= length) {
        const start = this.#used + 2;
        this.#used = start + length;
        return this.#chunk.subarray(start, this.#used);
      }
    }
    if (left > 0) this.#keep(left);
    this.#chunk = EMPTY;
    this.#used = 0;
    return undefined;
  }

  /** Copies what `next` has not looked at: the last chunk may change then. */
  keepUnread(): void {
    if (!this.unread) return;
    this.#chunk = new Uint8Array(this.#chunk.subarray(this.#used));
    this.#used = 0;
  }

  /** True when the last chunk has octets that `next` has not looked at. */
  get unread(): boolean {
    return this.#used < this.#chunk.length;
  }

  /** True when a message has begun that is not complete. Meaningful after `next` has returned undefined. */
  get partial(): boolean {
    return this.#piecesLength > 0;
  }

  #completePieces(): Uint8Array | undefined {
    if (this.#piecesLength < 2) this.#keep(2 - this.#piecesLength);
    if (this.#piecesLength < 2) return undefined;
    const whole = 2 + lengthAt(this.#pieces, 0);
    this.#keep(whole - this.#piecesLength);
    if (this.#piecesLength < whole) return undefined;
    const message = this.#pieces.subarray(2, whole);
    this.#pieces = EMPTY;
    this.#piecesLength = 0;
    return message;
  }

  /** Moves up to `count` octets from the chunk to the pieces. */
  #keep(count: number): void {
    const taken = Math.min(count, this.#chunk.length - this.#used);
    const needed = this.#piecesLength + taken;
    if (needed > this.#pieces.length) {
      // Doubling: a client that sends single octets makes us copy each only a few times.
      const grown = new Uint8Array(Math.min(Math.max(needed, 2 * this.#pieces.length, TCP_PIECES_BYTES_MIN), 2 + MESSAGE_BYTES_MAX));
      grown.set(this.#pieces.subarray(0, this.#piecesLength));
      this.#pieces = grown;
    }
    this.#pieces.set(this.#chunk.subarray(this.#used, this.#used + taken), this.#piecesLength);
    this.#piecesLength = needed;
    this.#used += taken;
  }
}

function lengthAt(octets: Uint8Array, at: number): number {
  return (octets[at]! << 8) | octets[at + 1]!;
}
