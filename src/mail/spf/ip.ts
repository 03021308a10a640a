/**
 * Client addresses, networks and sets of addresses for SPF.
 * Implements: RFC 7208 §5 (IPv4-mapped addresses are IPv4), §5.6 (matching by prefix length), RFC 5952 (text).
 */
import { assert } from '#base/assert.ts';
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '#dns/rdata/field-address.ts';

export type IpFamily = 4 | 6;

/** An address as a number of 32 or 128 bits. */
export interface IpAddress {
  readonly family: IpFamily;
  readonly value: bigint;
}

/** A network by its lowest address; bits beyond the prefix are zero. */
export interface Network extends IpAddress {
  readonly prefix: number;
}

/** Addresses of one family from `first` to `last`, both included. */
interface IpRange {
  readonly family: IpFamily;
  readonly first: bigint;
  readonly last: bigint;
}

/** A set of addresses: ranges in order, disjoint, never adjacent. */
export type IpSet = readonly IpRange[];

export const EMPTY_SET: IpSet = [];

/** Bits of an address. */
export function addressBits(family: IpFamily): number {
  return family === 4 ? 32 : 128;
}

/** An address from A or AAAA RDATA, or from any four or sixteen octets. */
export function ipOfOctets(octets: readonly number[] | Uint8Array): IpAddress {
  assert(octets.length === 4 || octets.length === 16, `an address of ${octets.length} octets`);
  let value = 0n;
  for (const octet of octets) value = (value << 8n) | BigInt(octet);
  return { family: octets.length === 4 ? 4 : 6, value };
}

/** An address as it stands in a term, IPv4-mapped ones too. Asserts that it is well formed: the parser has seen to it. */
export function literalIp(text: string): IpAddress {
  const octets = parseIpv4(text) ?? parseIpv6(text);
  assert(octets !== undefined, `bad address ${text}`);
  return ipOfOctets(octets);
}

/** A client's address of either family, or undefined; IPv4-mapped IPv6 addresses are IPv4 (RFC 7208 §5). */
export function parseIp(text: string): IpAddress | undefined {
  const octets = parseIpv4(text) ?? parseIpv6(text);
  if (octets === undefined) return undefined;
  const ip = ipOfOctets(octets);
  return ip.family === 6 && ip.value >> 32n === 0xffffn ? { family: 4, value: ip.value & 0xffff_ffffn } : ip;
}

/** The octets of an address, 4 or 16. */
export function ipOctets(ip: IpAddress): Uint8Array {
  const octets = new Uint8Array(addressBits(ip.family) / 8);
  let rest = ip.value;
  for (let at = octets.length - 1; at >= 0; at--, rest >>= 8n) octets[at] = Number(rest & 0xffn);
  return octets;
}

export function formatIp(ip: IpAddress): string {
  return ip.family === 4 ? formatIpv4(ipOctets(ip), 0) : formatIpv6(ipOctets(ip), 0);
}

/** IPv4 as usual, IPv6 as nibbles with dots between (RFC 7208 §7.3). */
export function dottedIp(ip: IpAddress): string {
  return ip.family === 4 ? formatIp(ip) : Array.from(Buffer.from(ipOctets(ip)).toString('hex')).join('.');
}

/** The name whose PTR records tell the names of `ip` (RFC 1035 §3.5, RFC 3596 §2.5). */
export function dottedReverse(ip: IpAddress): string {
  return `${dottedIp(ip).split('.').toReversed().join('.')}.${ip.family === 4 ? 'in-addr' : 'ip6'}.arpa`;
}

function hostMask(family: IpFamily, prefix: number): bigint {
  return (1n << BigInt(addressBits(family) - prefix)) - 1n;
}

/** The network of `prefix` bits that `ip` is in. */
export function networkOf(ip: IpAddress, prefix: number): Network {
  return { family: ip.family, value: ip.value & ~hostMask(ip.family, prefix), prefix };
}

/** `192.0.2.0/24`; a single address has no prefix length. */
export function formatNetwork(network: Network): string {
  return network.prefix === addressBits(network.family) ? formatIp(network) : `${formatIp(network)}/${network.prefix}`;
}

/** What `formatNetwork` wrote. Asserts that it is well formed: it comes from our own state. */
export function parseNetwork(text: string): Network {
  const [address = '', prefix] = text.split('/');
  const ip = literalIp(address);
  return networkOf(ip, prefix === undefined ? addressBits(ip.family) : Number(prefix));
}

/** True when `ip` has the same first `prefix` bits as `other`; never across families. */
export function sharesPrefix(ip: IpAddress, other: IpAddress, prefix: number): boolean {
  const shift = BigInt(addressBits(ip.family) - prefix);
  return ip.family === other.family && ip.value >> shift === other.value >> shift;
}

const compareRanges = (a: IpRange, b: IpRange): number => a.family - b.family || (a.first < b.first ? -1 : a.first > b.first ? 1 : 0);

export function ipSet(networks: Iterable<Network>): IpSet {
  const ranges = Array.from(networks, (each) => ({
    family: each.family,
    first: each.value,
    last: each.value | hostMask(each.family, each.prefix),
  }));
  return joined(ranges);
}

/** Any ranges as a set: in order, overlapping and adjacent ones made one. */
function joined(ranges: readonly IpRange[]): IpSet {
  const set: IpRange[] = [];
  for (const range of ranges.toSorted(compareRanges)) {
    const before = set.at(-1);
    if (before === undefined || before.family !== range.family || range.first > before.last + 1n) set.push(range);
    else if (range.last > before.last) set[set.length - 1] = { ...before, last: range.last };
  }
  return set;
}

export function unionOf(...sets: readonly IpSet[]): IpSet {
  return joined(sets.flat());
}

/** Addresses in `set` that are not in `without`. */
export function subtract(set: IpSet, without: IpSet): IpSet {
  const left: IpRange[] = [];
  for (const range of set) {
    let first = range.first;
    for (const hole of without) {
      if (hole.family !== range.family || hole.last < first) continue;
      if (hole.first > range.last) break;
      if (hole.first > first) left.push({ family: range.family, first, last: hole.first - 1n });
      first = hole.last + 1n;
    }
    if (first <= range.last) left.push({ family: range.family, first, last: range.last });
  }
  return left;
}

/** True when the sets have an address in common. */
export function overlap(a: IpSet, b: IpSet): boolean {
  return a.some((one) => b.some((other) => one.family === other.family && one.first <= other.last && other.first <= one.last));
}

/** The fewest networks that are exactly `set`, IPv4 first, in order. */
export function networksOf(set: IpSet): Network[] {
  const networks: Network[] = [];
  for (const { family, first, last } of set) {
    for (let at = first; at <= last;) {
      let prefix = addressBits(family);
      // The largest block that begins here and does not reach beyond the range.
      while (prefix > 0 && (at & hostMask(family, prefix - 1)) === 0n && (at | hostMask(family, prefix - 1)) <= last) prefix--;
      networks.push({ family, value: at, prefix });
      at = (at | hostMask(family, prefix)) + 1n;
    }
  }
  return networks;
}
