/** Keys and zones found by octets are those found by strings. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { KEY_BYTES_MAX, KeyBuffer, hashKey, isSameName, wireLength } from '#answer/names/owner-key.ts';
import { ZoneIndex } from '#answer/names/zone-index.ts';
import { latin1 } from '#base/bytes.ts';
import { type Name, equalNames, labelCount, ownerKey, wildcardOf } from '#dns/name.ts';
import { zoneSet } from '#zone/served.ts';
import { memoryZone } from '#zone/zone.ts';

const label = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom([0x61], [0x41], [0x62], [0x2a], [0], [1], [1, 1]) },
  { weight: 1, arbitrary: fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 63 }) },
);
const name: fc.Arbitrary<Name> = fc
  .array(label, { maxLength: 6 })
  .map((labels) => Uint8Array.from([...labels.flatMap((each) => [each.length, ...each]), 0]))
  .filter((each) => each.length <= 253);

/** As in a message: other octets around it. */
const within = (wire: Name) => Buffer.concat([Buffer.from([7, 7, 7]), wire, Buffer.from([9])]);

test('RFC 4034 §6.1: KeyBuffer = ownerKey, for the name and every ancestor', () => {
  const key = new KeyBuffer();
  const wildcard = new KeyBuffer();
  fc.assert(
    fc.property(name, (wire) => {
      key.set(within(wire), 3);
      expect(key.labels).toBe(labelCount(wire));
      for (let depth = 0; depth <= key.labels; depth++) {
        const suffix = wire.subarray(key.starts[depth]);
        const octets = key.octets.subarray(0, key.ends[depth]);
        expect(latin1(octets)).toBe(ownerKey(suffix));
        expect(hashKey(octets)).toBe(key.hashOf(depth));
        wildcard.setWildcard(key, depth);
        expect(latin1(wildcard.octets.subarray(0, wildcard.length))).toBe(ownerKey(wildcardOf(suffix)!));
      }
    }),
    { numRuns: 300 },
  );
});

test('the longest key fits', () => {
  const wire = Uint8Array.from([...[63, 63, 63, 61].flatMap((size) => [size, ...new Array<number>(size).fill(0)]), 0]);
  const key = new KeyBuffer();
  key.set(wire, 0);
  expect(wire).toHaveLength(255);
  expect(key.length).toBeLessThanOrEqual(KEY_BYTES_MAX);
  expect(latin1(key.octets.subarray(0, key.length))).toBe(ownerKey(wire));
});

test('RFC 4343 §3: isSameName = equalNames', () => {
  fc.assert(
    fc.property(name, name, (a, b) => {
      expect(isSameName(within(a), 3, within(b), 3)).toBe(equalNames(a, b));
      expect(isSameName(within(a), 3, a, 0)).toBe(true);
      expect(wireLength(within(a), 3)).toBe(a.length);
    }),
    { numRuns: 300 },
  );
});

test('RFC 1034 §4.3.2 step 2: ZoneIndex = zoneSet', () => {
  const key = new KeyBuffer();
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { selector: ownerKey, maxLength: 12 }),
      fc.array(name, { minLength: 1, maxLength: 10 }),
      (apexes, names) => {
        const served = apexes.map((apex) => ({ view: memoryZone(apex, []), signed: false }));
        const zones = zoneSet(served);
        const index = new ZoneIndex(apexes.map((apex, id) => ({ record: { id, dnssec: 'off', nodeCount: 1 }, apexKey: ownerKey(apex) })));
        for (const each of [...names, ...apexes]) {
          key.set(each, 0);
          index.find(key);
          const expected = zones.find(ownerKey(each));
          expect(served[index.deepest]).toBe(expected);
          expect(served[index.above]).toBe(expected === undefined ? undefined : zones.parentOf(expected));
        }
      },
    ),
    { numRuns: 200 },
  );
});
