/** RFC 7208 §3.3, RFC 1035 §3.3.14: long texts in strings of 255 octets. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { splitString } from '#dns/rdata/txt.ts';
import { txtRdata, txtText } from '#mail/text/txt.ts';

test('255 octets at most, joined without a space', () => {
  expect(splitString(Buffer.from('x'.repeat(600))).map((each) => each.length)).toEqual([255, 255, 90]);
  expect(splitString(Buffer.from('x'.repeat(255))).map((each) => each.length)).toEqual([255]);
  expect(splitString(Buffer.from(''))).toEqual([Buffer.alloc(0)]);
  expect(() => txtRdata('ž')).toThrow('one character per octet');
  expect(() => txtRdata('x'.repeat(65_300))).toThrow('TXT data');
});

test('text∘rdata = id, and the RDATA is well formed', () =>
  fc.assert(
    fc.property(fc.array(fc.nat(255), { maxLength: 1200 }), (octets) => {
      const text = String.fromCharCode(...octets);
      expect(txtText(txtRdata(text))).toBe(text);
      expect(checkRdata(TYPE.TXT, txtRdata(text))).toEqual([]);
    }),
  ));
