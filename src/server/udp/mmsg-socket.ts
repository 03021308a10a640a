/**
 * UDP sockets made by system calls, and the bell that wakes the thread that waits at them. Sockets and bell are plain
 * numbers that any thread of the process can use; their opener closes them, so that a thread that dies leaves no socket
 * behind: an unread socket would continue to take its share of the queries of its SO_REUSEPORT group.
 * Implements: RFC 9715 §3.1 (no fragments, and no path MTU that a forged ICMP message could shrink).
 * Not here: receiving and sending (mmsg-batch.ts).
 */
import { writeSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { formatIpPort, type IpPort } from '#base/address.ts';
import { assert } from '#base/assert.ts';
import { type InheritedFds } from '#base/ipc/messages.ts';
import { IPV4_BYTES, IPV6_BYTES, newClientAddress, setClientAddress } from '#base/client-address.ts';
import { UDP_SOCKET_BUFFER_BYTES } from '#base/limits/server.ts';
import { NUMBER, STRUCTURES } from './mmsg-layout.ts';
import type { XskHandle } from './xdp-memory.ts';
import { type NativeMemory, nativeMemory, OpenDescriptors, type Syscalls, systemError } from './mmsg-syscalls.ts';

const { sockaddr_in: NAME4, sockaddr_in6: NAME6 } = STRUCTURES;

/** A bound socket, in a form that goes into another thread. */
export interface MmsgSocket {
  readonly fd: number;
  readonly family: 4 | 6;
  /** Bound to all addresses: each query brings the one it was sent to, and the answer leaves from there. */
  readonly tellsDestination: boolean;
}

/** What a thread needs to serve. */
export interface MmsgHandles {
  readonly sockets: readonly MmsgSocket[];
  /** Becomes readable when the bell is rung; −1 when no thread rings. */
  readonly bellFd: number;
  /** AF_XDP sockets of the thread, beside the others. */
  readonly xsks?: readonly XskHandle[];
}

/** Sockets for one thread; their opener owns them. */
export interface MmsgSockets extends MmsgHandles {
  /** As bound. */
  readonly addresses: readonly IpPort[];
  /** The thread's wait ends, and its event loop turns. From any thread. */
  ring(): void;
  /** Once the thread has ended. */
  close(): void;
}

const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);

/**
 * Opens a socket for each address, all in the SO_REUSEPORT groups of those addresses, and the bell; of those that are
 * `inherited` a copy, so that threads share them. Throws the system's error, leaving nothing open.
 */
export function openSockets(calls: Syscalls, addresses: readonly IpPort[], inherited: InheritedFds = {}): MmsgSockets {
  const open = new OpenDescriptors(calls);
  try {
    const bellFd = open.keep(calls.eventfd(0, NUMBER.EFD_CLOEXEC | NUMBER.EFD_NONBLOCK), 'eventfd');
    const bound = addresses.map((address) => {
      const family = address.family === 6 ? NUMBER.AF_INET6 : NUMBER.AF_INET;
      const given = inherited[formatIpPort(address)]?.udp;
      if (given !== undefined) {
        const fd = open.keep(calls.dup(given), 'dup', formatIpPort(address));
        return { fd, ...prepareSocket(calls, fd, address, true) };
      }
      const fd = open.keep(calls.socket(family, NUMBER.SOCK_DGRAM | NUMBER.SOCK_CLOEXEC, 0), 'socket', formatIpPort(address));
      return { fd, ...prepareSocket(calls, fd, address, false) };
    });
    return {
      bellFd,
      sockets: bound.map(({ fd, address, tellsDestination }) => ({ fd, family: address.family, tellsDestination })),
      addresses: bound.map(({ address }) => address),
      ring: () => {
        if (!open.isEmpty) writeSync(bellFd, ONE);
      },
      close: () => open.close(),
    };
  } catch (error) {
    open.close();
    throw error;
  }
}

