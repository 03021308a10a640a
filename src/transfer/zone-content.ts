/**
 * A whole zone as a stream of messages, from one snapshot of the store.
 * Implements: RFC 5936 §2.2 (the SOA first and last, all else once, in any order), §3.2–3.4 (glue and names below
 * cuts too, as they are stored).
 * Not here: who may have it (answers.ts), differences (zone-differences.ts).
 */
import { assert } from '#base/assert.ts';
import { NODE_KEY_BYTES_MAX } from '#base/limits/store.ts';
import { TRANSFER_MESSAGE_BYTES } from '#base/limits/transfer.ts';
import { type MessageWriter, SECTION } from '#answer/write/writer.ts';
import { TYPE } from '#dns/types.ts';
import { type WalkedName } from '#store/walk/node-walk.ts';
import { type HeldSnapshot } from '#store/snapshots.ts';
import {
  ENTRY_BYTES,
  OWNER_OFFSET,
  bodyOffset,
  directoryOffset,
  entryBodyBytes,
  entrySignatures,
  entryTtl,
  entryType,
  findEntry,
  rrsetCount,
} from '#store/node-codec.ts';
import { HEADER_BYTES } from '#dns/message.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type SharedMessages } from './shared-messages.ts';
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
  readonly #shared: SharedMessages;
  /** The first part of all places in it. */
  readonly #version: string;
  #part: number = PART.FIRST;
  /** Key of the node that is not in, or not whole, as it is stored; `#fromLength` 0: all are to come. */
  readonly #from = Buffer.alloc(NODE_KEY_BYTES_MAX);
  #fromLength = 0;
  /** RRsets of it that are in. */
  #rrsets = 0;

  /** `apex` is the apex's node as it is stored, `zone` as it is in the snapshot. */
  constructor(
    snapshot: HeldSnapshot,
    zone: Pick<ZoneRecord, 'id' | 'revision'>,
    apex: Uint8Array,
    shared: SharedMessages,
  ) {
    this.#snapshot = snapshot;
    this.#zoneId = zone.id;
    this.#version = `${zone.id} ${zone.revision}`;
    this.#apex = apex;
    this.#shared = shared;
    shared.begin(this.#version);
  }

  fill(writer: MessageWriter): boolean {
    // A question before the records is in the spelling of the client.
    if (writer.at !== HEADER_BYTES || !this.#shared.isShared(this.#version)) return this.#make(writer);
    const place = this.#place();
    const known = this.#shared.find(place);
    if (known !== undefined && writer.putSection(known.octets, known.length, known.records)) {
      this.#moveTo(known.next);
      return this.#part === PART.DONE;
    }
    const isDone = this.#make(writer);
    const records = writer.counts[SECTION.ANSWER]!;
    const isUsual = writer.at <= TRANSFER_MESSAGE_BYTES;
    if (known === undefined && records > 0 && isUsual)
      this.#shared.keep(place, writer.out.subarray(HEADER_BYTES, writer.at), records, this.#place());
    return isDone;
  }

  /** Where the next message begins. */
  #place(): string {
    const from = this.#from.toString('latin1', 0, this.#fromLength);
    return `${this.#version} ${this.#part} ${this.#rrsets} ${from}`;
  }

  #moveTo(place: string): void {
    const [, , part, rrsets] = place.split(' ', 4);
    [this.#part, this.#rrsets] = [Number(part), Number(rrsets)];
    const from = place.slice(`${this.#version} ${part} ${rrsets} `.length);
    this.#fromLength = this.#from.write(from, 'latin1');
  }

  #make(writer: MessageWriter): boolean {
    if (this.#part === PART.FIRST && putSoa(writer, this.#apex)) this.#part = PART.NODES;
    if (this.#part === PART.NODES && this.#putNodes('nodes', writer)) this.#part = PART.HASHED;
    // NSEC3 records stand beside the names that they are hashes of.
    if (this.#part === PART.HASHED && this.#putNodes('hashed', writer)) this.#part = PART.LAST;
    if (this.#part === PART.LAST && putSoa(writer, this.#apex)) this.#part = PART.DONE;
    return this.#part === PART.DONE;
  }

  /** True when all nodes are in. */
  #putNodes(name: WalkedName, writer: MessageWriter): boolean {
    const from = this.#fromLength === 0 ? undefined : this.#from.subarray(0, this.#fromLength);
    let isFull = false;
    this.#snapshot.walk(name, this.#zoneId, from, (node) => {
      isFull = !this.#putNode(writer, node);
      return !isFull;
    });
    this.#fromLength = isFull ? this.#snapshot.copyWalkedKey(name, this.#from) : 0;
    return !isFull;
  }

  /** False when something of it did not fit. */
  #putNode(writer: MessageWriter, node: Uint8Array): boolean {
    const count = rrsetCount(node);
    let entry = directoryOffset(node) + ENTRY_BYTES * this.#rrsets;
    let body = bodyOffset(node, entry);
    let owner = 0;
    for (; this.#rrsets < count; this.#rrsets++, entry += ENTRY_BYTES) {
      if (entryType(node, entry) === TYPE.SOA) {
        // The SOA itself is the first record and the last; its signatures are records as all others.
        if (!putSignatures(writer, node, entry, entryTtl(node, entry))) return false;
      } else {
        owner = writer.putStored(node, entry, body, owner);
        if (owner < 0) return false;
      }
      body += entryBodyBytes(node, entry);
    }
    this.#rrsets = 0;
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
