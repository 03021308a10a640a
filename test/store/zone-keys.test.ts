/** Keys in a zone's record: those of older stores are read, what cannot be a key is not. */
import { expect, test } from 'vitest';
import { isZoneRecord } from '#store/schema.ts';
import { zoneRecord } from '../support/temporary-store.ts';

/** As a store from before rollovers has it. */
const OLD = {
  id: 'example.1234-00000000',
  keyTag: 1234,
  algorithm: 13,
  role: 'csk',
  flags: 257,
  state: 'active',
  createdAtMs: 0,
  dnskey: 'AQEDDQ==',
};
const withKey = (key: object): object => ({ ...zoneRecord(1, 'example.'), keys: [key] });

test('the keys of a store from before rollovers are read', () => expect(isZoneRecord(withKey(OLD))).toBe(true));
test('KSK and ZSK of other algorithms, at any stage', () => {
  const keys = [
    { ...OLD, role: 'ksk', algorithm: 15 },
    { ...OLD, role: 'zsk', flags: 256, algorithm: 8, state: 'withdrawn' },
  ];
  expect(isZoneRecord({ ...zoneRecord(1, 'example.'), keys })).toBe(true);
});
test.each([
  { algorithm: 5 }, // SHA-1: RFC 9905
  { algorithm: '13' },
  { role: 'sep' },
  { flags: 0 },
  { flags: 385 }, // revoked: RFC 5011 is not ours
  { state: 'gone' },
])('%o is no key', (changed) => expect(isZoneRecord(withKey({ ...OLD, ...changed }))).toBe(false));
test('the wish for no DS is true or absent', () => {
  expect(isZoneRecord({ ...zoneRecord(1, 'example.'), isDeletingDs: true })).toBe(true);
  expect(isZoneRecord({ ...zoneRecord(1, 'example.'), isDeletingDs: 'yes' })).toBe(false);
});
