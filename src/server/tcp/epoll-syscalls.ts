/**
 * The system calls of TCP without node:net, beside those of sockets, through koffi; structures and numbers as Linux has
 * them on x86-64 and arm64. Importing this throws where koffi has no binary.
 * Not here: when each is made (epoll.ts, epoll-socket.ts), what works here (epoll-trial.ts).
 */
import koffi from 'koffi';
import { type Syscalls, loadSyscalls } from '#server/udp/mmsg-syscalls.ts';

/** As in the manual pages: −1 for an error. */
export interface EpollSyscalls extends Syscalls {
  listen(fd: number, backlog: number): number;
  /** Room for the client's name, and its length, or 0 and 0. */
  accept4(fd: number, nameAddress: number, lengthAddress: number, flags: number): number;
  recv(fd: number, address: number, sizeBytes: number, flags: number): number;
  send(fd: number, address: number, sizeBytes: number, flags: number): number;
  fcntl(fd: number, command: number, value: number): number;
  epoll_create1(flags: number): number;
  epoll_ctl(epollFd: number, operation: number, fd: number, eventAddress: number): number;
  epoll_wait(epollFd: number, eventsAddress: number, count: number, timeoutMs: number): number;
}

/** The calls. Throws with the reason where this machine is not one that we know. */
export function loadEpollSyscalls(): EpollSyscalls {
  const calls = loadSyscalls();
  const library = koffi.load(null);
  const call = (name: string, ...types: string[]) => library.func(name, 'int', types);
  return {
    ...calls,
    listen: call('listen', 'int', 'int'),
    accept4: call('accept4', 'int', 'uintptr_t', 'uintptr_t', 'int'),
    // ssize_t, of at most 80 KiB.
    recv: call('recv', 'int', 'uintptr_t', 'size_t', 'int'),
    send: call('send', 'int', 'uintptr_t', 'size_t', 'int'),
    // Its third argument is one of many kinds; an int is given as any other function's.
    fcntl: call('fcntl', 'int', 'int', 'int'),
    epoll_create1: call('epoll_create1', 'int'),
    epoll_ctl: call('epoll_ctl', 'int', 'int', 'int', 'uintptr_t'),
    epoll_wait: call('epoll_wait', 'int', 'uintptr_t', 'int', 'int'),
  };
}

/** Numbers of the kernel's interface, by their C names; the same on x86-64 and arm64. */
export const TCP_NUMBER = {
  SOCK_STREAM: 1,
  SOCK_NONBLOCK: 0x800,
  SO_REUSEADDR: 2,
  SO_LINGER: 13,
  IPPROTO_TCP: 6,
  TCP_NODELAY: 1,
  TCP_NOTSENT_LOWAT: 25,
  MSG_NOSIGNAL: 0x4000,
  F_SETFL: 4,
  O_NONBLOCK: 0x800,
  EPOLL_CLOEXEC: 0x8_0000,
  EPOLL_CTL_ADD: 1,
  EPOLL_CTL_DEL: 2,
  EPOLL_CTL_MOD: 3,
  EPOLLIN: 0x1,
  EPOLLOUT: 0x4,
  EPOLLERR: 0x8,
  EPOLLHUP: 0x10,
  EPOLLRDHUP: 0x2000,
  EPOLLET: 0x8000_0000,
} as const;

/** `struct epoll_event`: on x86-64 it is packed, so that it is the same as for 32 bits. */
export const EPOLL_EVENT: { readonly sizeBytes: number; readonly dataOffset: number } =
  process.arch === 'x64' ? { sizeBytes: 12, dataOffset: 4 } : { sizeBytes: 16, dataOffset: 8 };

const { address: addressOfBuffer } = koffi;
let [lastBuffer, lastAddress]: [ArrayBufferLike | undefined, number] = [undefined, 0];
const addresses = new WeakMap<ArrayBufferLike, number>();

/** Where octets stand that do not move: those of an ArrayBuffer of its own, not of a small array. */
export function addressOf(octets: Uint8Array): number {
  const { buffer, byteOffset } = octets;
  if (buffer !== lastBuffer) {
    let address = addresses.get(buffer);
    if (address === undefined) {
      address = Number(addressOfBuffer(buffer));
      addresses.set(buffer, address);
    }
    lastBuffer = buffer;
    lastAddress = address;
  }
  return lastAddress + byteOffset;
}
