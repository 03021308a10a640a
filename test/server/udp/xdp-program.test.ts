/** The kernel judges the program: its verifier takes it, and it runs on packets that were made (BPF_PROG_TEST_RUN). */
import { XDP_PACKET_BYTES_MAX, XDP_PORTS_MAX, XDP_QUEUES_MAX } from '#base/limits/server.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTROL, CONTROL_MAPPED_BYTES, XdpControl } from '#server/udp/xdp-control.ts';
import { BPF_ATTR, BPF_ATTR_BYTES, XDP_NUMBER } from '#server/udp/xdp-layout.ts';
import { nativeMemory } from '#server/udp/mmsg-syscalls.ts';
import { mapped } from '#server/udp/xdp-netlink.ts';
import { createMap, loadProgram, openQueue, putSocket, runBpf } from '#server/udp/xdp-open.ts';
import { xdpProgram } from '#server/udp/xdp-program.ts';
import { loadXdpSyscalls, mapShared, putWide, viewMemory } from '#server/udp/xdp-syscalls.ts';
import { CLIENT, SERVER, SERVER_MAC, packetOf } from '../../support/packets.ts';

const { XDP_PASS, XDP_REDIRECT } = XDP_NUMBER;
const PORTS = [53, 5300];
const calls = loadXdpSyscalls();
const open: number[] = [];
let program = -1;
let control: XdpControl;

const keep = (fd: number) => {
  open.push(fd);
  return fd;
};
const octetsOf = (family: 4 | 6) => (family === 4 ? mapped(Uint8Array.from(SERVER[4])) : Uint8Array.from(SERVER[6]));

beforeAll(() => {
  const { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_XSKMAP, BPF_F_MMAPABLE } = XDP_NUMBER;
  const block = keep(
    createMap(calls, { type: BPF_MAP_TYPE_ARRAY, valueBytes: CONTROL.SIZE_BYTES, entries: 1, flags: BPF_F_MMAPABLE }),
  );
  const sockets = keep(
    createMap(calls, { type: BPF_MAP_TYPE_XSKMAP, valueBytes: 4, entries: XDP_QUEUES_MAX, flags: 0 }),
  );
  putSocket(calls, sockets, 0, openQueue(calls, 1, keep).fd);
  program = keep(loadProgram(calls, xdpProgram({ sockets, control: block }, PORTS)));
  control = new XdpControl(viewMemory(mapShared(calls, block, CONTROL_MAPPED_BYTES)));
  control.setHardwareAddress(Uint8Array.from(SERVER_MAC));
  control.setActive(0, true);
  control.setAddresses([
    { family: 4, octets: octetsOf(4), port: 53 },
    { family: 6, octets: octetsOf(6), port: 53 },
  ]);
});

afterAll(() => {
  for (const fd of open) calls.close(fd);
});

/** What the program says of a packet in the first queue of an interface. */
function run(packet: Uint8Array): number {
  const at = BPF_ATTR.BPF_PROG_TEST_RUN;
  const attr = nativeMemory(BPF_ATTR_BYTES);
  const data = nativeMemory(Math.ceil(packet.length / 8) * 8);
  data.octets.set(packet);
  attr.words[at.prog_fd / 4] = program;
  attr.words[at.data_size_in / 4] = packet.length;
  putWide(attr, at.data_in, data.address);
  attr.words[at.repeat / 4] = 1;
  runBpf(calls, 'BPF_PROG_TEST_RUN', attr);
  return attr.words[at.retval / 4]!;
}

const QUERY = new Uint8Array(40);

describe.each([4, 6] as const)('IPv%i', (family) => {
  const packet = packetOf(QUERY, { family });
  const changed = (at: number, ...octets: readonly number[]) => {
    const copy = Buffer.from(packet);
    copy.set(octets, at);
    return copy;
  };

  test('a query to our address and port goes to the socket', () => {
    expect(run(packet)).toBe(XDP_REDIRECT);
    expect(run(packetOf(new Uint8Array(0), { family }))).toBe(XDP_REDIRECT);
  });

  test('to another address, by any of its octets: on to the kernel', () => {
    for (let octet = 0; octet < SERVER[family].length; octet++) {
      const destination = SERVER[family].map((each, at) => (at === octet ? each ^ 1 : each));
      expect(run(packetOf(QUERY, { family, destination }))).toBe(XDP_PASS);
    }
    expect(run(packetOf(QUERY, { family, destination: CLIENT[family] }))).toBe(XDP_PASS);
  });

  test('to another port, one of ours at another address too', () => {
    for (const destinationPort of [1, 52, 54, 5300, 13_568, 65_535])
      expect(run(packetOf(QUERY, { family, destinationPort }))).toBe(XDP_PASS);
  });

  test('to another hardware address: it is another machine’s', () => {
    for (let octet = 0; octet < 6; octet++) {
      const destinationMac = SERVER_MAC.map((each, at) => (at === octet ? each ^ 4 : each));
      expect(run(packetOf(QUERY, { family, destinationMac }))).toBe(XDP_PASS);
    }
    expect(run(packetOf(QUERY, { family, destinationMac: Array<number>(6).fill(255) }))).toBe(XDP_PASS);
  });

  test('TCP, other protocols, another version', () => {
    const protocol = family === 4 ? 23 : 20;
    for (const other of [1, 6, 44, 58, 132]) expect(run(changed(protocol, other))).toBe(XDP_PASS);
    expect(run(changed(14, family === 4 ? 0x65 : 0x45))).toBe(XDP_PASS);
  });

  test('a VLAN tag, other Ethernet types', () => {
    expect(run(Buffer.concat([packet.subarray(0, 12), Buffer.from([0x81, 0, 0, 5]), packet.subarray(12)]))).toBe(
      XDP_PASS,
    );
    for (const type of [0x0806, 0x8847, 0x0000]) expect(run(changed(12, type >> 8, type & 0xff))).toBe(XDP_PASS);
  });

  test('longer than a frame: the kernel’s sockets take it', () => {
    const headers = family === 4 ? 42 : 62;
    expect(run(packetOf(new Uint8Array(XDP_PACKET_BYTES_MAX - headers), { family }))).toBe(XDP_REDIRECT);
    expect(run(packetOf(new Uint8Array(XDP_PACKET_BYTES_MAX - headers + 1), { family }))).toBe(XDP_PASS);
  });

  test('cut anywhere in its headers', () => {
    // The kernel runs no program on less than an Ethernet header.
    for (let length = 14; length < (family === 4 ? 42 : 62); length++)
      expect(run(packet.subarray(0, length))).toBe(XDP_PASS);
  });
});

