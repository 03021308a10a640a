/**
 * Each call of TCP by epoll once, before any caller relies on it: a sandbox or an emulator may lack one. Nothing is
 * bound and nothing connects, because the answer process may do neither when it tries this.
 */
import { NUMBER } from '#server/udp/mmsg-layout.ts';
import { ERRNO, OpenDescriptors, nativeMemory, systemError } from '#server/udp/mmsg-syscalls.ts';
import { EPOLL_EVENT, type EpollSyscalls, TCP_NUMBER } from './epoll-syscalls.ts';

/** What the two events bring back: all their octets differ. */
const MARKS = [
  [0x0123_4567, 0x89ab_cdef],
  [0x1032_5476, 0x98ba_dcfe],
] as const;

/** Throws with the reason when one does not work as it should. */
export function tryEpoll(calls: EpollSyscalls): void {
  const open = new OpenDescriptors(calls);
  try {
    const epollFd = open.keep(calls.epoll_create1(TCP_NUMBER.EPOLL_CLOEXEC), 'epoll_create1');
    // Readable from the beginning.
    const bells = MARKS.map(() => open.keep(calls.eventfd(1, NUMBER.EFD_CLOEXEC | NUMBER.EFD_NONBLOCK), 'eventfd'));
    tryEvents(calls, epollFd, bells);
    const type = TCP_NUMBER.SOCK_STREAM | TCP_NUMBER.SOCK_NONBLOCK | NUMBER.SOCK_CLOEXEC;
    let fd = calls.socket(NUMBER.AF_INET, type, 0);
    if (fd < 0 && calls.errno() === ERRNO.EAFNOSUPPORT) fd = calls.socket(NUMBER.AF_INET6, type, 0);
    trySocket(calls, open.keep(fd, 'socket'));
  } finally {
    open.close();
  }
}

/** Events are where they should be, and how long they should be. */
function tryEvents(calls: EpollSyscalls, epollFd: number, bells: readonly number[]): void {
  const memory = nativeMemory(4 * EPOLL_EVENT.sizeBytes);
  const { words, address } = memory;
  const data = EPOLL_EVENT.dataOffset / 4;
  for (const [at, [low, high]] of MARKS.entries()) {
    words[0] = TCP_NUMBER.EPOLLIN;
    words[data] = low;
    words[data + 1] = high;
    const added = calls.epoll_ctl(epollFd, TCP_NUMBER.EPOLL_CTL_ADD, bells[at]!, address);
    if (added !== 0) throw systemError(calls, 'epoll_ctl');
  }
  words.fill(0);
  const count = calls.epoll_wait(epollFd, address, 4, 0);
  if (count < 0) throw systemError(calls, 'epoll_wait');
  const seen = Array.from({ length: count }, (_, at) => {
    const event = words.subarray((at * EPOLL_EVENT.sizeBytes) / 4);
    return [event[0], event[data], event[data + 1]].join(' ');
  });
  const expected = MARKS.map((mark) => [TCP_NUMBER.EPOLLIN, ...mark].join(' '));
  const isSame = seen.toSorted().join() === expected.toSorted().join();
  if (!isSame) throw new Error('epoll_wait does not tell what was asked for');
}

/** A socket that neither listens nor is connected says so, whichever of these calls is made. */
function trySocket(calls: EpollSyscalls, fd: number): void {
  const { words, address } = nativeMemory(64);
  words[0] = 1;
  const { IPPROTO_TCP, TCP_NODELAY } = TCP_NUMBER;
  if (calls.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, address, 4) !== 0) throw systemError(calls, 'setsockopt');
  if (calls.fcntl(fd, TCP_NUMBER.F_SETFL, TCP_NUMBER.O_NONBLOCK) !== 0) throw systemError(calls, 'fcntl');
  const expectError = (result: number, syscall: string, errno: number | undefined) => {
    if (result !== -1 || calls.errno() !== errno) throw systemError(calls, syscall);
  };
  expectError(calls.accept4(fd, 0, 0, TCP_NUMBER.SOCK_NONBLOCK), 'accept4', ERRNO.EINVAL);
  expectError(calls.recv(fd, address, 8, NUMBER.MSG_DONTWAIT), 'recv', ERRNO.ENOTCONN);
  const flags = NUMBER.MSG_DONTWAIT | TCP_NUMBER.MSG_NOSIGNAL;
  expectError(calls.send(fd, address, 8, flags), 'send', ERRNO.EPIPE);
}
