/**
 * Unpacks gzip as senders of reports write it: one member or several, and behind the last whatever a mail program left
 * there, a line end most often. What the file says of its size is not believed: unpacking stops at the limit.
 * Implements: RFC 1952 §2.2 (members), §2.3 (header and trailer).
 * Not here: what the file is (control/reports/report-file.ts).
 */
import { crc32, inflateRawSync } from 'node:zlib';
import { assert } from '#base/assert.ts';

const MAGIC = 0x1f8b;
const DEFLATE = 8;
const HEAD_BYTES = 10;
const TRAILER_BYTES = 8;
/** FLG, RFC 1952 §2.3.1. */
const FLAG = { HCRC: 2, EXTRA: 4, NAME: 8, COMMENT: 16 } as const;

export function isGzip(octets: Uint8Array): boolean {
  return octets[0] === 0x1f && octets[1] === 0x8b;
}

/**
 * The unpacked octets. Throws an Error that says why there are none; a RangeError when there would be more than
 * `bytesMax`.
 */
export function gunzip(archive: Buffer, bytesMax: number): Buffer {
  const members: Buffer[] = [];
  let bytes = 0;
  for (let at = 0; at === 0 || isGzip(archive.subarray(at));) {
    const start = dataStart(archive, at);
    const { octets, usedBytes } = inflate(archive.subarray(start), bytesMax - bytes);
    const trailer = start + usedBytes;
    if (trailer + TRAILER_BYTES > archive.length) throw new Error('it is cut off');
    if (crc32(octets) !== archive.readUInt32LE(trailer)) throw new Error('it is damaged: the checksum is another');
    members.push(octets);
    bytes += octets.length;
    at = trailer + TRAILER_BYTES;
  }
  return Buffer.concat(members);
}

/** Where the deflated data of the member at `at` begins. */
function dataStart(archive: Buffer, at: number): number {
  if (at + HEAD_BYTES > archive.length || archive.readUInt16BE(at) !== MAGIC) throw new Error('it does not begin like gzip');
  if (archive[at + 2] !== DEFLATE) throw new Error(`it is packed by method ${archive[at + 2]}`);
  const flags = archive[at + 3]!;
  let start = at + HEAD_BYTES;
  if ((flags & FLAG.EXTRA) !== 0 && start + 2 <= archive.length) start += 2 + archive.readUInt16LE(start);
  for (const flag of [FLAG.NAME, FLAG.COMMENT]) {
    if ((flags & flag) === 0) continue;
    const end = archive.indexOf(0, start);
    if (end === -1) throw new Error('it is cut off');
    start = end + 1;
  }
  return (flags & FLAG.HCRC) === 0 ? start : start + 2;
}

interface Inflated {
  readonly buffer: Buffer;
  /** Its input counts as written. */
  readonly engine: { readonly bytesWritten: number };
}

/** What `info: true` returns, which the types of Node leave out. */
function isInflated(value: unknown): value is Inflated {
  return (
    typeof value === 'object' &&
    value !== null &&
    'buffer' in value &&
    Buffer.isBuffer(value.buffer) &&
    'engine' in value &&
    typeof value.engine === 'object' &&
    value.engine !== null &&
    'bytesWritten' in value.engine &&
    typeof value.engine.bytesWritten === 'number'
  );
}

function inflate(packed: Buffer, bytesMax: number): { readonly octets: Buffer; readonly usedBytes: number } {
  // zlib takes no limit of 0, and an empty member may follow what fills the limit.
  const inflated: unknown = inflateRawSync(packed, { maxOutputLength: Math.max(bytesMax, 1), info: true });
  assert(isInflated(inflated), 'zlib says how much of its input it used');
  if (inflated.buffer.length > bytesMax) throw new RangeError('too large');
  return { octets: inflated.buffer, usedBytes: inflated.engine.bytesWritten };
}
