/** Headers of queries and answers, against packets written octet by octet; lengths that lie, and octets at random. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UDP_EDNS_BYTES_MAX } from '#base/limits/dns.ts';
import { FRAME, frameMemory, IPV4_HEADERS_BYTES, IPV6_HEADERS_BYTES, PACKET_OFFSET } from '#server/udp/xdp-frames.ts';
import { readQuery, writeAnswer } from '#server/udp/xdp-frames.ts';
import { CLIENT, CLIENT_MAC, SERVER, SERVER_MAC, onesSum, packetOf } from '../../support/packets.ts';

const FAMILIES = [4, 6] as const;
const headersOf = (family: 4 | 6) => (family === 4 ? IPV4_HEADERS_BYTES : IPV6_HEADERS_BYTES);

/** Changes octets of a packet; the IPv4 header's checksum is made right again unless it is what changes. */
function changed(packet: Buffer, at: number, octets: readonly number[], hasNewSum = true): Buffer {
  const copy = Buffer.from(packet);
  copy.set(octets, at);
  if (packet[12] === 8 && hasNewSum) {
    copy.writeUInt16BE(0, 24);
    copy.writeUInt16BE(~onesSum(copy.subarray(14, 34)) & 0xffff, 24);
  }
  return copy;
}

function read(packet: Uint8Array, before = 0): number {
  const octets = new Uint8Array(before + packet.length + 64).fill(0xee);
  octets.set(packet, before);
  return readQuery(octets, before, packet.length);
}

/** The packet of the answer with these octets, from a frame that held others. */
function answerTo(query: Uint8Array, message: Uint8Array, family: 4 | 6): Buffer {
  const memory = frameMemory(new ArrayBuffer(2048));
  const octets = memory.octets.fill(0xa5);
  octets.set(message, PACKET_OFFSET + headersOf(family));
  const length = writeAnswer(query, 0, memory, PACKET_OFFSET, message.length);
  return Buffer.from(octets.subarray(PACKET_OFFSET, PACKET_OFFSET + length));
}

describe.each(FAMILIES)('IPv%i', (family) => {
  const messages = fc.uint8Array({ minLength: 0, maxLength: UDP_EDNS_BYTES_MAX });
  const ports = fc.integer({ min: 1, max: 65_535 });
  const clients = fc
    .uint8Array({ minLength: 3, maxLength: 3 })
    .map((rest) => [...CLIENT[family].slice(0, -3), ...rest]);

  test('a query has the length that its headers say', () => {
    fc.assert(
      fc.property(messages, ports, fc.nat(20), fc.nat(64), (message, sourcePort, trailer, at) => {
        expect(read(packetOf(message, { family, sourcePort, trailer }), at)).toBe(message.length);
      }),
    );
  });

  test('an answer goes back the way its query came, with right sums', () => {
    fc.assert(
      fc.property(messages, ports, clients, (message, sourcePort, source) => {
        fc.pre(Buffer.compare(Buffer.from(source), Buffer.from(SERVER[family])) !== 0);
        const query = packetOf(Uint8Array.of(1, 2, 3), { family, sourcePort, source });
        const expected = packetOf(message, {
          family,
          source: SERVER[family],
          destination: source,
          sourcePort: 53,
          destinationPort: sourcePort,
          sourceMac: SERVER_MAC,
          destinationMac: CLIENT_MAC,
        });
        expect(answerTo(query, message, family)).toEqual(expected);
      }),
    );
  });

  test('whatever an octet becomes and wherever a packet is cut, no octet beyond it counts', () => {
    fc.assert(
      fc.property(messages, fc.nat(), fc.nat(255), fc.nat(1500), (message, place, octet, cut) => {
        const packet = packetOf(message, { family });
        packet[place % packet.length] = octet;
        const short = packet.subarray(0, Math.min(packet.length, cut));
        const length = read(short);
        expect(
          length === FRAME.MALFORMED || length === FRAME.MARTIAN || length === FRAME.PORT_ZERO || length >= 0,
        ).toBe(true);
        if (length >= 0) expect(IPV4_HEADERS_BYTES + length).toBeLessThanOrEqual(short.length);
        if (length >= 0 && packet[12] === 0x86) expect(IPV6_HEADERS_BYTES + length).toBeLessThanOrEqual(short.length);
      }),
    );
  });

  test('octets at random are no query, or one that fits', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        const length = read(octets);
        expect(length < 0 || IPV4_HEADERS_BYTES + length <= octets.length).toBe(true);
      }),
    );
  });

  test('each header cut short is malformed', () => {
    const packet = packetOf(new Uint8Array(30), { family });
    for (let length = 0; length < packet.length; length++)
      expect(read(packet.subarray(0, length))).toBe(FRAME.MALFORMED);
  });

  test('a length in the frame that is longer than the memory is malformed', () => {
    const packet = packetOf(new Uint8Array(30), { family });
    expect(readQuery(packet, 0, packet.length + 1)).toBe(FRAME.MALFORMED);
    expect(readQuery(packet, 1, packet.length)).toBe(FRAME.MALFORMED);
  });

  test('RFC 768: a UDP length below 8, or beyond the packet, is malformed', () => {
    const packet = packetOf(new Uint8Array(30), { family });
    const at = headersOf(family) - 4;
    for (const length of [0, 7, 39, 65_535])
      expect(read(changed(packet, at, [length >> 8, length & 0xff]))).toBe(FRAME.MALFORMED);
    // Shorter than the IP header's: the rest is no part of the message.
    expect(read(changed(packet, at, [0, 20]))).toBe(12);
  });

  test('a VLAN tag, another protocol, port 0', () => {
    const packet = packetOf(new Uint8Array(30), { family });
    const tagged = Buffer.concat([packet.subarray(0, 12), Buffer.from([0x81, 0, 0, 5]), packet.subarray(12)]);
    expect(read(tagged)).toBe(FRAME.MALFORMED);
    expect(read(changed(packet, family === 4 ? 23 : 20, [6]))).toBe(FRAME.MALFORMED);
    expect(read(packetOf(new Uint8Array(12), { family, sourcePort: 0 }))).toBe(FRAME.PORT_ZERO);
  });

  test('from the address that it is sent to', () => {
    expect(read(packetOf(new Uint8Array(12), { family, source: SERVER[family] }))).toBe(FRAME.MARTIAN);
  });

  test('a checksum that would be 0 is written as 0xffff', () => {
    const zero = Array.from({ length: 65_536 }, (_, word) => Uint8Array.of(word >> 8, word & 0xff)).find((message) => {
      const answer = answerTo(packetOf(Uint8Array.of(1), { family }), message, family);
      return answer.readUInt16BE(headersOf(family) - 2) === 0xffff;
    });
    expect(zero).toBeDefined();
  });
});

