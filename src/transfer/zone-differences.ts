/**
 * What changed in a zone since a secondary's serial, from the journal.
 * Implements: RFC 1995 §4 (the new SOA; for each version the old SOA, what was deleted, the newer SOA, what was added;
 * the new SOA again), §2 (where the way back is not known, or longer than the zone, the whole zone), §5 (condensed).
 * Not here: the messages (stream-message.ts).
 */
import {
  IXFR_CHANGESETS_MAX,
  IXFR_CONDENSED_BYTES_MAX,
  IXFR_CONDENSED_CHANGESETS_MIN,
  IXFR_LOOK_ENTRIES,
  ZONE_SIZE_NODES,
} from '#base/limits/transfer.ts';
import { type MessageWriter, SECTION } from '#answer/write/writer.ts';
import { type Rrset } from '#dns/rrset.ts';
import { type Serial } from '#dns/serial.ts';
import { type HeldSnapshot } from '#store/snapshots.ts';
import { OWNER_OFFSET, directoryOffset, encodeNode } from '#store/node-codec.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type Changeset } from '#zone/changeset.ts';
import { condense } from './condense.ts';
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

/**
 * The way to `to`, if it is worth going: not when the differences are larger than the zone, which is then sent whole.
 * One that is long is made one step (RFC 1995 §5).
 */
export function findDifferences(
  snapshot: HeldSnapshot,
  zone: Pick<ZoneRecord, 'id' | 'nodeCount'>,
  from: Serial,
  to: Serial,
): Differences | undefined {
  const way = findWayBack(snapshot, zone.id, from, to);
  if (way === undefined) return undefined;
  const { revisions, bytes } = way;
  const isLong = revisions.length >= IXFR_CONDENSED_CHANGESETS_MIN && bytes <= IXFR_CONDENSED_BYTES_MAX;
  const zoneBytes = estimateZoneBytes(snapshot, zone);
  const steps = readEach(snapshot, zone.id, revisions);
  if (!isLong) return bytes > zoneBytes ? undefined : { steps, isCondensed: false };
  const condensed = condense(steps);
  return sizeOf(condensed) > zoneBytes ? undefined : { steps: [condensed], isCondensed: true };
}

export interface Differences {
  /** Oldest first; each is read when it is needed. */
  readonly steps: Iterable<Pick<Changeset, 'deleted' | 'added'>>;
  readonly isCondensed: boolean;
}

function* readEach(snapshot: HeldSnapshot, zoneId: number, revisions: readonly number[]): Generator<Changeset> {
  for (const revision of revisions) {
    const [entry] = snapshot.journal(zoneId, 1, revision + 1);
    yield decodeChangeset(entry!.changeset!);
  }
}

/** By some of its nodes: names are of one kind, mostly. */
function estimateZoneBytes(snapshot: HeldSnapshot, { id, nodeCount }: Pick<ZoneRecord, 'id' | 'nodeCount'>): number {
  let bytes = 0;
  const shown = snapshot.readNodes(id, undefined, ZONE_SIZE_NODES, (_, node) => {
    bytes += node.length;
    return true;
  });
  return shown === 0 ? 0 : (bytes / shown) * Math.max(nodeCount, shown);
}

function sizeOf({ deleted, added }: Pick<Changeset, 'deleted' | 'added'>): number {
  let bytes = 0;
  for (const { owner, rdatas } of [...deleted, ...added])
    for (const rdata of rdatas) bytes += owner.length + RECORD_HEAD_BYTES + rdata.length;
  return bytes;
}

/** Type, class, TTL and length. */
const RECORD_HEAD_BYTES = 10;

export class ZoneDifferences implements RecordSource {
  readonly #apex: Uint8Array;
  readonly #steps: Iterator<Pick<Changeset, 'deleted' | 'added'>>;
  /** Of the step that is being sent. */
  #pending: readonly Rrset[] = [];
  #sent = 0;
  #hasBegun = false;
  #isLast = false;
  #isDone = false;

  constructor(apex: Uint8Array, { steps }: Differences) {
    this.#apex = apex;
    this.#steps = steps[Symbol.iterator]();
  }

  fill(writer: MessageWriter): boolean {
    if (!this.#hasBegun) this.#hasBegun = putSoa(writer, this.#apex);
    while (this.#hasBegun && !this.#isDone) {
      const rrset = this.#pending[this.#sent];
      if (rrset !== undefined) {
        if (!putRrset(writer, rrset)) return false;
        this.#sent += 1;
      } else if (!this.#isLast) this.#next();
      else if (putSoa(writer, this.#apex)) this.#isDone = true;
      else return false;
    }
    return this.#isDone;
  }

  #next(): void {
    const { value, done } = this.#steps.next();
    this.#isLast = done === true;
    this.#pending = done === true ? [] : [...value.deleted, ...value.added];
    this.#sent = 0;
  }
}

function putRrset(writer: MessageWriter, { owner, type, ttl, rdatas }: Rrset): boolean {
  const node = encodeNode({ key: '', owner, rrsets: [{ type, ttl, rdatas, signatures: [], manager: 'manual' }] }, 0);
  return writer.putRrset(SECTION.ANSWER, node, OWNER_OFFSET, node, directoryOffset(node), ttl, false);
}
