/**
 * Messages of whole zones that were made for one client, for others that want the same version of the same zone: after
 * a change, all secondaries come at the same time. What is kept is the answer section, which is the same for all of
 * them; header, question, OPT and signature are each client's own.
 * A message is found by where it begins: a version of a zone, and the record in it. So clients may be at any place, and
 * one that has left the others behind, or was left, has its messages made.
 * Not here: what is in them (zone-content.ts), what is around it (stream-message.ts).
 */
import { assert } from '#base/assert.ts';
import { TRANSFER_MESSAGE_BYTES, TRANSFER_SHARED_MESSAGES_MAX } from '#base/limits/transfer.ts';

/** Memory is taken for so many at once: for each alone, the collector would run once a megabyte. */
const SLAB_BYTES = 64 * TRANSFER_MESSAGE_BYTES;
const NO_OCTETS = new Uint8Array(0);

/** The answer section of one message without a question. */
export interface SharedMessage {
  /** TRANSFER_MESSAGE_BYTES, of which `length` are filled. */
  readonly octets: Uint8Array;
  readonly length: number;
  readonly records: number;
  /** Where the next message begins. */
  readonly next: string;
}

export class SharedMessages {
  /** By where they begin, least recently used first. */
  readonly #messages = new Map<string, SharedMessage>();
  /** Memory that was taken and has no message yet. */
  #slab: Uint8Array = NO_OCTETS;

  /** How many clients have begun with each version since the last `clear`. */
  readonly #clients = new Map<string, number>();

  /** One more client wants this version of a zone. */
  begin(version: string): void {
    if (this.#clients.size >= TRANSFER_SHARED_MESSAGES_MAX) this.#clients.clear();
    this.#clients.set(version, (this.#clients.get(version) ?? 0) + 1);
  }

  /** True when messages of it are worth keeping: for one client alone, the memory costs more than it saves. */
  isShared(version: string): boolean {
    return (this.#clients.get(version) ?? 0) > 1;
  }

  /** The message that begins at `place`; its octets are good until the next `keep`. */
  find(place: string): SharedMessage | undefined {
    const found = this.#messages.get(place);
    if (found === undefined) return undefined;
    this.#messages.delete(place);
    this.#messages.set(place, found);
    return found;
  }

  /** Keeps a copy of `octets`; the message that was not used for the longest time makes space for it. */
  keep(place: string, octets: Uint8Array, records: number, next: string): void {
    assert(octets.length <= TRANSFER_MESSAGE_BYTES, 'a shared message longer than others');
    const kept = (this.#messages.get(place) ?? this.#oldest())?.octets ?? this.#newOctets();
    kept.set(octets);
    this.#messages.set(place, { octets: kept, length: octets.length, records, next });
  }

  /** Gives all memory back. */
  clear(): void {
    this.#messages.clear();
    this.#clients.clear();
    this.#slab = NO_OCTETS;
  }

  /** For one more message. */
  #newOctets(): Uint8Array {
    if (this.#slab.length === 0) this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    const octets = this.#slab.subarray(0, TRANSFER_MESSAGE_BYTES);
    this.#slab = this.#slab.subarray(TRANSFER_MESSAGE_BYTES);
    return octets;
  }

  /** Takes the oldest away when there are as many as may be. */
  #oldest(): SharedMessage | undefined {
    if (this.#messages.size < TRANSFER_SHARED_MESSAGES_MAX) return undefined;
    for (const [place, message] of this.#messages) {
      this.#messages.delete(place);
      return message;
    }
    return undefined;
  }
}
