/**
 * An rtnetlink socket: lists interfaces and addresses, and tells when they change. It only reads: to change anything
 * takes a capability that the answer process does not have.
 * Implements: RFC 3549 §2.3.1 (the socket), rtnetlink(7) groups.
 * Not here: what the messages say (xdp-netlink.ts).
 */
import { XDP_NETLINK_BYTES_MAX, XDP_NETLINK_MESSAGES_MAX, XDP_NETLINK_TRIES_MAX } from '#base/limits/server.ts';
import { NUMBER } from './mmsg-layout.ts';
import { ERRNO, type NativeMemory, nativeMemory, systemError } from './mmsg-syscalls.ts';
import { XDP_NUMBER, XDP_STRUCTURES } from './xdp-layout.ts';
import { type Link, type LinkAddress, type Network, dumpRequest, readDumpPart } from './xdp-netlink.ts';
import { type XdpSyscalls } from './xdp-syscalls.ts';

/** Opens the socket, which hears of every change from now on. Throws the system's error. */
export function openNetlink(calls: XdpSyscalls): number {
  const { AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR } = XDP_NUMBER;
  const fd = calls.socket(AF_NETLINK, SOCK_RAW | NUMBER.SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) throw systemError(calls, 'socket', 'for rtnetlink');
  const { sockaddr_nl: name } = XDP_STRUCTURES;
  const memory = nativeMemory(16);
  memory.words[0] = AF_NETLINK;
  memory.words[name.members.nl_groups / 4] = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
  if (calls.bind(fd, memory.address, name.sizeBytes) === 0) return fd;
  const error = systemError(calls, 'bind', 'for rtnetlink');
  calls.close(fd);
  throw error;
}

export class NetworkReader {
  readonly #calls: XdpSyscalls;
  readonly #fd: number;
  readonly #memory: NativeMemory;
  #sequence = 0;

  /** The opener closes `fd`. */
  constructor(calls: XdpSyscalls, fd: number) {
    this.#calls = calls;
    this.#fd = fd;
    this.#memory = nativeMemory(XDP_NETLINK_BYTES_MAX);
  }

  /** True when something has changed since the last look, or may have. */
  hasChanged(): boolean {
    let changed = false;
    for (let each = 0; each < XDP_NETLINK_MESSAGES_MAX; each++) {
      const octets = this.#receive();
      if (octets === undefined) return changed;
      changed = true;
    }
    return true;
  }

  /** Everything as it is now. Undefined when it changed each time while it was listed. Throws the system's error. */
  read(): Network | undefined {
    for (let each = 0; each < XDP_NETLINK_TRIES_MAX; each++) {
      const links = this.#dump('links');
      const addresses = links && this.#dump('addresses');
      if (addresses !== undefined) return { links: links?.links ?? [], addresses: addresses.addresses };
    }
    return undefined;
  }

  #dump(what: 'links' | 'addresses'): Network | undefined {
    const sequence = ++this.#sequence;
    const request = dumpRequest(what, sequence);
    this.#memory.octets.set(request);
    const sent = this.#calls.sendto(this.#fd, this.#memory.address, request.length, 0, 0, 0);
    if (sent !== request.length) throw systemError(this.#calls, 'sendto', 'to rtnetlink');
    const links: Link[] = [];
    const addresses: LinkAddress[] = [];
    let isTorn = false;
    for (let each = 0; each < XDP_NETLINK_MESSAGES_MAX; each++) {
      // The kernel lists in the call that asks, and in those that receive: nothing is waited for.
      const octets = this.#receive();
      if (octets === undefined) return undefined;
      const part = readDumpPart(octets, sequence);
      if (part.errno !== 0) throw new Error(`rtnetlink does not list ${what}: error ${part.errno}`);
      isTorn ||= part.isTorn;
      links.push(...part.links);
      addresses.push(...part.addresses);
      if (part.isDone) return isTorn ? undefined : { links, addresses };
    }
    return undefined;
  }

  /** One datagram; undefined when none waits. What was lost for lack of space counts as one without octets. */
  #receive(): Uint8Array | undefined {
    const { octets, address } = this.#memory;
    const received = this.#calls.recv(this.#fd, address, XDP_NETLINK_BYTES_MAX, NUMBER.MSG_DONTWAIT);
    if (received >= 0) return octets.slice(0, received);
    const errno = this.#calls.errno();
    if (errno === ERRNO.EAGAIN) return undefined;
    if (errno === ERRNO.ENOBUFS || errno === ERRNO.EINTR) return new Uint8Array(0);
    throw systemError(this.#calls, 'recv', 'from rtnetlink');
  }
}
