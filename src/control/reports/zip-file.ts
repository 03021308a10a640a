/**
 * The one file in a zip archive, as older senders of reports pack them; what a system adds by itself is not counted.
 * Only what such archives need: stored or deflated, no encryption, not in parts, below 4 GiB. What the archive says of
 * sizes is not believed: unpacking stops at the limit.
 * Implements: PKWARE APPNOTE 6.3.10 §4.3.6, §4.3.7 (local header), §4.3.12 (central directory), §4.3.16 (its end),
 * §4.4.5 (methods 0 and 8).
 * Not here: what the file is (report-file.ts).
 */
import { crc32, inflateRawSync } from 'node:zlib';
import { ZIP_ENTRIES_MAX } from '#base/limits/reports.ts';

const LOCAL = 0x0403_4b50;
const CENTRAL = 0x0201_4b50;
const END = 0x0605_4b50;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const COMMENT_BYTES_MAX = 0xffff;

interface Entry {
  readonly name: string;
  readonly isEncrypted: boolean;
  readonly method: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly localAt: number;
}

/** True for what begins with a file, or with the end of an empty directory. */
export function isZip(octets: Uint8Array): boolean {
  const [p, k, third, fourth] = octets;
  return p === 0x50 && k === 0x4b && ((third === 3 && fourth === 4) || (third === 5 && fourth === 6));
}

/** What systems put beside the files that a person packs: copies of attributes, pictures of folders. */
const BESIDE = /(?:^|\/)(?:__MACOSX\/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)/i;

/**
 * The file's octets. Throws an Error that says why there are none; a RangeError when there would be more than
 * `bytesMax`.
 */
export function unzipOnly(archive: Buffer, bytesMax: number): Buffer {
  const files = entriesOf(archive).filter(({ name }) => !name.endsWith('/') && !BESIDE.test(name));
  const [file] = files;
  if (file === undefined || files.length > 1) throw new Error(`it has ${files.length} files, not one`);
  if (file.isEncrypted) throw new Error('its file is encrypted');
  const octets = contentOf(archive, file, bytesMax);
  if (crc32(octets) !== file.crc) throw new Error('its file is damaged: the checksum is another');
  return octets;
}

function entriesOf(archive: Buffer): Entry[] {
  const end = endOf(archive);
  const count = archive.readUInt16LE(end + 10);
  if (count > ZIP_ENTRIES_MAX) throw new Error(`it has ${count} entries`);
  const entries: Entry[] = [];
  for (let at = archive.readUInt32LE(end + 16); entries.length < count;) {
    if (at + CENTRAL_BYTES > archive.length || archive.readUInt32LE(at) !== CENTRAL) throw new Error('its directory is damaged');
    const nameEnd = at + CENTRAL_BYTES + archive.readUInt16LE(at + 28);
    entries.push({
      name: archive.toString('latin1', at + CENTRAL_BYTES, nameEnd),
      isEncrypted: (archive.readUInt16LE(at + 8) & 1) === 1,
      method: archive.readUInt16LE(at + 10),
      crc: archive.readUInt32LE(at + 16),
      packedBytes: archive.readUInt32LE(at + 20),
      localAt: archive.readUInt32LE(at + 42),
    });
    at = nameEnd + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return entries;
}

/** Where the record of the directory's end begins: the last thing in the archive but for a comment. */
function endOf(archive: Buffer): number {
  const first = Math.max(0, archive.length - END_BYTES - COMMENT_BYTES_MAX);
  for (let at = archive.length - END_BYTES; at >= first; at--) if (archive.readUInt32LE(at) === END) return at;
  throw new Error('it has no directory');
}

function contentOf(archive: Buffer, { method, packedBytes, localAt }: Entry, bytesMax: number): Buffer {
  if (localAt + LOCAL_BYTES > archive.length || archive.readUInt32LE(localAt) !== LOCAL) throw new Error('its directory leads nowhere');
  const from = localAt + LOCAL_BYTES + archive.readUInt16LE(localAt + 26) + archive.readUInt16LE(localAt + 28);
  if (from + packedBytes > archive.length) throw new Error('it is cut off');
  const packed = archive.subarray(from, from + packedBytes);
  if (method === 8) return inflateRawSync(packed, { maxOutputLength: bytesMax });
  if (method !== 0) throw new Error(`its file is packed by method ${method}`);
  if (packed.length > bytesMax) throw new RangeError('too large');
  return packed;
}
