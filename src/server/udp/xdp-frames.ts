/**
 * Packets as they are on the wire: a query's headers are read, and those of its answer are written. Every length is
 * compared with the number of octets that there are; none is believed.
 * Implements: RFC 791 §3.1, RFC 8200 §3 and §8.1, RFC 768, RFC 1071 (checksums), RFC 1122 §3.2.1.3 (addresses that are
 * no source), RFC 9715 §3.1 (IPv4 answers are not to be fragmented).
 * The checksum of a query is not looked at: a peer on the same machine leaves it to a card that is not there, and the
 * kernel knows that while an XDP program does not. Ethernet has one of its own.
 * Not here: which packets come here (xdp-program.ts), where they are in memory (xdp-batch.ts).
 */

export const ETHERNET_BYTES = 14;
const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const UDP_HEADER_BYTES = 8;
/** From the beginning of a packet to its DNS message. */
export const IPV4_HEADERS_BYTES = ETHERNET_BYTES + IPV4_HEADER_BYTES + UDP_HEADER_BYTES;
export const IPV6_HEADERS_BYTES = ETHERNET_BYTES + IPV6_HEADER_BYTES + UDP_HEADER_BYTES;
/** Source addresses from the beginning of a packet. */
export const IPV4_SOURCE = ETHERNET_BYTES + 12;
export const IPV6_SOURCE = ETHERNET_BYTES + 8;

const UDP_PROTOCOL = 17;
const HOPS = 64;

/** What readQuery says of a packet; the length of its DNS message is 0 or more otherwise. */
export const FRAME = {
  /** Its headers contradict each other, or the number of its octets. */
  MALFORMED: -1,
  /** From an address that is no source (RFC 1122 §3.2.1.3, RFC 4291 §2.5–2.7). */
  MARTIAN: -2,
  /** No client can receive on port 0. */
  PORT_ZERO: -3,
} as const;

/** The length of the DNS message in the packet of `length` octets at `at`, or one of FRAME. */
export function readQuery(octets: Uint8Array, at: number, length: number): number {
  if (length < IPV4_HEADERS_BYTES || at + length > octets.length) return FRAME.MALFORMED;
  return isIpv6Packet(octets, at) ? readIpv6(octets, at, length) : readIpv4(octets, at, length);
}

/** By its Ethernet type alone. */
export function isIpv6Packet(octets: Uint8Array, at: number): boolean {
  return octets[at + 12] === 0x86 && octets[at + 13] === 0xdd;
}

function readIpv4(octets: Uint8Array, at: number, length: number): number {
  if (octets[at + 12] !== 0x08 || octets[at + 13] !== 0x00) return FRAME.MALFORMED;
  const ip = at + ETHERNET_BYTES;
  const total = wide(octets, ip + 2);
  const isWhole = (wide(octets, ip + 6) & 0x3fff) === 0;
  if (octets[ip] !== 0x45 || octets[ip + 9] !== UDP_PROTOCOL || !isWhole) return FRAME.MALFORMED;
  // Ethernet fills short packets up: more octets than the header says are nothing; fewer are a cut packet.
  if (total < IPV4_HEADER_BYTES + UDP_HEADER_BYTES || total > length - ETHERNET_BYTES) return FRAME.MALFORMED;
  if (headerSum(octets, ip) !== 0xffff) return FRAME.MALFORMED;
  const first = octets[ip + 12]!;
  const isBroadcast = first === 255 && octets[ip + 13] === 255 && octets[ip + 14] === 255 && octets[ip + 15] === 255;
  if (first === 0 || first === 127 || (first >= 224 && first < 240) || isBroadcast) return FRAME.MARTIAN;
  if (equalAt(octets, ip + 12, ip + 16, 4)) return FRAME.MARTIAN;
  return readUdp(octets, ip + IPV4_HEADER_BYTES, total - IPV4_HEADER_BYTES);
}

