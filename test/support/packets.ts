/** Packets on Ethernet, written and summed octet by octet as the RFCs say, so that they judge server/udp/xdp-frames.ts. */

export interface PacketOptions {
  readonly family?: 4 | 6;
  readonly source?: readonly number[];
  readonly destination?: readonly number[];
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly sourceMac?: readonly number[];
  readonly destinationMac?: readonly number[];
  /** The UDP checksum; the right one when absent. */
  readonly checksum?: number;
  /** Octets after the packet: Ethernet fills short ones up. */
  readonly trailer?: number;
}

export const SERVER_MAC = [0x02, 0, 0, 0, 0, 0x01];
export const CLIENT_MAC = [0x02, 0, 0, 0, 0, 0x02];
export const SERVER = { 4: [192, 0, 2, 1], 6: [0x20, 0x01, 0x0d, 0xb8, ...Array<number>(11).fill(0), 1] } as const;
export const CLIENT = { 4: [198, 51, 100, 7], 6: [0x20, 0x01, 0x0d, 0xb8, ...Array<number>(11).fill(0), 7] } as const;

const wide = (value: number): number[] => [value >> 8, value & 0xff];

/** A query's packet. */
export function packetOf(message: Uint8Array, options: PacketOptions = {}): Buffer {
  const { family = 4, sourcePort = 40_000, destinationPort = 53, trailer = 0 } = options;
  const source = options.source ?? CLIENT[family];
  const destination = options.destination ?? SERVER[family];
  const length = 8 + message.length;
  const ports = [...wide(sourcePort), ...wide(destinationPort), ...wide(length)];
  const pseudo = family === 4 ? [0, 17, ...wide(length)] : [...wide(0), ...wide(length), 0, 0, 0, 17];
  const sum = onesSum(Uint8Array.from([...source, ...destination, ...pseudo, ...ports, 0, 0, ...message]));
  const right = (~sum & 0xffff) === 0 ? 0xffff : ~sum & 0xffff;
  const head4 = [0x45, 0, ...wide(20 + length), 0, 0, 0x40, 0, 64, 17, 0, 0, ...source, ...destination];
  const sum4 = wide(~onesSum(Uint8Array.from(head4)) & 0xffff);
  const ip =
    family === 4
      ? [...head4.slice(0, 10), ...sum4, ...head4.slice(12)]
      : [0x60, 0, 0, 0, ...wide(length), 17, 64, ...source, ...destination];
  const ethernet = [
    ...(options.destinationMac ?? SERVER_MAC),
    ...(options.sourceMac ?? CLIENT_MAC),
    ...(family === 4 ? [0x08, 0x00] : [0x86, 0xdd]),
  ];
  const checksum = wide(options.checksum ?? right);
  return Buffer.from([...ethernet, ...ip, ...ports, ...checksum, ...message, ...Array<number>(trailer).fill(0)]);
}

/** RFC 1071 §1: the one's complement sum of 16-bit words, a last odd octet being the upper half of one. */
export function onesSum(octets: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < octets.length; at += 2) sum += (octets[at]! << 8) | (octets[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}
