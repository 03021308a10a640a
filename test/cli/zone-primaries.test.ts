/** How `--primary` is read, and what `zone show` says of a zone that comes from one. */
import { describe, expect, test } from 'vitest';
import { primariesOf, secondaryFields } from '#cli/zone-primaries.ts';

describe('--primary', () => {
  test.each<readonly [string, string, number]>([
    ['192.0.2.1', '192.0.2.1', 53],
    ['192.0.2.1#5300', '192.0.2.1', 5300],
    ['192.0.2.1:5300', '192.0.2.1', 5300],
    ['2001:db8::1', '2001:db8::1', 53],
    ['2001:db8::1#5300', '2001:db8::1', 5300],
    ['[2001:db8::1]:5300', '2001:db8::1', 5300],
  ])('%s', (text, address, port) => {
    expect(primariesOf({ primary: [text], tsig: 'k' })).toEqual([{ address, port, key: 'k' }]);
  });

  test.each(['ns.example', '192.0.2.1#', '192.0.2.1#x', '192.0.2.1#70000', ''])('%s is no address', (text) => {
    expect(() => primariesOf({ primary: [text] })).toThrow(/--primary .* is no address/);
  });

  test('without it there are none, and a key alone is a mistake', () => {
    expect(primariesOf({})).toBeUndefined();
    expect(() => primariesOf({ tsig: 'k' })).toThrow('--tsig needs --primary');
  });
});

test('zone show has a line for each failure and each thing that was left out', () => {
  const lines = secondaryFields({
    mode: 'copy',
    state: 'failing',
    isLooking: false,
    serial: 7,
    nextLookAt: '2026-12-01T00:00:00.000Z',
    notes: ['2 RRSIG records that cover nothing are left out'],
    primaries: [{ address: '192.0.2.1', port: 53, failure: 'answers REFUSED' }],
  });
  expect(lines.map((line) => line.join(': '))).toEqual([
    'comes from: 192.0.2.1#53',
    'served: as it comes',
    'state: failing',
    'serial there: 7',
    'next look: 2026-12-01T00:00:00.000Z',
    'failure: 192.0.2.1#53 answers REFUSED',
    'left out: 2 RRSIG records that cover nothing are left out',
  ]);
  expect(secondaryFields(undefined)).toEqual([]);
});