/** Sets its options, and binds it unless it is bound. */
function prepareSocket(
  calls: Syscalls,
  fd: number,
  address: IpPort,
  isBound: boolean,
): { readonly address: IpPort; readonly tellsDestination: boolean } {
  const memory = nativeMemory(64);
  const about = formatIpPort(address);
  const set = (level: number, option: number, value: number): boolean => {
    memory.words[0] = value;
    return calls.setsockopt(fd, level, option, memory.address, Int32Array.BYTES_PER_ELEMENT) === 0;
  };
  const need = (level: number, option: number, value: number) => {
    if (!set(level, option, value)) throw systemError(calls, 'setsockopt', about);
  };
  if (!isBound) need(NUMBER.SOL_SOCKET, NUMBER.SO_REUSEPORT, 1);
  need(NUMBER.SOL_SOCKET, NUMBER.SO_RCVBUF, UDP_SOCKET_BUFFER_BYTES);
  need(NUMBER.SOL_SOCKET, NUMBER.SO_SNDBUF, UDP_SOCKET_BUFFER_BYTES);
  const isIpv6 = address.family === 6;
  const nameBytes = writeSocketName(memory, address);
  const addressAt = isIpv6 ? NAME6.members.sin6_addr.offset : NAME4.members.sin_addr.offset;
  const isWildcard = memory.octets.subarray(addressAt, addressAt + (isIpv6 ? IPV6_BYTES : IPV4_BYTES)).every((octet) => octet === 0);
  if (isIpv6) {
    // So that 0.0.0.0 and [::] can both be listened on, and no client shows up as an IPv4-mapped address.
    if (!isBound) need(NUMBER.IPPROTO_IPV6, NUMBER.IPV6_V6ONLY, 1);
    need(NUMBER.IPPROTO_IPV6, NUMBER.IPV6_RECVPKTINFO, isWildcard ? 1 : 0);
  } else need(NUMBER.IPPROTO_IP, NUMBER.IP_PKTINFO, isWildcard ? 1 : 0);
  // RFC 9715 §3.1: answers fit any path anyway (UDP_EDNS_BYTES_MAX). With OMIT the kernel does not learn a path MTU
  // from ICMP, which is easily forged and would make it send fragments. Linux has it since 3.15; it is optional.
  if (isIpv6) set(NUMBER.IPPROTO_IPV6, NUMBER.IPV6_MTU_DISCOVER, NUMBER.IPV6_PMTUDISC_OMIT);
  else set(NUMBER.IPPROTO_IP, NUMBER.IP_MTU_DISCOVER, NUMBER.IP_PMTUDISC_OMIT);
  writeSocketName(memory, address);
  if (!isBound && calls.bind(fd, memory.address, nameBytes) !== 0) throw systemError(calls, 'bind', about);
  const lengthAt = 32;
  memory.words[lengthAt / 4] = nameBytes;
  if (calls.getsockname(fd, memory.address, memory.address + lengthAt) !== 0) throw systemError(calls, 'getsockname', about);
  return { address: { ...address, port: (memory.octets[2]! << 8) | memory.octets[3]! }, tellsDestination: isWildcard };
}

/** Writes a sockaddr_in or sockaddr_in6 at the beginning of `memory`; gives its length. */
export function writeSocketName({ octets, words }: NativeMemory, { ip, family, port }: IpPort): number {
  const isIpv6 = family === 6;
  const lengthBytes = isIpv6 ? NAME6.sizeBytes : NAME4.sizeBytes;
  const parsed = newClientAddress();
  setClientAddress(parsed, ip);
  assert(parsed.length === (isIpv6 ? IPV6_BYTES : IPV4_BYTES), `${ip} is no IPv${family} address`);
  octets.fill(0, 0, lengthBytes);
  octets[0] = isIpv6 ? NUMBER.AF_INET6 : NUMBER.AF_INET;
  octets[2] = port >> 8;
  octets[3] = port & 0xff;
  octets.set(parsed.octets.subarray(0, parsed.length), isIpv6 ? NAME6.members.sin6_addr.offset : NAME4.members.sin_addr.offset);
  if (isIpv6) words[NAME6.members.sin6_scope_id.offset / 4] = scopeId(ip);
  return lengthBytes;
}

/** The interface of a link-local address: `fe80::1%2`, `fe80::1%eth0`; 0 for none. */
function scopeId(ip: string): number {
  const [address = '', scope] = ip.split('%');
  if (scope === undefined) return 0;
  if (/^\d+$/.test(scope)) return Number(scope);
  const own = networkInterfaces()[scope] ?? [];
  return own.find((each) => each.family === 'IPv6' && each.address === address)?.scopeid ?? 0;
}
