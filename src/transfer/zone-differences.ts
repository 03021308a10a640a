/**
 * What changed in a zone since a secondary's serial, from the journal.
 * Implements: RFC 1995 §4 (the new SOA; for each version the old SOA, what was deleted, the newer SOA, what was added;
 * the new SOA again), §2 (where the way back is not known, the whole zone).
 * Not here: the messages (stream-message.ts).
 */
import { IXFR_CHANGESETS_MAX, IXFR_LOOK_ENTRIES } from '#base/limits/transfer.ts';
import { type MessageWriter, SECTION } from '#answer/write/writer.ts';
import { type Rrset } from '#dns/rrset.ts';
import { type Serial } from '#dns/serial.ts';
import { type HeldSnapshot } from '#store/snapshots.ts';
import { OWNER_OFFSET, directoryOffset, encodeNode } from '#store/node-codec.ts';
import { decodeChangeset } from '#zone/changeset-codec.ts';
import { type RecordSource, putSoa } from './zone-content.ts';

/** Store generations of the changesets that lead from one serial to another, oldest first. */
export interface WayBack {
  readonly revisions: readonly number[];
  /** Octets of them. */
  readonly bytes: number;
}

/** The way from serial `from` to `to` in the zone's journal; undefined when it is not kept, or too long. */
export function findWayBack(snapshot: HeldSnapshot, zoneId: number, from: Serial, to: Serial): WayBack | undefined {
  const revisions: number[] = [];
  let serial = to;
  let bytes = 0;
  let before: number | undefined;
  while (revisions.length < IXFR_CHANGESETS_MAX) {
    const entries = snapshot.journal(zoneId, IXFR_LOOK_ENTRIES, before);
    for (const { revision, fromSerial, toSerial, changeset, sizeBytes } of entries) {
      before = revision;
      // A zone that was made anew, or restored, begins with a changeset from nothing: no way leads past it.
      if (toSerial !== serial || changeset === undefined || fromSerial === 0) return undefined;
      revisions.push(revision);
      bytes += sizeBytes;
      serial = fromSerial;
      if (serial === from) return { revisions: revisions.toReversed(), bytes };
    }
    if (entries.length < IXFR_LOOK_ENTRIES) return undefined;
  }
  return undefined;
}

/** One changeset is read at a time. */
export class ZoneDifferences implements RecordSource {
  readonly #snapshot: HeldSnapshot;
  readonly #zoneId: number;
  readonly #apex: Uint8Array;
  readonly #revisions: readonly number[];
  #next = 0;
  /** Of the changeset that is being sent, as nodes. */
  #pending: readonly Rrset[] = [];
  #sent = 0;
  #hasBegun = false;
  #isDone = false;

  constructor(snapshot: HeldSnapshot, zoneId: number, apex: Uint8Array, { revisions }: WayBack) {
    this.#snapshot = snapshot;
    this.#zoneId = zoneId;
    this.#apex = apex;
    this.#revisions = revisions;
  }

  fill(writer: MessageWriter): boolean {
    if (!this.#hasBegun) this.#hasBegun = putSoa(writer, this.#apex);
    while (this.#hasBegun && !this.#isDone) {
      const rrset = this.#pending[this.#sent];
      if (rrset !== undefined) {
        if (!putRrset(writer, rrset)) return false;
        this.#sent += 1;
      } else if (this.#next < this.#revisions.length) this.#read(this.#revisions[this.#next++]!);
      else if (putSoa(writer, this.#apex)) this.#isDone = true;
      else return false;
    }
    return this.#isDone;
  }

  #read(revision: number): void {
    const [entry] = this.#snapshot.journal(this.#zoneId, 1, revision + 1);
    const { deleted, added } = decodeChangeset(entry!.changeset!);
    this.#pending = [...deleted, ...added];
    this.#sent = 0;
  }
}

function putRrset(writer: MessageWriter, { owner, type, ttl, rdatas }: Rrset): boolean {
  const node = encodeNode({ key: '', owner, rrsets: [{ type, ttl, rdatas, signatures: [], manager: 'manual' }] }, 0);
  return writer.putRrset(SECTION.ANSWER, node, OWNER_OFFSET, node, directoryOffset(node), ttl, false);
}