function readIpv6(octets: Uint8Array, at: number, length: number): number {
  if (length < IPV6_HEADERS_BYTES) return FRAME.MALFORMED;
  const ip = at + ETHERNET_BYTES;
  const payload = wide(octets, ip + 4);
  if (octets[ip]! >> 4 !== 6 || octets[ip + 6] !== UDP_PROTOCOL) return FRAME.MALFORMED;
  if (payload < UDP_HEADER_BYTES || payload > length - ETHERNET_BYTES - IPV6_HEADER_BYTES) return FRAME.MALFORMED;
  const udp = ip + IPV6_HEADER_BYTES;
  // RFC 8200 §8.1: over IPv6 a packet without a checksum is thrown away.
  if (octets[udp + 6] === 0 && octets[udp + 7] === 0) return FRAME.MALFORMED;
  if (octets[ip + 8] === 0xff || isUnspecifiedOrLoopback(octets, ip + 8)) return FRAME.MARTIAN;
  if (equalAt(octets, ip + 8, ip + 24, 16)) return FRAME.MARTIAN;
  return readUdp(octets, udp, payload);
}

/** `room`: octets of the packet from the UDP header on. */
function readUdp(octets: Uint8Array, udp: number, room: number): number {
  const length = wide(octets, udp + 4);
  if (length < UDP_HEADER_BYTES || length > room) return FRAME.MALFORMED;
  if (octets[udp] === 0 && octets[udp + 1] === 0) return FRAME.PORT_ZERO;
  return length - UDP_HEADER_BYTES;
}

/** `::` and `::1`. */
function isUnspecifiedOrLoopback(octets: Uint8Array, at: number): boolean {
  for (let each = 0; each < 15; each++) if (octets[at + each] !== 0) return false;
  return octets[at + 15]! <= 1;
}

function equalAt(octets: Uint8Array, a: number, b: number, length: number): boolean {
  for (let each = 0; each < length; each++) if (octets[a + each] !== octets[b + each]) return false;
  return true;
}

function wide(octets: Uint8Array, at: number): number {
  return (octets[at]! << 8) | octets[at + 1]!;
}

/** One's complement sum of an IPv4 header, folded: 0xffff when its checksum is right. */
function headerSum(octets: Uint8Array, ip: number): number {
  let sum = 0;
  for (let each = 0; each < IPV4_HEADER_BYTES; each += 2) sum += wide(octets, ip + each);
  return fold(sum);
}

function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16);
  return folded;
}

/** Frames for answers: the same octets one by one, two and four at a time. */
export interface FrameMemory {
  readonly octets: Uint8Array;
  readonly halves: Uint16Array;
  readonly words: Uint32Array;
}

/** All of a buffer, whose length is a multiple of four. */
export function frameMemory(memory: ArrayBuffer, sizeBytes = memory.byteLength): FrameMemory {
  return {
    octets: new Uint8Array(memory, 0, sizeBytes),
    halves: new Uint16Array(memory, 0, sizeBytes / 2),
    words: new Uint32Array(memory, 0, sizeBytes / 4),
  };
}

/**
 * A frame's packet begins this far from its beginning, which is a multiple of four: so IP header, UDP header and DNS
 * message begin at multiples of four too, and sums take four octets at a time.
 */
export const PACKET_OFFSET = 2;

/**
 * Writes the headers of the answer to the query at `query`, which readQuery has found right, in front of a DNS message
 * of `length` octets that is there already. The packet begins at `at`, PACKET_OFFSET after a multiple of four. Returns the
 * length of the packet. Octets after it, up to a multiple of four, are overwritten.
 *
 * Numbers are written and summed two octets at a time as the machine has them, so constants stand swapped here
 * (RFC 1071 §2(B): a sum of swapped numbers is the swapped sum). mmsg-syscalls.ts makes sure that the machine is
 * little-endian.
 */
