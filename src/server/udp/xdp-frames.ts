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

/** A frame that an answer is written to: the same octets one by one and four at a time. */
export interface FrameMemory {
  readonly octets: Uint8Array;
  readonly words: Uint32Array;
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
 */
export function writeAnswer(
  queries: Uint8Array,
  query: number,
  { octets, words }: FrameMemory,
  at: number,
  length: number,
): number {
  copy(queries, query + 6, octets, at, 6);
  copy(queries, query, octets, at + 6, 6);
  octets[at + 12] = queries[query + 12]!;
  octets[at + 13] = queries[query + 13]!;
  const isIpv6 = isIpv6Packet(queries, query);
  const udp = at + (isIpv6 ? IPV6_HEADERS_BYTES : IPV4_HEADERS_BYTES) - UDP_HEADER_BYTES;
  const udpLength = UDP_HEADER_BYTES + length;
  const queryUdp = query + (udp - at);
  copy(queries, queryUdp + 2, octets, udp, 2);
  copy(queries, queryUdp, octets, udp + 2, 2);
  putWide(octets, udp + 4, udpLength);
  putWide(octets, udp + 6, 0);
  const end = udp + udpLength;
  for (let each = end; (each & 3) !== 0; each++) octets[each] = 0;
  const ip = at + ETHERNET_BYTES;
  if (isIpv6) writeIpv6(queries, query + ETHERNET_BYTES, octets, ip, udpLength);
  else writeIpv4(queries, query + ETHERNET_BYTES, octets, ip, udpLength);
  // The pseudo-header (RFC 768, RFC 8200 §8.1): both addresses, the length, the protocol.
  let sum = sumWords(words, (isIpv6 ? ip + 8 : ip + 12) >>> 2, (end + 3) >>> 2);
  sum += swapped(udpLength) + swapped(UDP_PROTOCOL);
  const checksum = ~fold(sum) & 0xffff;
  // 0 would say that there is none; both are the same number.
  putSum(octets, udp + 6, checksum === 0 ? 0xffff : checksum);
  return end - at;
}

function writeIpv4(queries: Uint8Array, query: number, octets: Uint8Array, ip: number, udpLength: number): void {
  octets[ip] = 0x45;
  octets[ip + 1] = 0;
  putWide(octets, ip + 2, IPV4_HEADER_BYTES + udpLength);
  // RFC 6864 §4.1: a packet that is not to be fragmented needs no identification.
  putWide(octets, ip + 4, 0);
  putWide(octets, ip + 6, 0x4000);
  octets[ip + 8] = HOPS;
  octets[ip + 9] = UDP_PROTOCOL;
  putWide(octets, ip + 10, 0);
  copy(queries, query + 16, octets, ip + 12, 4);
  copy(queries, query + 12, octets, ip + 16, 4);
  putWide(octets, ip + 10, ~headerSum(octets, ip) & 0xffff);
}

function writeIpv6(queries: Uint8Array, query: number, octets: Uint8Array, ip: number, udpLength: number): void {
  octets[ip] = 0x60;
  octets[ip + 1] = 0;
  octets[ip + 2] = 0;
  octets[ip + 3] = 0;
  putWide(octets, ip + 4, udpLength);
  octets[ip + 6] = UDP_PROTOCOL;
  octets[ip + 7] = HOPS;
  copy(queries, query + 24, octets, ip + 8, 16);
  copy(queries, query + 8, octets, ip + 24, 16);
}

/** RFC 1071 §2(B): a sum of swapped words is the swapped sum. So words are read as the machine has them. */
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

/** A sum of words as the machine has them: little-endian, as mmsg-syscalls.ts makes sure. */
function putSum(octets: Uint8Array, at: number, sum: number): void {
  octets[at] = sum & 0xff;
  octets[at + 1] = sum >> 8;
}

function putWide(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >> 8;
  octets[at + 1] = value & 0xff;
}

function copy(from: Uint8Array, at: number, to: Uint8Array, place: number, length: number): void {
  for (let each = 0; each < length; each++) to[place + each] = from[at + each]!;
}
