/** What is answered at an interface: never an address that this machine does not have. */
import { describe, expect, test } from 'vitest';
import { parseIpPort } from '#base/address.ts';
import { XDP_ADDRESSES_MAX } from '#base/limits/server.ts';
import { answeredAddresses } from '#server/udp/xdp-addresses.ts';
import { type Link, type Network, mapped } from '#server/udp/xdp-netlink.ts';

const link = (index: number, name: string, kind = ''): Link => ({
  ...{ index, name, kind, mtu: 1500, isUp: true, isEthernet: true, receiveQueues: 1 },
  mac: Uint8Array.of(2, 0, 0, 0, 0, index),
});
const four = (...octets: readonly number[]) => mapped(Uint8Array.from(octets));
const six = (first: number, last: number) => Uint8Array.of(first, 0x80, ...Array<number>(13).fill(0), last);

const NETWORK: Network = {
  links: [link(1, 'lo'), link(2, 'eth0'), link(3, 'eth1'), link(4, 'eth0.7', 'vlan')],
  addresses: [
    { index: 1, family: 4, octets: four(198, 51, 100, 53) },
    { index: 2, family: 4, octets: four(192, 0, 2, 1) },
    { index: 2, family: 4, octets: four(192, 0, 2, 2) },
    { index: 2, family: 6, octets: six(0xfe, 1) },
    { index: 2, family: 6, octets: six(0x20, 1) },
    { index: 3, family: 4, octets: four(203, 0, 113, 9) },
    { index: 3, family: 6, octets: six(0xfe, 2) },
    { index: 4, family: 4, octets: four(10, 7, 0, 1) },
  ],
};

function answered(...listen: readonly string[]) {
  const parsed = listen.map((text) => {
    const each = parseIpPort(text);
    if (!each.ok) throw new Error(text);
    return each.value;
  });
  return answeredAddresses(parsed, NETWORK, 2).addresses.map(
    ({ octets, port }) => `${octets.slice(-4).join('.')}:${port}`,
  );
}

describe('at eth0', () => {
  test('addresses that are named: those that the machine has, wherever', () => {
    expect(answered('192.0.2.1:53')).toEqual(['192.0.2.1:53']);
    expect(answered('198.51.100.53:53', '203.0.113.9:53')).toEqual(['198.51.100.53:53', '203.0.113.9:53']);
    expect(answered('192.0.2.77:53')).toEqual([]);
  });

  test('a wildcard: its own addresses, of its family, and those of no other interface', () => {
    expect(answered('0.0.0.0:53')).toEqual(['192.0.2.1:53', '192.0.2.2:53']);
    expect(answered('[::]:53')).toEqual(['0.0.0.1:53', '0.0.0.1:53']);
    expect(answered('0.0.0.0:53', '192.0.2.1:53', '192.0.2.1:5300')).toEqual([
      '192.0.2.1:53',
      '192.0.2.1:5300',
      '192.0.2.2:53',
    ]);
  });

  test('a VLAN’s address is its own: an answer would need its tag', () => {
    expect(answered('10.7.0.1:53')).toEqual([]);
  });

  test('RFC 4291 §2.5.6: a link-local address is that of its own link', () => {
    expect(answered('[fe80::1]:53')).toEqual(['0.0.0.1:53']);
    expect(answered('[fe80::2]:53')).toEqual([]);
    expect(answeredAddresses([{ ip: 'fe80::2', family: 6, port: 53 }], NETWORK, 3).addresses).toHaveLength(1);
  });
});

test('more addresses than the table takes: the rest is told', () => {
  const addresses = Array.from({ length: XDP_ADDRESSES_MAX + 3 }, (_, at) => ({
    index: 2,
    family: 4 as const,
    octets: four(10, 1, at >> 8, at & 255),
  }));
  const found = answeredAddresses([{ ip: '0.0.0.0', family: 4, port: 53 }], { ...NETWORK, addresses }, 2);
  expect([found.addresses.length, found.left]).toEqual([XDP_ADDRESSES_MAX, 3]);
});
