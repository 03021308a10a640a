/**
 * A whole zone as a stream of messages, from one snapshot of the store.
 * Implements: RFC 5936 §2.2 (the SOA first and last, all else once, in any order), §3.2–3.4 (glue and names below
 * cuts too, as they are stored).
 * Not here: who may have it (answers.ts), differences (zone-differences.ts).
 */
import { assert } from '#base/assert.ts';
import { NODE_KEY_BYTES_MAX } from '#base/limits/store.ts';
import { TRANSFER_NODES_PER_LOOK } from '#base/limits/transfer.ts';
import { type MessageWriter, SECTION } from '#answer/write/writer.ts';
import { TYPE } from '#dns/types.ts';
import { type HeldSnapshot, NODE_KEY_ZONE_BYTES, type WantNode } from '#store/snapshots.ts';
import {
  ENTRY_BYTES,
  OWNER_OFFSET,
  directoryOffset,
  entrySignatures,
  entryTtl,
  entryType,
  findEntry,
  rrsetCount,
} from '#store/node-codec.ts';
import { type StreamMessages } from './stream-message.ts';

/** Where the records of a message come from: each call fills one message; true when there is nothing left. */
export interface RecordSource {
  fill(writer: MessageWriter): boolean;
}

const PART = { FIRST: 0, NODES: 1, HASHED: 2, LAST: 3, DONE: 4 } as const;

export class ZoneContent implements RecordSource {
  readonly #snapshot: HeldSnapshot;
  readonly #zoneId: number;
  readonly #apex: Uint8Array;
  #part: number = PART.FIRST;
  /** Key of the last node that is in, as it is stored; `#afterLength` 0 before the first. */
  readonly #after = new Uint8Array(NODE_KEY_BYTES_MAX);
  #afterLength = 0;
  /** RRsets that are in of the node behind it. */
  #rrsets = 0;

  /** `apex` is the apex's node as it is stored. */
  constructor(snapshot: HeldSnapshot, zoneId: number, apex: Uint8Array) {
    this.#snapshot = snapshot;
    this.#zoneId = zoneId;
    this.#apex = apex;
  }

  fill(writer: MessageWriter): boolean {
    if (this.#part === PART.FIRST && putSoa(writer, this.#apex)) this.#part = PART.NODES;
    if (this.#part === PART.NODES && this.#putNodes(writer)) {
      this.#part = PART.HASHED;
      this.#afterLength = 0;
    }
    // NSEC3 records stand beside the names that they are hashes of.
    if (this.#part === PART.HASHED && this.#putNodes(writer)) this.#part = PART.LAST;
    if (this.#part === PART.LAST && putSoa(writer, this.#apex)) this.#part = PART.DONE;
    return this.#part === PART.DONE;
  }

  /** True when all nodes are in. */
  #putNodes(writer: MessageWriter): boolean {
    for (;;) {
      let isFull = false;
      const isFirst = this.#afterLength === 0;
      const after = isFirst ? undefined : this.#after.subarray(NODE_KEY_ZONE_BYTES, this.#afterLength);
      const put: WantNode = (key, node) => {
        isFull = !this.#putNode(writer, node);
        if (isFull) return false;
        this.#after.set(key);
        this.#afterLength = key.length;
        this.#rrsets = 0;
        return true;
      };
      const snapshot = this.#snapshot;
      const shown =
        this.#part === PART.NODES
          ? snapshot.readNodes(this.#zoneId, after, TRANSFER_NODES_PER_LOOK, put)
          : snapshot.readHashed(this.#zoneId, after, TRANSFER_NODES_PER_LOOK, put);
      if (isFull) return false;
      if (shown < TRANSFER_NODES_PER_LOOK) return true;
    }
  }

  /** False when something of it did not fit. */
  #putNode(writer: MessageWriter, node: Uint8Array): boolean {
    const count = rrsetCount(node);
    let entry = directoryOffset(node) + ENTRY_BYTES * this.#rrsets;
    for (; this.#rrsets < count; this.#rrsets++, entry += ENTRY_BYTES) {
      const ttl = entryTtl(node, entry);
      const isIn =
        entryType(node, entry) === TYPE.SOA
          ? // The SOA itself is the first record and the last; its signatures are records as all others.
            putSignatures(writer, node, entry, ttl)
          : writer.putRrset(SECTION.ANSWER, node, OWNER_OFFSET, node, entry, ttl, true);
      if (!isIn) return false;
    }
    return true;
  }
}

/** False when they do not fit. */
function putSignatures(writer: MessageWriter, node: Uint8Array, entry: number, ttl: number): boolean {
  if (entrySignatures(node, entry) === 0) return true;
  return writer.putSignatures(SECTION.ANSWER, node, OWNER_OFFSET, node, entry, ttl);
}

/** Puts the SOA of the apex's stored node, without signatures; false when it does not fit. */
export function putSoa(writer: MessageWriter, apex: Uint8Array): boolean {
  const soa = findEntry(apex, TYPE.SOA);
  assert(soa >= 0, 'a zone has a SOA');
  return writer.putRrset(SECTION.ANSWER, apex, OWNER_OFFSET, apex, soa, entryTtl(apex, soa), false);
}

/** Makes the next message of `source` in `out`; 0 when there is none. */
export function nextMessage(
  messages: StreamMessages,
  source: RecordSource,
  out: Uint8Array,
): { readonly length: number; readonly isLast: boolean } {
  let writer = messages.begin(out);
  let isLast = source.fill(writer);
  if (writer.counts[SECTION.ANSWER] === 0 && !isLast) {
    // An RRset that is longer than a message usually is.
    writer = messages.begin(out, out.length);
    isLast = source.fill(writer);
    // What no message holds is refused when it is to be stored.
    assert(writer.counts[SECTION.ANSWER]! > 0, 'an RRset that fits into no message');
  }
  return { length: messages.end(out), isLast };
}
