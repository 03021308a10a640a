import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toHex } from '#base/bytes.ts';
import { nameOf } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { decodeTypeBitmap, encodeTypeBitmap, nsecFields, nsecRdata } from '#dnssec/denial.ts';
import { RFC4034_NSEC } from '../vectors/dnssec.ts';

describe('RFC 4034 §4.1.2: type bit maps', () => {
  test('the example of §4.3', () => {
    const rdata = nsecRdata(nameOf('HOST.example.com.'), [1234, TYPE.NSEC, TYPE.A, TYPE.MX, TYPE.RRSIG]);
    expect(toHex(rdata)).toBe(RFC4034_NSEC);
    expect(nsecFields(rdata)).toEqual({ next: nameOf('host.example.com.'), types: [TYPE.A, TYPE.MX, TYPE.RRSIG, TYPE.NSEC, 1234] });
  });
  test('decode ∘ encode = id', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 0xffff }), { maxLength: 30 }), (types) => {
        expect(decodeTypeBitmap(encodeTypeBitmap(types))).toEqual(types.toSorted((a, b) => a - b));
      }),
    );
  });
  test.each([
    ['no length', [0]],
    ['an empty window', [0, 0]],
    ['a window of 33 octets', [0, 33, ...new Uint8Array(33).fill(1)]],
    ['cut short', [0, 2, 1]],
    ['windows not ascending', [1, 1, 1, 0, 1, 1]],
    ['a window twice', [1, 1, 1, 1, 1, 1]],
  ])('malformed: %s', (_, octets) => expect(decodeTypeBitmap(Uint8Array.from(octets))).toBeUndefined());
});
