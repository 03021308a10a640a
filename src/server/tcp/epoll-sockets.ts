/**
 * What a thread needs to serve TCP by epoll: listening sockets, the descriptor of epoll, and the bell that ends its
 * wait. All are plain numbers. Their opener closes what is left when the thread has ended, however it ended:
 * connections too, because the thread writes each descriptor into shared memory.
 * Implements: RFC 7766 §5. Not here: accepting (epoll.ts).
 */
import { writeSync } from 'node:fs';
import { formatIpPort, type IpPort } from '#base/address.ts';
import { type InheritedFds } from '#base/ipc/messages.ts';
import { TCP_BACKLOG, TCP_DESCRIPTORS_MAX, TCP_UNSENT_BYTES } from '#base/limits/server.ts';
import { NUMBER } from '#server/udp/mmsg-layout.ts';
import { writeSocketName } from '#server/udp/mmsg-socket.ts';
import { OpenDescriptors, nativeMemory, systemError } from '#server/udp/mmsg-syscalls.ts';
import { type EpollSyscalls, TCP_NUMBER } from './epoll-syscalls.ts';

/** In a form that goes into another thread. */
export interface EpollHandles {
  readonly epollFd: number;
  /** Becomes readable when the bell is rung. */
  readonly bellFd: number;
  /** In the order of the addresses. */
  readonly listeners: readonly number[];
  /** Int32: each descriptor that the thread has open, plus one; 0: a free place. */
  readonly descriptors: SharedArrayBuffer;
}

/** Sockets for one thread; their opener owns them. */
export interface EpollSockets {
  readonly handles: EpollHandles;
  /** The thread's wait ends, and its event loop turns. From any thread. */
  ring(): void;
  /** Once the thread has ended. */
  close(): void;
}

const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);

/**
 * Opens a listening socket for each address, in the SO_REUSEPORT groups of those addresses; of those that are
 * `inherited` a copy. Throws the system's error, leaving nothing open.
 */
export function openEpollSockets(
  calls: EpollSyscalls,
  addresses: readonly IpPort[],
  inherited: InheritedFds = {}, // by ADDR:PORT
): EpollSockets {
  const own = new OpenDescriptors(calls);
  const descriptors = new SharedArrayBuffer(TCP_DESCRIPTORS_MAX * Int32Array.BYTES_PER_ELEMENT);
  const places = new Int32Array(descriptors);
  const close = () => {
    own.close();
    for (const [place, entry] of places.entries()) {
      places[place] = 0;
      if (entry !== 0) calls.close(entry - 1);
    }
  };
  try {
    const epollFd = own.keep(calls.epoll_create1(TCP_NUMBER.EPOLL_CLOEXEC), 'epoll_create1');
    const bellFd = own.keep(calls.eventfd(0, NUMBER.EFD_CLOEXEC | NUMBER.EFD_NONBLOCK), 'eventfd');
    const listeners = addresses.map((address, place) => {
      const given = inherited[formatIpPort(address)]?.tcp;
      const fd = given === undefined ? openListener(calls, address) : takeListener(calls, given, address);
      // Closed by the thread when it drains.
      places[place] = fd + 1;
      return fd;
    });
    const ring = () => {
      if (!own.isEmpty) writeSync(bellFd, ONE);
    };
    return { handles: { epollFd, bellFd, listeners, descriptors }, ring, close };
  } catch (error) {
    close();
    throw error;
  }
}

function openListener(calls: EpollSyscalls, address: IpPort): number {
  const about = formatIpPort(address);
  const family = address.family === 6 ? NUMBER.AF_INET6 : NUMBER.AF_INET;
  const type = TCP_NUMBER.SOCK_STREAM | TCP_NUMBER.SOCK_NONBLOCK | NUMBER.SOCK_CLOEXEC;
  const fd = calls.socket(family, type, 0);
  if (fd < 0) throw systemError(calls, 'socket', about);
  try {
    const set = optionSetter(calls, fd);
    const need = (level: number, option: number) => {
      if (!set(level, option, 1)) throw systemError(calls, 'setsockopt', about);
    };
    // As node has it: connections of a server before that are still closing do not keep the address.
    need(NUMBER.SOL_SOCKET, TCP_NUMBER.SO_REUSEADDR);
    need(NUMBER.SOL_SOCKET, NUMBER.SO_REUSEPORT);
    // So that 0.0.0.0 and [::] can both be listened on, and no client shows up as an IPv4-mapped address.
    if (address.family === 6) need(NUMBER.IPPROTO_IPV6, NUMBER.IPV6_V6ONLY);
    const memory = nativeMemory(64);
    const nameBytes = writeSocketName(memory, address);
    if (calls.bind(fd, memory.address, nameBytes) !== 0) throw systemError(calls, 'bind', about);
    if (calls.listen(fd, TCP_BACKLOG) !== 0) throw systemError(calls, 'listen', about);
    prepareConnections(calls, fd);
    return fd;
  } catch (error) {
    calls.close(fd);
    throw error;
  }
}

/** A copy of a socket that listens already; others that have it accept from it too. */
function takeListener(calls: EpollSyscalls, given: number, address: IpPort): number {
  const fd = calls.dup(given);
  if (fd < 0) throw systemError(calls, 'dup', formatIpPort(address));
  if (calls.fcntl(fd, TCP_NUMBER.F_SETFL, TCP_NUMBER.O_NONBLOCK) !== 0) {
    const error = systemError(calls, 'fcntl', formatIpPort(address));
    calls.close(fd);
    throw error;
  }
  prepareConnections(calls, fd);
  return fd;
}

/** Sets what accepted sockets have from their listening one. Both only save: octets and memory. */
function prepareConnections(calls: EpollSyscalls, fd: number): void {
  const set = optionSetter(calls, fd);
  set(TCP_NUMBER.IPPROTO_TCP, TCP_NUMBER.TCP_NODELAY, 1);
  // What the kernel takes of answers to a client that does not read; what is on its way to one that reads, or can be,
  // has no limit by it.
  set(TCP_NUMBER.IPPROTO_TCP, TCP_NUMBER.TCP_NOTSENT_LOWAT, TCP_UNSENT_BYTES);
}

function optionSetter(calls: EpollSyscalls, fd: number): (level: number, option: number, value: number) => boolean {
  const memory = nativeMemory(8);
  return (level, option, value) => {
    memory.words[0] = value;
    return calls.setsockopt(fd, level, option, memory.address, Int32Array.BYTES_PER_ELEMENT) === 0;
  };
}
