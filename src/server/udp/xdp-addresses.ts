/**
 * Which addresses an interface answers by AF_XDP: never more than what the kernel's sockets would be asked at there.
 * Not here: listing them (xdp-netlink.ts), telling the program (xdp-control.ts).
 */
import { type IpPort } from '#base/address.ts';
import { newClientAddress, setClientAddress } from '#base/client-address.ts';
import { XDP_ADDRESSES_MAX } from '#base/limits/server.ts';
import { type AnsweredAddress } from './xdp-control.ts';
import { type Network, mapped } from './xdp-netlink.ts';

export interface AnsweredAddresses {
  readonly addresses: readonly AnsweredAddress[];
  /** More that did not fit; the kernel's sockets answer them. */
  readonly left: number;
}

/**
 * For the interface with this index. An address of `listen` counts when this machine has it, on whatever interface, as
 * the kernel has it (RFC 1122 §3.3.4.2, the weak model), but a VLAN's: a card may take a packet's tag away, and the
 * answer would go into another network. A wildcard stands for the addresses of the interface itself, and for no other:
 * a router has packets pass by that are for others.
 */
export function answeredAddresses(listen: readonly IpPort[], network: Network, index: number): AnsweredAddresses {
  const vlans = new Set(network.links.filter(({ kind }) => kind === 'vlan').map((link) => link.index));
  const own = network.addresses.filter((each) => !vlans.has(each.index));
  const found = new Map<string, AnsweredAddress>();
  for (const { ip, family, port } of listen) {
    const wanted = addressOctets(ip);
    const isWildcard = (family === 4 ? wanted.subarray(12) : wanted).every((octet) => octet === 0);
    for (const { octets, index: at, family: ownFamily } of own) {
      const isMatch = family === ownFamily && (isWildcard || isSame(octets, wanted));
      if (at !== index && (isWildcard || isLinkLocal(octets))) continue;
      if (isMatch) found.set(`${Buffer.from(octets).toString('hex')} ${port} ${family}`, { family, octets, port });
    }
  }
  // In an order of their own: the same addresses are the same table.
  const all = [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, address]) => address);
  return { addresses: all.slice(0, XDP_ADDRESSES_MAX), left: Math.max(0, all.length - XDP_ADDRESSES_MAX) };
}

/** 16 octets. */
function addressOctets(ip: string): Uint8Array {
  const parsed = newClientAddress();
  setClientAddress(parsed, ip);
  return parsed.length === 4 ? mapped(parsed.octets.subarray(0, 4)) : parsed.octets;
}

/** RFC 4291 §2.5.6: each interface has its own. */
function isLinkLocal(octets: Uint8Array): boolean {
  return octets[0] === 0xfe && (octets[1]! & 0xc0) === 0x80;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
