/** What reports come packed in, and archives that are made to hurt. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { REPORT_BYTES_MAX, REPORT_PACKED_BYTES_MAX } from '#base/limits/reports.ts';
import { packingOf, unpackReport } from '#control/reports/report-file.ts';
import { zipOf } from '../../support/zip.ts';

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/reports/${name}`, import.meta.url));
const text = Buffer.from('<feedback/>'.repeat(100));
const unpacked = (octets: Uint8Array) => {
  const result = unpackReport(octets);
  return result.ok ? Buffer.from(result.value).toString() : result.problems[0]!.code;
};

describe('good ones', () => {
  test('plain, gzip, zip, told from their first octets', () => {
    expect(packingOf(text)).toBe('none');
    expect(unpacked(text)).toBe(text.toString());
    expect(unpacked(gzipSync(text))).toBe(text.toString());
    expect(unpacked(zipOf({ 'a!b!1!2.xml': text }))).toBe(text.toString());
    expect(unpacked(zipOf({ 'a!b!1!2.xml': text }, true))).toBe(text.toString());
    expect(unpacked(zipOf({ 'reports/': Buffer.alloc(0), 'reports/a.xml': text }))).toBe(text.toString());
  });

  test('an archive that another program made', () => {
    expect(unpacked(fixture('outlook-rfc7489.zip'))).toBe(fixture('outlook-rfc7489.xml').toString());
  });
});

describe('bad ones', () => {
  const bomb = Buffer.alloc(REPORT_BYTES_MAX + 1);
  const good = zipOf({ 'a.xml': text });
  const central = good.indexOf(Buffer.from('PK\u{1}\u{2}', 'latin1'));
  const changed = (change: (archive: Buffer) => void, from = good) => {
    const archive = Buffer.from(from);
    change(archive);
    return unpacked(archive);
  };

  test('small files that unpack to large ones, whatever they say of their size', () => {
    for (const packed of [gzipSync(bomb), zipOf({ 'a.xml': bomb })]) {
      expect(packed.length).toBeLessThan(REPORT_PACKED_BYTES_MAX / 10);
      expect(unpacked(packed)).toBe('REPORT_SIZE');
    }
    const zipped = zipOf({ 'a.xml': bomb });
    const directory = zipped.indexOf(Buffer.from('PK\u{1}\u{2}', 'latin1'));
    expect(changed((archive) => archive.writeUInt32LE(10, directory + 24), zipped)).toBe('REPORT_SIZE');
    expect(unpacked(bomb)).toBe('REPORT_SIZE');
    const large = Buffer.concat([gzipSync(text), Buffer.alloc(REPORT_PACKED_BYTES_MAX)]);
    expect(unpacked(large)).toBe('REPORT_SIZE');
  });

  test('several files, none, and no archive at all', () => {
    expect(unpacked(zipOf({ 'a.xml': text, 'b.xml': text }))).toBe('REPORT_PACKED');
    expect(unpacked(zipOf({}))).toBe('REPORT_PACKED');
    expect(unpacked(Buffer.from('PK\u{3}\u{4}nothing', 'latin1'))).toBe('REPORT_PACKED');
    expect(unpacked(Buffer.from([0x1f, 0x8b, 8]))).toBe('REPORT_PACKED');
    expect(unpacked(gzipSync(text).subarray(0, 30))).toBe('REPORT_PACKED');
  });

  test('damaged, encrypted, packed in another way', () => {
    expect(changed((archive) => archive.writeUInt8(archive.readUInt8(central + 16) ^ 1, central + 16))).toBe('REPORT_PACKED');
    expect(changed((archive) => archive.writeUInt16LE(1, central + 8))).toBe('REPORT_PACKED');
    expect(changed((archive) => archive.writeUInt16LE(12, central + 10))).toBe('REPORT_PACKED');
    expect(changed((archive) => archive.writeUInt32LE(0xffff_fff0, central + 42))).toBe('REPORT_PACKED');
    expect(changed((archive) => archive.writeUInt32LE(0xffff_fff0, central + 20))).toBe('REPORT_PACKED');
    expect(unpacked(good.subarray(0, -1))).toBe('REPORT_PACKED');
  });

  test('whatever octets are others, the file comes out as it was or not at all', () => {
    // With other first octets it is no archive at all.
    const edits = fc.array(fc.tuple(fc.integer({ min: 4, max: good.length - 1 }), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(edits, (changes) => {
        const result = changed((archive) => {
          for (const [at, octet] of changes) archive[at] = octet;
        });
        expect([text.toString(), 'REPORT_PACKED', 'REPORT_SIZE']).toContain(result);
      }),
      { numRuns: 1000 },
    );
  });
});