export function writeAnswer(
  queries: Uint8Array,
  query: number,
  memory: FrameMemory,
  at: number,
  length: number,
): number {
  const { octets, halves, words } = memory;
  const to = at >>> 1;
  copyHalves(queries, query + 6, halves, to, 3);
  copyHalves(queries, query, halves, to + 3, 3);
  copyHalves(queries, query + 12, halves, to + 6, 1);
  const udpLength = UDP_HEADER_BYTES + length;
  const isIpv6 = isIpv6Packet(queries, query);
  const [ip, toIp] = [query + ETHERNET_BYTES, to + ETHERNET_BYTES / 2];
  const addresses = isIpv6
    ? writeIpv6(queries, ip, halves, toIp, udpLength)
    : writeIpv4(queries, ip, halves, toIp, udpLength);
  const headersBytes = isIpv6 ? IPV6_HEADERS_BYTES : IPV4_HEADERS_BYTES;
  const queryUdp = query + headersBytes - UDP_HEADER_BYTES;
  const udp = to + (headersBytes - UDP_HEADER_BYTES) / 2;
  const ports = copyHalves(queries, queryUdp + 2, halves, udp, 1) + copyHalves(queries, queryUdp, halves, udp + 1, 1);
  halves[udp + 2] = swapped(udpLength);
  const message = at + headersBytes;
  const end = message + length;
  for (let each = end; (each & 3) !== 0; each++) octets[each] = 0;
  // The length stands in the header and in the pseudo-header (RFC 768, RFC 8200 §8.1).
  const headers = addresses + ports + 2 * swapped(udpLength) + swapped(UDP_PROTOCOL);
  const checksum = ~fold(headers + sumWords(words, message >>> 2, (end + 3) >>> 2)) & 0xffff;
  // 0 would say that there is none; both are the same number.
  halves[udp + 3] = checksum === 0 ? 0xffff : checksum;
  return end - at;
}

/** Returns the sum of both addresses, as writeIpv6 does. */
function writeIpv4(queries: Uint8Array, query: number, halves: Uint16Array, to: number, udpLength: number): number {
  const total = swapped(IPV4_HEADER_BYTES + udpLength);
  halves[to] = 0x0045;
  halves[to + 1] = total;
  // RFC 6864 §4.1: a packet that is not to be fragmented needs no identification.
  halves[to + 2] = 0;
  halves[to + 3] = 0x0040;
  halves[to + 4] = HOPS_AND_UDP;
  const addresses =
    copyHalves(queries, query + 16, halves, to + 6, 2) + copyHalves(queries, query + 12, halves, to + 8, 2);
  halves[to + 5] = ~fold(0x0045 + total + 0x0040 + HOPS_AND_UDP + addresses) & 0xffff;
  return addresses;
}

function writeIpv6(queries: Uint8Array, query: number, halves: Uint16Array, to: number, udpLength: number): number {
  halves[to] = 0x0060;
  halves[to + 1] = 0;
  halves[to + 2] = swapped(udpLength);
  halves[to + 3] = UDP_AND_HOPS;
  return copyHalves(queries, query + 24, halves, to + 4, 8) + copyHalves(queries, query + 8, halves, to + 12, 8);
}

/** As they follow each other in IPv4's header, and in IPv6's. */
const HOPS_AND_UDP = (UDP_PROTOCOL << 8) | HOPS;
const UDP_AND_HOPS = (HOPS << 8) | UDP_PROTOCOL;

/** Returns the sum of what it copies. The query may stand at any place. */
function copyHalves(from: Uint8Array, at: number, halves: Uint16Array, to: number, count: number): number {
  let sum = 0;
  for (let each = 0; each < count; each++) {
    const half = from[at + 2 * each]! | (from[at + 2 * each + 1]! << 8);
    halves[to + each] = half;
    sum += half;
  }
  return sum;
}

function sumWords(words: Uint32Array, from: number, to: number): number {
  let sum = 0;
  for (let each = from; each < to; each++) {
    const word = words[each]!;
    sum += (word & 0xffff) + (word >>> 16);
  }
  return sum;
}

function swapped(value: number): number {
  return ((value & 0xff) << 8) | (value >> 8);
}
