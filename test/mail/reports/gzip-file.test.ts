/** gzip as RFC 1952 has it: several members, every optional field, and what mail programs leave behind the end. */
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gunzip, isGzip } from '#mail/reports/gzip-file.ts';

const TEXT = Buffer.from('{"organization-name":"x"}'.repeat(50));
const GOOD = gzipSync(TEXT);
const MAX = 10_000;

/** A member with these flags, and the fields that go with them (RFC 1952 §2.3). */
function member(octets: Buffer, flags: number, fields: Buffer): Buffer {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(octets), 0);
  trailer.writeUInt32LE(octets.length, 4);
  return Buffer.concat([Buffer.from([0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255]), fields, deflateRawSync(octets), trailer]);
}

function changed(at: number, octet: number): Buffer {
  const archive = Buffer.from(GOOD);
  archive[at < 0 ? archive.length + at : at] = octet;
  return archive;
}

test.each<[string, boolean]>([
  ['1f8b08', true],
  ['1f8b', true],
  ['1f', false],
  ['8b1f', false],
  ['504b0304', false],
  ['', false],
])('RFC 1952 §2.3.1: ID1, ID2 of %s: %s', (hex, expected) => expect(isGzip(Buffer.from(hex, 'hex'))).toBe(expected));

describe('comes out', () => {
  const EXTRA = Buffer.from([3, 0, 1, 2, 3]);
  const NAME = Buffer.from('a.json\0', 'latin1');
  const COMMENT = Buffer.from('made here\0', 'latin1');
  const HCRC = Buffer.from([0, 0]);

  test.each<[string, number, readonly Buffer[]]>([
    ['none', 0, []],
    ['FTEXT, which has no field', 1, []],
    ['FHCRC', 2, [HCRC]],
    ['FEXTRA', 4, [EXTRA]],
    ['FNAME', 8, [NAME]],
    ['FCOMMENT', 16, [COMMENT]],
    ['all of them, in the order of §2.3', 31, [EXTRA, NAME, COMMENT, HCRC]],
    ['an empty name', 8, [Buffer.from([0])]],
  ])('RFC 1952 §2.3: with optional fields: %s', (_, flags, fields) => {
    expect(gunzip(member(TEXT, flags, Buffer.concat(fields)), MAX)).toEqual(TEXT);
  });

  test('RFC 1952 §2.2: members one after the other, as one', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 5 }), (parts) => {
        const whole = Buffer.concat(parts);
        expect(gunzip(Buffer.concat(parts.map((part) => gzipSync(part))), whole.length + 1)).toEqual(whole);
      }),
      { numRuns: 100 },
    );
  });

  test.each(['\n', '\r\n', '\r\n--boundary--\r\n', '\0\0\0\0'])('with %j behind the end', (rest) => {
    expect(gunzip(Buffer.concat([GOOD, Buffer.from(rest)]), MAX)).toEqual(TEXT);
  });

  test('with as many octets as are allowed', () => expect(gunzip(GOOD, TEXT.length)).toEqual(TEXT));

  test('whatever the trailer says of the size (RFC 1952 §2.3.1 ISIZE): it is not believed', () => {
    expect(gunzip(changed(-4, 0xff), MAX)).toEqual(TEXT);
  });
});

describe('does not come out', () => {
  test('an empty member behind what fills the limit adds nothing', () => {
    const empty = gzipSync('');
    expect(gunzip(Buffer.concat([GOOD, empty]), TEXT.length).toString()).toBe(TEXT.toString());
    expect(gunzip(empty, 0)).toHaveLength(0);
    expect(() => gunzip(Buffer.concat([GOOD, gzipSync('x')]), TEXT.length)).toThrow(RangeError);
  });

  test('RangeError: one octet more than allowed, in one member or in several', () => {
    expect(() => gunzip(GOOD, TEXT.length - 1)).toThrow(RangeError);
    expect(() => gunzip(Buffer.concat([GOOD, GOOD]), 2 * TEXT.length - 1)).toThrow(RangeError);
    expect(() => gunzip(Buffer.concat([GOOD, GOOD]), TEXT.length)).toThrow(RangeError);
  });

  test.each<[string, Buffer, string]>([
    ['another first octet', changed(0, 0), 'does not begin like gzip'],
    ['nothing', Buffer.alloc(0), 'does not begin like gzip'],
    ['a header cut off', GOOD.subarray(0, 9), 'does not begin like gzip'],
    ['method 7, reserved (RFC 1952 §2.3.1)', changed(2, 7), 'method 7'],
    ['a name without end', Buffer.concat([GOOD.subarray(0, 3), Buffer.from([8, 1, 1, 1, 1, 0, 3, 0x61, 0x62])]), 'cut off'],
    ['a trailer cut off', GOOD.subarray(0, -1), 'cut off'],
    ['no trailer', GOOD.subarray(0, -8), 'cut off'],
    ['another checksum', changed(-8, GOOD.at(-8)! ^ 1), 'checksum'],
    ['a second member that is damaged', Buffer.concat([GOOD, changed(-8, GOOD.at(-8)! ^ 1)]), 'checksum'],
  ])('%s', (_, archive, why) => expect(() => gunzip(archive, MAX)).toThrow(why));

  test('cut off anywhere: an Error, never half of it', () => {
    for (let length = 0; length < GOOD.length; length++) expect(() => gunzip(GOOD.subarray(0, length), MAX)).toThrow(Error);
  });
});
