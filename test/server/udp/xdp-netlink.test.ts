/** Messages of rtnetlink: what is read from them, and that a length which lies does no harm. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { XDP_NUMBER as N } from '#server/udp/xdp-layout.ts';
import { dumpRequest, readDumpPart } from '#server/udp/xdp-netlink.ts';

const SEQUENCE = 7;

function attribute(type: number, content: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(4 + content.length, 0);
  head.writeUInt16LE(type, 2);
  return Buffer.concat([head, content, Buffer.alloc(-content.length & 3)]);
}

function message(type: number, body: Buffer, flags = 2, sequence = SEQUENCE): Buffer {
  const head = Buffer.alloc(16);
  head.writeUInt32LE(16 + body.length, 0);
  head.writeUInt16LE(type, 4);
  head.writeUInt16LE(flags, 6);
  head.writeUInt32LE(sequence, 8);
  return Buffer.concat([head, body, Buffer.alloc(-body.length & 3)]);
}

const word = (value: number) => {
  const octets = Buffer.alloc(4);
  octets.writeUInt32LE(value);
  return octets;
};

function linkMessage(kind = 'veth', flags = 2): Buffer {
  const info = Buffer.alloc(16);
  info.writeUInt16LE(N.ARPHRD_ETHER, 2);
  info.writeInt32LE(5, 4);
  info.writeUInt32LE(N.IFF_UP, 8);
  const attributes = [
    attribute(N.IFLA_IFNAME, Buffer.from('eth0\0')),
    attribute(N.IFLA_MTU, word(1500)),
    attribute(N.IFLA_ADDRESS, Buffer.from([2, 0, 0, 0, 0, 9])),
    attribute(N.IFLA_NUM_RX_QUEUES, word(4)),
    // The bit that says that there are attributes in it.
    attribute(N.IFLA_LINKINFO | 0x8000, attribute(N.IFLA_INFO_KIND, Buffer.from(`${kind}\0`))),
  ];
  return message(N.RTM_NEWLINK, Buffer.concat([info, ...attributes]), flags);
}

function addressMessage(
  family: number,
  octets: readonly number[],
  flags: number,
  type: number = N.IFA_ADDRESS,
): Buffer {
  const head = Buffer.from([family, 24, flags & 0xff, 0, 5, 0, 0, 0]);
  return message(
    N.RTM_NEWADDR,
    Buffer.concat([head, attribute(type, Buffer.from(octets)), attribute(N.IFA_FLAGS, word(flags))]),
  );
}

const done = message(N.NLMSG_DONE, word(0));

test('a request: RFC 3549 §2.3.2', () => {
  const octets = Buffer.from(dumpRequest('links', SEQUENCE));
  expect([octets.length, octets.readUInt32LE(0), octets.readUInt16LE(4), octets.readUInt16LE(6)]).toEqual([
    32, 32, 18, 0x301,
  ]);
  expect(Buffer.from(dumpRequest('addresses', SEQUENCE)).readUInt16LE(4)).toBe(22);
});

describe('answers', () => {
  test('an interface, with all that is asked of it', () => {
    const part = readDumpPart(Buffer.concat([linkMessage(), linkMessage('vlan'), done]), SEQUENCE);
    const eth0 = { index: 5, name: 'eth0', mtu: 1500, isUp: true, isEthernet: true, kind: 'veth', receiveQueues: 4 };
    expect(part.links).toEqual([
      { ...eth0, mac: Buffer.from([2, 0, 0, 0, 0, 9]) },
      { ...eth0, kind: 'vlan', mac: Buffer.from([2, 0, 0, 0, 0, 9]) },
    ]);
    expect([part.isDone, part.isTorn, part.hasEvent, part.errno]).toEqual([true, false, false, 0]);
  });

  test('addresses; IPv4 as ::ffff:a.b.c.d, the own end of a point-to-point interface', () => {
    const six = Array.from({ length: 16 }, (_, at) => at);
    const both = Buffer.concat([addressMessage(2, [192, 0, 2, 1], 0, N.IFA_LOCAL), addressMessage(10, six, 0x80)]);
    const { addresses } = readDumpPart(both, SEQUENCE);
    expect(addresses.map(({ index, octets }) => `${index} ${octets.join('.')}`)).toEqual([
      '5 0.0.0.0.0.0.0.0.0.0.255.255.192.0.2.1',
      `5 ${six.join('.')}`,
    ]);
  });

  test('RFC 4862 §5.4: an address that is not certain to be ours is none', () => {
    const six = Array<number>(16).fill(1);
    const parts = Buffer.concat([
      addressMessage(10, six, N.IFA_F_TENTATIVE),
      addressMessage(10, six, N.IFA_F_DADFAILED),
    ]);
    expect(readDumpPart(parts, SEQUENCE).addresses).toEqual([]);
  });

  test('events, torn lists, refusals', () => {
    expect(readDumpPart(message(N.RTM_NEWLINK, Buffer.alloc(16), 0, 0), SEQUENCE)).toMatchObject({
      hasEvent: true,
      links: [],
    });
    expect(readDumpPart(linkMessage('veth', 2 | N.NLM_F_DUMP_INTR), SEQUENCE).isTorn).toBe(true);
    const refused = Buffer.alloc(4);
    refused.writeInt32LE(-1);
    expect(readDumpPart(message(N.NLMSG_ERROR, refused), SEQUENCE).errno).toBe(1);
  });

  test('cut anywhere, or with any octet changed: what can be read is read', () => {
    const whole = Buffer.concat([linkMessage(), addressMessage(2, [192, 0, 2, 1], 0), done]);
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(whole.length - 1), fc.nat(255), (length, at, octet) => {
        const octets = Buffer.from(whole);
        octets[at] = octet;
        const { links, addresses } = readDumpPart(octets.subarray(0, length), SEQUENCE);
        expect(links.length + addresses.length).toBeLessThanOrEqual(2);
      }),
    );
  });
});
