/**
 * Interfaces and addresses of this machine as rtnetlink lists them: requests, and what is in the kernel's messages.
 * Implements: RFC 3549 §2.3.2–2.3.3 (messages), §3.1.1 (interfaces), §3.1.2 (addresses).
 * Not here: asking (xdp-network.ts), what follows from it (xdp-addresses.ts).
 */
import { XDP_NUMBER as N, XDP_STRUCTURES as S } from './xdp-layout.ts';

const HEADER = S.nlmsghdr;
const LINK = S.ifinfomsg;
const ADDRESS = S.ifaddrmsg;
const AF_INET = 2;
const AF_INET6 = 10;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly mtu: number;
  readonly isUp: boolean;
  readonly isEthernet: boolean;
  /** As `ip link add … type` names it: `veth`, `vlan`; empty for a card. */
  readonly kind: string;
  readonly mac: Uint8Array;
  /** That the interface was made with; fewer may be in use. */
  readonly receiveQueues: number;
}

export interface LinkAddress {
  /** Of its interface. */
  readonly index: number;
  readonly family: 4 | 6;
  /** 16 octets; IPv4 as ::ffff:a.b.c.d. */
  readonly octets: Uint8Array;
}

/** Everything at one moment. */
export interface Network {
  readonly links: readonly Link[];
  readonly addresses: readonly LinkAddress[];
}

/** Asks for all interfaces, or all addresses. */
export function dumpRequest(what: 'links' | 'addresses', sequence: number): Uint8Array {
  const bytes = HEADER.sizeBytes + LINK.sizeBytes;
  const octets = new Uint8Array(bytes);
  const view = new DataView(octets.buffer);
  view.setUint32(HEADER.members.nlmsg_len, bytes, true);
  view.setUint16(HEADER.members.nlmsg_type, what === 'links' ? N.RTM_GETLINK : N.RTM_GETADDR, true);
  view.setUint16(HEADER.members.nlmsg_flags, N.NLM_F_REQUEST | N.NLM_F_DUMP, true);
  view.setUint32(HEADER.members.nlmsg_seq, sequence, true);
  return octets;
}

/** What one datagram says of the dump with this sequence number. */
export interface DumpPart extends Network {
  readonly isDone: boolean;
  /** Something changed while it was listed: it has to be asked for again. */
  readonly isTorn: boolean;
  /** It has messages that belong to no request: something has changed. */
  readonly hasEvent: boolean;
  /** Errno of a request that the kernel refused. */
  readonly errno: number;
}

/** The kernel wrote it; a length that does not fit ends the reading all the same. */
export function readDumpPart(octets: Uint8Array, sequence: number): DumpPart {
  const links: Link[] = [];
  const addresses: LinkAddress[] = [];
  let [isDone, isTorn, hasEvent, errno] = [false, false, false, 0];
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  for (let at = 0; at + HEADER.sizeBytes <= octets.length;) {
    const length = view.getUint32(at + HEADER.members.nlmsg_len, true);
    if (length < HEADER.sizeBytes || at + length > octets.length) break;
    const type = view.getUint16(at + HEADER.members.nlmsg_type, true);
    const body = octets.subarray(at + HEADER.sizeBytes, at + length);
    if (view.getUint32(at + HEADER.members.nlmsg_seq, true) !== sequence) hasEvent = true;
    else {
      if ((view.getUint16(at + HEADER.members.nlmsg_flags, true) & N.NLM_F_DUMP_INTR) !== 0) isTorn = true;
      if (type === N.NLMSG_DONE) isDone = true;
      else if (type === N.NLMSG_ERROR) errno = body.length < 4 ? -1 : -view.getInt32(at + HEADER.sizeBytes, true);
      else if (type === N.RTM_NEWLINK) pushIf(links, readLink(body));
      else if (type === N.RTM_NEWADDR) pushIf(addresses, readAddress(body));
    }
    at += align(length);
  }
  return { links, addresses, isDone, isTorn, hasEvent, errno };
}

function readLink(body: Uint8Array): Link | undefined {
  if (body.length < LINK.sizeBytes) return undefined;
  const view = viewOf(body);
  const attributes = readAttributes(body.subarray(LINK.sizeBytes));
  const info = readAttributes(attributes.get(N.IFLA_LINKINFO) ?? NONE);
  const number = (type: number) => numberOf(attributes.get(type));
  return {
    index: view.getInt32(LINK.members.ifi_index, true),
    name: textOf(attributes.get(N.IFLA_IFNAME)),
    mtu: number(N.IFLA_MTU),
    isUp: (view.getUint32(LINK.members.ifi_flags, true) & N.IFF_UP) !== 0,
    isEthernet: view.getUint16(LINK.members.ifi_type, true) === N.ARPHRD_ETHER,
    kind: textOf(info.get(N.IFLA_INFO_KIND)),
    mac: (attributes.get(N.IFLA_ADDRESS) ?? NONE).slice(),
    receiveQueues: number(N.IFLA_NUM_RX_QUEUES),
  };
}

/** Undefined for one that is not usable yet, or never was: its uniqueness is not certain (RFC 4862 §5.4). */
function readAddress(body: Uint8Array): LinkAddress | undefined {
  if (body.length < ADDRESS.sizeBytes) return undefined;
  const attributes = readAttributes(body.subarray(ADDRESS.sizeBytes));
  const family = body[ADDRESS.members.ifa_family];
  const flags = attributes.get(N.IFA_FLAGS);
  const settled = flags === undefined ? body[ADDRESS.members.ifa_flags]! : numberOf(flags);
  if ((settled & (N.IFA_F_TENTATIVE | N.IFA_F_DADFAILED)) !== 0) return undefined;
  // IFA_ADDRESS is that of the other end of a point-to-point interface.
  const octets = attributes.get(N.IFA_LOCAL) ?? attributes.get(N.IFA_ADDRESS);
  const index = viewOf(body).getUint32(ADDRESS.members.ifa_index, true);
  if (family === AF_INET && octets?.length === 4) return { index, family: 4, octets: mapped(octets) };
  if (family === AF_INET6 && octets?.length === 16) return { index, family: 6, octets: octets.slice() };
  return undefined;
}

/** ::ffff:a.b.c.d. */
export function mapped(ipv4: Uint8Array): Uint8Array {
  const octets = new Uint8Array(16);
  octets.fill(0xff, 10, 12);
  octets.set(ipv4, 12);
  return octets;
}

const NONE = new Uint8Array(0);
/** Bits of an attribute's type that say something of its content. */
const TYPE_MASK = 0x3fff;

function readAttributes(octets: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const view = viewOf(octets);
  const attributes = new Map<number, Uint8Array>();
  for (let at = 0; at + 4 <= octets.length;) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > octets.length) break;
    attributes.set(view.getUint16(at + 2, true) & TYPE_MASK, octets.subarray(at + 4, at + length));
    at += align(length);
  }
  return attributes;
}

function viewOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
}

function numberOf(octets: Uint8Array | undefined): number {
  return octets?.length === 4 ? viewOf(octets).getUint32(0, true) : 0;
}

function textOf(octets: Uint8Array | undefined): string {
  return octets === undefined ? '' : Buffer.from(octets).toString('latin1').replace(/\0.*$/s, '');
}

function align(length: number): number {
  return (length + 3) & ~3;
}

function pushIf<T>(list: T[], item: T | undefined): void {
  if (item !== undefined) list.push(item);
}
