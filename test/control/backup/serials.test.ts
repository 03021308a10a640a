/** RFC 1982: a restored zone's serial is newer than what its secondaries may have, and never goes backwards. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { restoredSerial } from '#control/backup/serials.ts';
import { addSerial, isNewer } from '#dns/serial.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('RFC 1982 §3.2', () => {
  test('a date stays recognisable after a night, and no clock that is behind makes it smaller', () => {
    expect(restoredSerial(2026113001, 12 * HOUR_MS)).toBe(2026113001 + 65_536 + 16 * 43_200);
    expect(restoredSerial(7, -DAY_MS)).toBe(7 + 65_536);
  });

  test('over the end of the circle', () => {
    expect(restoredSerial(4_294_967_295, 0)).toBe(65_535);
  });

  test('what a secondary has goes before what is guessed; one that is behind changes nothing', () => {
    expect(restoredSerial(1, 0, [500_000])).toBe(500_001);
    expect(restoredSerial(1, 0, [500_000, 700_000, 3])).toBe(700_001);
    expect(restoredSerial(1000, 0, [4_294_967_000])).toBe(66_536);
    expect(restoredSerial(100_000, 0, [165_536])).toBe(165_537);
  });

  test('a second restore of the same backup, later, is ahead of the first', () => {
    const first = restoredSerial(1, DAY_MS);
    const second = restoredSerial(1, DAY_MS + HOUR_MS);
    expect(isNewer(second, addSerial(first, 10 * 3600))).toBe(true);
  });

  test('always newer than that of the backup and than each that came after it', () => {
    const step = fc.nat({ max: 2 ** 30 });
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 32 - 1 }), step, fc.array(step), (serial, seconds, steps) => {
        const seen = steps.map((each) => addSerial(serial, each));
        const next = restoredSerial(serial, seconds * 1000, seen);
        expect(isNewer(next, serial)).toBe(true);
        for (const each of seen) expect(isNewer(next, each)).toBe(true);
      }),
    );
  });
});
