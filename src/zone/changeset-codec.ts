/**
 * A changeset as bytes, for the journal. Big-endian:
 *
 *   u8 format (1) · u32 fromSerial · u32 toSerial · zone name · u32 number of deleted RRsets · they · u32 number of added · they
 *   RRset: owner name · u16 type · u32 TTL · u16 records · each u16 RDLENGTH + RDATA
 */
import { assert } from '#base/assert.ts';
import { CHANGESET_STEP_RRSETS } from '#base/limits/changes.ts';
import { type Name, nameLengthAt } from '#dns/name.ts';
import { type Rrset } from '#dns/rrset.ts';
import { type Changeset } from './changeset.ts';

const FORMAT = 1;
/** Octets before the zone's name, and of a number of RRsets. */
const HEAD_BYTES = 9;
const COUNT_BYTES = 4;

/** The journal form of `changeset`. */
export function encodeChangeset(changeset: Changeset): Uint8Array {
  const { deleted, added } = changeset;
  const head = encodeChangesetHead(changeset, deleted.length);
  const bytes = new Uint8Array(head.length + rrsetsBytes(deleted) + COUNT_BYTES + rrsetsBytes(added));
  const view = new DataView(bytes.buffer);
  bytes.set(head);
  const addedAt = writeRrsets(bytes, head.length, deleted);
  view.setUint32(addedAt, added.length);
  writeRrsets(bytes, addedAt + COUNT_BYTES, added);
  return bytes;
}

/** How the journal form of a changeset begins that deletes so many RRsets: up to the first of them. */
function encodeChangesetHead({ zone, fromSerial, toSerial }: ChangesetHead, deletedCount: number): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + zone.length + COUNT_BYTES);
  const view = new DataView(bytes.buffer);
  bytes[0] = FORMAT;
  view.setUint32(1, fromSerial);
  view.setUint32(5, toSerial);
  bytes.set(zone, HEAD_BYTES);
  view.setUint32(HEAD_BYTES + zone.length, deletedCount);
  return bytes;
}

/** The journal form of a changeset that deletes nothing and adds so many RRsets: up to the first of them. */
export function encodeAdditionsHead(changeset: ChangesetHead, addedCount: number): Uint8Array {
  const head = encodeChangesetHead(changeset, 0);
  const bytes = new Uint8Array(head.length + COUNT_BYTES);
  bytes.set(head);
  new DataView(bytes.buffer).setUint32(head.length, addedCount);
  return bytes;
}

/** These RRsets as they stand in the journal form of a changeset. */
export function encodeRrsets(rrsets: readonly Rrset[]): Uint8Array {
  const bytes = new Uint8Array(rrsetsBytes(rrsets));
  writeRrsets(bytes, 0, rrsets);
  return bytes;
}

type ChangesetHead = Pick<Changeset, 'zone' | 'fromSerial' | 'toSerial'>;

/** Where the RRsets end. */
function writeRrsets(bytes: Uint8Array, start: number, rrsets: readonly Rrset[]): number {
  const view = new DataView(bytes.buffer);
  let at = start;
  for (const { owner, type, ttl, rdatas } of rrsets) {
    bytes.set(owner, at);
    at += owner.length;
    view.setUint16(at, type);
    view.setUint32(at + 2, ttl);
    view.setUint16(at + 6, rdatas.length);
    at += 8;
    for (const rdata of rdatas) {
      view.setUint16(at, rdata.length);
      bytes.set(rdata, at + 2);
      at += 2 + rdata.length;
    }
  }
  return at;
}

function rrsetsBytes(rrsets: readonly Rrset[]): number {
  let sum = 0;
  for (const { owner, rdatas } of rrsets) {
    sum += owner.length + 8;
    for (const rdata of rdatas) sum += 2 + rdata.length;
  }
  return sum;
}

/** The changeset that `encodeChangeset` wrote. Asserts the form: the journal is our own. The result keeps nothing of `bytes`. */
export function decodeChangeset(bytes: Uint8Array): Changeset {
  return atOnce(decodeSteps(bytes));
}

/** The same, in steps of some milliseconds between which other work may be done. */
export function* decodeSteps(bytes: Uint8Array): Generator<undefined, Changeset> {
  const own = new Uint8Array(bytes);
  const view = new DataView(own.buffer);
  assert(own[0] === FORMAT, `journal entry of format ${own[0]}`);
  let at = 9;
  const readName = (): Name => {
    const length = nameLengthAt(own, at);
    assert(length > 0, 'journal entry with a malformed name');
    at += length;
    return own.subarray(at - length, at);
  };
  const readRrset = (): Rrset => {
    const owner = readName();
    const type = view.getUint16(at);
    const ttl = view.getUint32(at + 2);
    const count = view.getUint16(at + 6);
    at += 8;
    const rdatas = Array.from({ length: count }, () => {
      const length = view.getUint16(at);
      at += 2 + length;
      assert(at <= own.length, 'journal entry cut short');
      return own.subarray(at - length, at);
    });
    return { owner, type, ttl, rdatas };
  };
  const zone = readName();
  const lists: Rrset[][] = [];
  for (let list = 0; list < 2; list++) {
    const rrsets: Rrset[] = [];
    const length = view.getUint32(at);
    at += 4;
    for (let each = 1; each <= length; each++) {
      rrsets.push(readRrset());
      if (each % CHANGESET_STEP_RRSETS === 0) yield;
    }
    lists.push(rrsets);
  }
  const [deleted = [], added = []] = lists;
  assert(at === own.length, 'journal entry with more in it than its changeset');
  return { zone, fromSerial: view.getUint32(1), toSerial: view.getUint32(5), deleted, added };
}

/** All steps without a pause. */
export function atOnce<T>(steps: Generator<undefined, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
