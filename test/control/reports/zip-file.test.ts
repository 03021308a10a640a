/** The one file of a zip archive, and archives that say what is not so. */
import { crc32, deflateRawSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ZIP_ENTRIES_MAX } from '#base/limits/reports.ts';
import { isZip, unzipOnly } from '#control/reports/zip-file.ts';
import { zipOf } from '../../support/zip.ts';

const TEXT = Buffer.from('<feedback/>'.repeat(100));
const GOOD = zipOf({ 'a.xml': TEXT });
/** APPNOTE 4.3.12 and 4.3.16: where the entry's central header and the end record begin. */
const CENTRAL = GOOD.indexOf('PK\u{1}\u{2}', 0, 'latin1');
const END = GOOD.indexOf('PK\u{5}\u{6}', 0, 'latin1');

function changed(change: (archive: Buffer) => void, from = GOOD): Buffer {
  const archive = Buffer.from(from);
  change(archive);
  return archive;
}

describe('APPNOTE 4.3.6: what begins like a zip archive', () => {
  test.each<[string, boolean, string]>([
    ['a local header', true, '504b0304'],
    ['the end of an empty directory', true, '504b0506'],
    ['a part of a split archive', false, '504b0708'],
    ['two magics mixed', false, '504b0306'],
    ['gzip', false, '1f8b0800'],
    ['too short', false, '504b03'],
    ['nothing', false, ''],
  ])('%s: %s', (_, expected, hex) => expect(isZip(Buffer.from(hex, 'hex'))).toBe(expected));
});

describe('the file comes out', () => {
  test('APPNOTE 4.4.5: as it was, whatever it is, deflated or stored', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.boolean(), (octets, isStored) => {
        expect(unzipOnly(zipOf({ 'a.xml': Buffer.from(octets) }, isStored), 2000)).toEqual(Buffer.from(octets));
      }),
      { numRuns: 100 },
    );
  });

  test.each(['reports/', '__MACOSX/a.xml', '__MACOSX/._a.xml', 'reports/._a.xml', '.DS_Store', 'reports/Thumbs.db', 'desktop.ini'])(
    'beside %s, which a system adds',
    (name) => expect(unzipOnly(zipOf({ [name]: Buffer.from('x'), 'reports/a.xml': TEXT }), 2000)).toEqual(TEXT),
  );

  test('APPNOTE 4.3.16: with a comment of the greatest length behind the directory', () => {
    const comment = Buffer.alloc(0xffff, 0x20);
    const archive = Buffer.concat([changed((octets) => octets.writeUInt16LE(comment.length, END + 20)), comment]);
    expect(unzipOnly(archive, 2000)).toEqual(TEXT);
  });

  test('APPNOTE 4.3.7: with another extra field in the local header than in the directory', () => {
    const packed = deflateRawSync(TEXT);
    const local = Buffer.from(GOOD.subarray(0, 30));
    local.writeUInt16LE(4, 28);
    const head = Buffer.concat([local, Buffer.from('a.xml'), Buffer.from([0x99, 0x99, 0, 0]), packed]);
    const archive = Buffer.concat([head, GOOD.subarray(CENTRAL)]);
    archive.writeUInt32LE(head.length, archive.length - 22 + 16);
    expect(unzipOnly(archive, 2000)).toEqual(TEXT);
  });

  test.each([TEXT.length, TEXT.length + 1])('with %i octets allowed', (bytesMax) => {
    expect(unzipOnly(GOOD, bytesMax)).toEqual(TEXT);
    expect(unzipOnly(zipOf({ 'a.xml': TEXT }, true), bytesMax)).toEqual(TEXT);
  });
});

describe('it does not', () => {
  test.each([true, false])('with one octet more than allowed (stored: %s), whatever the directory says of the size', (isStored) => {
    const archive = zipOf({ 'a.xml': TEXT }, isStored);
    const directory = archive.indexOf('PK\u{1}\u{2}', 0, 'latin1');
    archive.writeUInt32LE(1, directory + 24);
    expect(() => unzipOnly(archive, TEXT.length - 1)).toThrow(RangeError);
  });

  test.each<[string, Buffer, string]>([
    ['of no file', zipOf({}), '0 files'],
    ['of a folder alone', zipOf({ 'a/': Buffer.alloc(0) }), '0 files'],
    ['of two', zipOf({ 'a.xml': TEXT, 'b.xml': TEXT }), '2 files'],
    ['that is encrypted', changed((octets) => octets.writeUInt16LE(1, CENTRAL + 8)), 'encrypted'],
    ['packed by method 12, bzip2', changed((octets) => octets.writeUInt16LE(12, CENTRAL + 10)), 'method 12'],
    ['with the checksum of another', changed((octets) => octets.writeUInt32LE(crc32('x'), CENTRAL + 16)), 'checksum'],
    ['longer than the archive', changed((octets) => octets.writeUInt32LE(0xffff_ffff, CENTRAL + 20)), 'cut off'],
    ['that begins behind the end', changed((octets) => octets.writeUInt32LE(0xffff_ffff, CENTRAL + 42)), 'leads nowhere'],
    ['that begins where no local header is', changed((octets) => octets.writeUInt32LE(1, CENTRAL + 42)), 'leads nowhere'],
    ['whose directory is elsewhere', changed((octets) => octets.writeUInt32LE(0, END + 16)), 'directory is damaged'],
    ['of more entries than the directory has', changed((octets) => octets.writeUInt16LE(2, END + 10)), 'directory is damaged'],
    ['of too many entries', changed((octets) => octets.writeUInt16LE(ZIP_ENTRIES_MAX + 1, END + 10)), `${ZIP_ENTRIES_MAX + 1} entries`],
    ['without the end record', GOOD.subarray(0, END), 'no directory'],
    ['shorter than an end record', GOOD.subarray(0, 10), 'no directory'],
  ])('%s', (_, archive, why) => expect(() => unzipOnly(archive, 10_000)).toThrow(why));

  test('cut off anywhere', () => {
    for (let length = 0; length < GOOD.length; length++) expect(() => unzipOnly(GOOD.subarray(0, length), 10_000)).toThrow(Error);
  });
});
