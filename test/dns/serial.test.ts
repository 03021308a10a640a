import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SERIAL_STEP_MAX, addSerial, isNewer } from '#dns/serial.ts';

const serials = fc.integer({ min: 0, max: 0xffff_ffff });

describe('RFC 1982 §3.1: addition', () => {
  test('wraps at 2³²', () => {
    expect(addSerial(0xffff_ffff, 1)).toBe(0);
    expect(addSerial(0xffff_fffe, SERIAL_STEP_MAX)).toBe(0x7fff_fffd);
    expect(addSerial(41, 1)).toBe(42);
  });
  test('refuses a step that would go backwards', () => {
    expect(() => addSerial(1, SERIAL_STEP_MAX + 1)).toThrow('serial step');
    expect(() => addSerial(1, -1)).toThrow('serial step');
  });
});

describe('RFC 1982 §3.2: comparison', () => {
  test.each([
    [1, 0, true],
    [44, 0, true],
    [0, 0xffff_ffff, true], // around the circle
    [100, 0xffff_ff9c, true],
    [0, 1, false],
    [7, 7, false],
  ])('isNewer(%i, %i) is %s', (a, b, expected) => expect(isNewer(a, b)).toBe(expected));

  test('serials 2³¹ apart are newer neither way', () => {
    expect(isNewer(0x8000_0000, 0)).toBe(false);
    expect(isNewer(0, 0x8000_0000)).toBe(false);
  });
  test('a step forward is newer, and its opposite is not', () => {
    fc.assert(
      fc.property(serials, fc.integer({ min: 1, max: SERIAL_STEP_MAX }), (serial, step) => {
        expect(isNewer(addSerial(serial, step), serial)).toBe(true);
        expect(isNewer(serial, addSerial(serial, step))).toBe(false);
      }),
    );
  });
});
