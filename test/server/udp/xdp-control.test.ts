/** The block that a program reads: written as server/udp/xdp-program.ts searches it. That the program does so: xdp-program.test.ts. */
import { XDP_ADDRESSES_MAX, XDP_QUEUES_MAX, XDP_TABLE_PROBES } from '#base/limits/server.ts';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CONTROL, CONTROL_MAPPED_BYTES, XdpControl, hashAddress } from '#server/udp/xdp-control.ts';
import { type AnsweredAddress } from '#server/udp/xdp-control.ts';

const keyOf = ({ family, octets, port }: AnsweredAddress) => `${family} ${octets.join('.')} ${port}`;

const addresses = fc.uniqueArray(
  fc.record({
    family: fc.constantFrom(4, 6),
    octets: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    port: fc.integer({ min: 1, max: 65_535 }),
  }),
  { maxLength: XDP_ADDRESSES_MAX, selector: keyOf },
);

/** The search of the program. */
function holds(memory: ArrayBuffer, address: AnsweredAddress): boolean {
  const { family, octets, port } = address;
  const view = new DataView(memory);
  const index = view.getUint32(CONTROL.TABLE_INDEX, true);
  const first = hashAddress(address, view.getUint32(CONTROL.SEEDS + 4 * index, true));
  return Array.from({ length: XDP_TABLE_PROBES }, (_, probe) => first + probe).some((slot) => {
    const at = CONTROL.TABLES + index * CONTROL.TABLE_BYTES + slot * CONTROL.SLOT_BYTES;
    return (
      Buffer.from(memory, at, 16).equals(octets) &&
      view.getUint16(at + 16) === port &&
      view.getUint8(at + 18) === family
    );
  });
}

describe('addresses', () => {
  test('those that are set are found, and those that were set before are not', () => {
    fc.assert(
      fc.property(addresses, addresses, (before, now) => {
        const memory = new ArrayBuffer(CONTROL_MAPPED_BYTES);
        const control = new XdpControl(memory);
        control.setAddresses(before);
        expect(before.every((each) => holds(memory, each))).toBe(true);
        control.setAddresses(now);
        expect(now.every((each) => holds(memory, each))).toBe(true);
        const keys = new Set(now.map(keyOf));
        const gone = before.filter((each) => !keys.has(keyOf(each)));
        expect(gone.some((each) => holds(memory, each))).toBe(false);
      }),
    );
  });

  test('a full table of neighbours, as a network has them', () => {
    const memory = new ArrayBuffer(CONTROL_MAPPED_BYTES);
    const octets = (last: number) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, last);
    const all = Array.from({ length: XDP_ADDRESSES_MAX }, (_, last) => ({
      family: 4 as const,
      octets: octets(last),
      port: 53,
    }));
    new XdpControl(memory).setAddresses(all);
    expect(all.every((each) => holds(memory, each))).toBe(true);
    expect(holds(memory, { family: 4, octets: octets(200), port: 53 })).toBe(false);
    expect(holds(memory, { family: 4, octets: octets(1), port: 54 })).toBe(false);
    expect(() => new XdpControl(memory).setAddresses([...all, all[0]!])).toThrow('129 addresses');
  });
});

test('queues are active one by one, and the hardware address stands in front', () => {
  const memory = new ArrayBuffer(CONTROL_MAPPED_BYTES);
  const control = new XdpControl(memory);
  control.setHardwareAddress(Uint8Array.of(1, 2, 3, 4, 5, 6));
  control.setActive(0, true);
  control.setActive(XDP_QUEUES_MAX - 1, true);
  control.setActive(0, false);
  expect([0, 1, XDP_QUEUES_MAX - 1].map((queue) => control.isActive(queue))).toEqual([false, false, true]);
  expect([...new Uint8Array(memory, 0, 8)]).toEqual([1, 2, 3, 4, 5, 6, 0, 0]);
  expect(() => control.setHardwareAddress(new Uint8Array(5))).toThrow('5 octets');
  expect(() => control.setActive(XDP_QUEUES_MAX, true)).toThrow('queue 64');
  expect(CONTROL_MAPPED_BYTES).toBeGreaterThanOrEqual(CONTROL.SIZE_BYTES);
});