describe('RFC 791 §3.1: IPv4', () => {
  test.each([
    ['a first fragment', 20, 0x20],
    ['a later fragment', 21, 5],
    ['options', 14, 0x46],
  ])('%s', (_, at, octet) => {
    const packet = packetOf(QUERY);
    packet[at] = octet;
    expect(run(packet)).toBe(XDP_PASS);
  });

  test('"do not fragment" is no fragment', () => {
    const packet = packetOf(QUERY);
    packet[20] = 0x40;
    expect(run(packet)).toBe(XDP_REDIRECT);
  });

  test('an IPv6 packet to ::ffff:192.0.2.1 is no packet to 192.0.2.1', () => {
    // Nothing of the kind is on any wire (RFC 4291 §2.5.5.2); the table has both in one form.
    const destination = [...mapped(Uint8Array.from(SERVER[4]))];
    expect(run(packetOf(QUERY, { family: 6, destination }))).toBe(XDP_PASS);
  });
});

describe('the control block', () => {
  test('a queue that is not active, and one that has no socket', () => {
    control.setActive(0, false);
    expect(run(packetOf(QUERY))).toBe(XDP_PASS);
    control.setActive(0, true);
    expect(run(packetOf(QUERY))).toBe(XDP_REDIRECT);
  });

  test('another table, and back: 120 addresses, each of them found, none beside them', () => {
    const addressOf = (last: number) => [10, 1, 2, last];
    const address = (last: number) => ({
      family: 4 as const,
      octets: mapped(Uint8Array.from(addressOf(last))),
      port: last % 2 === 0 ? 53 : 5300,
    });
    control.setAddresses(Array.from({ length: 120 }, (_, last) => address(last)));
    for (let last = 0; last < 256; last++) {
      const port = address(last).port;
      const asked = { destination: addressOf(last), destinationPort: port };
      expect(run(packetOf(QUERY, asked))).toBe(last < 120 ? XDP_REDIRECT : XDP_PASS);
      expect(run(packetOf(QUERY, { ...asked, destinationPort: port === 53 ? 5300 : 53 }))).toBe(XDP_PASS);
    }
    expect(run(packetOf(QUERY))).toBe(XDP_PASS);
    control.setAddresses([{ family: 4, octets: octetsOf(4), port: 53 }]);
    expect(run(packetOf(QUERY))).toBe(XDP_REDIRECT);
  });

  test('a port that the program was not made with is never taken, whatever the block says', () => {
    control.setAddresses([{ family: 4, octets: octetsOf(4), port: 443 }]);
    expect(run(packetOf(QUERY, { destinationPort: 443 }))).toBe(XDP_PASS);
    control.setAddresses([{ family: 4, octets: octetsOf(4), port: 53 }]);
  });
});

test('a program for all ports that there may be passes the verifier', () => {
  const ports = Array.from({ length: XDP_PORTS_MAX }, (_, at) => 1000 + at);
  const { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_XSKMAP, BPF_F_MMAPABLE } = XDP_NUMBER;
  const block = keep(
    createMap(calls, { type: BPF_MAP_TYPE_ARRAY, valueBytes: CONTROL.SIZE_BYTES, entries: 1, flags: BPF_F_MMAPABLE }),
  );
  const sockets = keep(createMap(calls, { type: BPF_MAP_TYPE_XSKMAP, valueBytes: 4, entries: 1, flags: 0 }));
  expect(keep(loadProgram(calls, xdpProgram({ sockets, control: block }, ports)))).toBeGreaterThan(0);
  expect(() => xdpProgram({ sockets, control: block }, [])).toThrow('0 ports');
  expect(() => loadProgram(calls, new Uint8Array(16))).toThrow(/BPF_PROG_LOAD/);
});
