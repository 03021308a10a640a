/** RFC 9859: the names under which a parent's endpoints are looked for, and what the records say. */
import { expect, test } from 'vitest';
import { bareDsyncName, dsyncName, dsyncRdata, dsyncWildcard, firstDsyncName, readDsync } from '#dns/dsync.ts';
import { formatName, nameOf } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';

const text = (name: Uint8Array | undefined): string | undefined => name && formatName(name);

// The example of §4.1: city.ise.mie.jp.
test('RFC 9859 §4.1: _dsync after the first label, then before the parent, then alone', () => {
  const child = nameOf('city.ise.mie.jp.');
  expect(text(firstDsyncName(child))).toBe('city._dsync.ise.mie.jp.');
  expect(text(dsyncName(child, nameOf('jp.')))).toBe('city.ise.mie._dsync.jp.');
  expect(text(bareDsyncName(nameOf('jp.')))).toBe('_dsync.jp.');
  expect(text(firstDsyncName(nameOf('se.')))).toBe('se._dsync.');
});

test('RFC 9859 §3.1: the wildcard of all delegations', () => {
  expect(text(dsyncWildcard(nameOf('example.')))).toBe('*._dsync.example.');
  expect(text(dsyncWildcard(nameOf('.')))).toBe('*._dsync.');
});

test('names that are too long, and parents that are none, have no name', () => {
  const long = nameOf(`${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(54)}.x.`);
  expect(firstDsyncName(long)).toBeUndefined();
  expect(dsyncWildcard(long)).toBeUndefined();
  expect(dsyncName(nameOf('a.example.'), nameOf('b.example.'))).toBeUndefined();
  expect(dsyncName(nameOf('example.'), nameOf('example.'))).toBeUndefined();
  expect(firstDsyncName(nameOf('.'))).toBeUndefined();
});

test('RFC 9859 §2: RDATA', () => {
  const target = nameOf('cds-scanner.example.net.');
  const rdata = dsyncRdata({ rrType: TYPE.CDS, port: 5359, target });
  // §2.1: RRtype, scheme, port, target that is not compressed.
  expect(Buffer.from(rdata).toString('hex')).toBe(`003b0114ef${Buffer.from(target).toString('hex')}`);
  expect(formatRdata(TYPE.DSYNC, rdata)).toBe('CDS 1 5359 cds-scanner.example.net.');
  expect(readDsync(rdata)).toEqual({ rrType: TYPE.CDS, scheme: 1, port: 5359, target });
  expect(readDsync(rdata.subarray(0, 5))).toBeUndefined();
  expect(readDsync(rdata.subarray(0, 9))).toBeUndefined();
});