describe('RFC 791 §3.1', () => {
  const packet = packetOf(new Uint8Array(30));

  test.each([
    ['options', 14, [0x46]],
    ['another version', 14, [0x55]],
    ['a first fragment', 20, [0x20, 0]],
    ['a later fragment', 20, [0, 5]],
    ['a total length below its headers', 16, [0, 27]],
    ['a total length beyond the packet', 16, [1, 0]],
  ] as const)('%s: malformed', (_, at, octets) => {
    expect(read(changed(packet, at, octets))).toBe(FRAME.MALFORMED);
  });

  test('a wrong header checksum: malformed', () => {
    expect(read(changed(packet, 24, [packet[24]! ^ 1], false))).toBe(FRAME.MALFORMED);
    expect(read(changed(packet, 22, [1], false))).toBe(FRAME.MALFORMED);
  });

  test('RFC 1122 §3.2.1.3: addresses that nobody sends from', () => {
    for (const source of [
      [0, 0, 0, 0],
      [0, 1, 2, 3],
      [127, 0, 0, 1],
      [224, 0, 0, 1],
      [239, 9, 9, 9],
      [255, 255, 255, 255],
    ])
      expect(read(packetOf(new Uint8Array(12), { source }))).toBe(FRAME.MARTIAN);
    for (const source of [
      [1, 0, 0, 0],
      [126, 0, 0, 1],
      [223, 255, 255, 255],
    ])
      expect(read(packetOf(new Uint8Array(12), { source }))).toBe(12);
  });

  test('RFC 768: a packet without a checksum is taken, and so is a wrong one', () => {
    expect(read(packetOf(new Uint8Array(12), { checksum: 0 }))).toBe(12);
    expect(read(packetOf(new Uint8Array(12), { checksum: 0x1234 }))).toBe(12);
  });
});

describe('RFC 8200', () => {
  test('§8.1: a packet without a checksum is not taken', () => {
    expect(read(packetOf(new Uint8Array(12), { family: 6, checksum: 0 }))).toBe(FRAME.MALFORMED);
    expect(read(packetOf(new Uint8Array(12), { family: 6, checksum: 0x1234 }))).toBe(12);
  });

  test('RFC 4291 §2.5.2, §2.5.3, §2.7: addresses that nobody sends from', () => {
    const zeros = Array<number>(15).fill(0);
    for (const source of [
      [...zeros, 0],
      [...zeros, 1],
      [0xff, 2, ...zeros.slice(1)],
    ])
      expect(read(packetOf(new Uint8Array(12), { family: 6, source }))).toBe(FRAME.MARTIAN);
    expect(read(packetOf(new Uint8Array(12), { family: 6, source: [...zeros, 2] }))).toBe(12);
  });
});
