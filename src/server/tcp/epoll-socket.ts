/**
 * An accepted socket by system calls. The kernel tells of octets, FIN and errors once, when they come (EPOLLET), so
 * what is not read is remembered here; a new socket is tried without epoll first, and many need it never.
 * Implements: RFC 7766 §6.2.4 (what was written is sent before FIN).
 * Not here: waiting (epoll.ts), what is read and written (connection.ts).
 */
import { assert } from '#base/assert.ts';
import { TCP_DISCARDED_BYTES, TCP_TURN_BYTES } from '#base/limits/server.ts';
import { NUMBER } from '#server/udp/mmsg-layout.ts';
import { ERRNO, type NativeMemory, nativeMemory } from '#server/udp/mmsg-syscalls.ts';
import { addressOf, EPOLL_EVENT, type EpollSyscalls, TCP_NUMBER } from './epoll-syscalls.ts';
import { type TcpSocket, type TcpSocketEvents } from './tcp-socket.ts';

const { EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLRDHUP, EPOLLET, EPOLL_CTL_ADD, EPOLL_CTL_MOD } = TCP_NUMBER;

/** What all sockets of one thread share. */
export class EpollIo {
  readonly calls: EpollSyscalls;
  readonly epollFd: number;
  /** What was read last. */
  readonly input: Uint8Array;
  readonly inputAddress: number;
  /** Sockets that failed, to be closed when no connection is at work. */
  readonly failed: EpollSocket[] = [];
  /** The socket is closed in a moment, and its place free. */
  readonly release: (socket: EpollSocket) => void;
  readonly #memory: NativeMemory;

  constructor(calls: EpollSyscalls, epollFd: number, release: (socket: EpollSocket) => void) {
    this.calls = calls;
    this.epollFd = epollFd;
    this.release = release;
    this.#memory = nativeMemory(TCP_DISCARDED_BYTES + 64);
    this.input = this.#memory.octets.subarray(0, TCP_TURN_BYTES);
    this.inputAddress = this.#memory.address;
  }

  /** Adds to, or changes in, what epoll watches; false with errno. `place` and `serial` come back with its events. */
  watch(operation: number, fd: number, events: number, place: number, serial: number): boolean {
    const { words, address } = this.#memory;
    const at = TCP_DISCARDED_BYTES / 4;
    words[at] = events;
    words[at + EPOLL_EVENT.dataOffset / 4] = place;
    words[at + EPOLL_EVENT.dataOffset / 4 + 1] = serial;
    return this.calls.epoll_ctl(this.epollFd, operation, fd, address + TCP_DISCARDED_BYTES) === 0;
  }

  /** How many of the octets the kernel has taken; −1 with errno for an error. */
  send(fd: number, octets: Uint8Array): number {
    const flags = NUMBER.MSG_DONTWAIT | TCP_NUMBER.MSG_NOSIGNAL;
    for (;;) {
      const sent = this.calls.send(fd, addressOf(octets), octets.length, flags);
      if (sent >= 0) return sent;
      const errno = this.calls.errno();
      if (errno === ERRNO.EAGAIN || errno === ERRNO.ENOBUFS) return 0;
      if (errno !== ERRNO.EINTR) return -1;
    }
  }

  discard(fd: number): void {
    this.calls.recv(fd, this.inputAddress, TCP_DISCARDED_BYTES, NUMBER.MSG_DONTWAIT);
  }

  /** The next `close` sends RST: SO_LINGER with a time of 0. */
  resetOnClose(fd: number): void {
    const { words, address } = this.#memory;
    words[TCP_DISCARDED_BYTES / 4] = 1;
    words[TCP_DISCARDED_BYTES / 4 + 1] = 0;
    this.calls.setsockopt(fd, NUMBER.SOL_SOCKET, TCP_NUMBER.SO_LINGER, address + TCP_DISCARDED_BYTES, 8);
  }
}

export class EpollSocket implements TcpSocket {
  /** Of its descriptor in the thread's list. */
  readonly place: number;
  /** Tells it from the socket that had the place before. */
  readonly serial: number;
  readonly #io: EpollIo;
  /** −1 once closed. */
  #fd: number;
  #events: TcpSocketEvents | undefined;
  /** What epoll watches it for; 0: nothing. */
  #watched = 0;
  /** The kernel may have octets, as far as it is known. */
  #mayRead = true;
  /** FIN has come, behind what there is to read. */
  #isHungUp = false;
  /** All before FIN is read. */
  #isAtEnd = false;
  #hasEnded = false;
  #hasFailed = false;
  /** Closed when the kernel has taken `unsent`. */
  #isEnding = false;
  #unsent: Uint8Array | undefined;

  constructor(io: EpollIo, fd: number, place: number, serial: number) {
    this.#io = io;
    this.#fd = fd;
    this.place = place;
    this.serial = serial;
  }

  get isDestroyed(): boolean {
    return this.#fd < 0 || this.#hasFailed;
  }

  get hasMore(): boolean {
    return this.#mayRead && !this.isDestroyed;
  }

  /** Reads at once what has come with the connection. */
  listen(events: TcpSocketEvents): void {
    this.#events = events;
    events.readable();
  }

  /** A further look at what may have come, and from now on epoll tells. */
  settle(): void {
    if (this.isDestroyed) return;
    this.#mayRead = true;
    this.#events?.readable();
    if (!this.isDestroyed && this.#watched === 0) this.#watch(EPOLLIN);
  }

  /** `mask` of epoll's event. */
  take(mask: number): void {
    if ((mask & (EPOLLERR | EPOLLHUP)) !== 0) return this.#fail();
    if ((mask & EPOLLRDHUP) !== 0) this.#isHungUp = true;
    if ((mask & EPOLLOUT) !== 0) this.#flush();
    if ((mask & (EPOLLIN | EPOLLRDHUP)) === 0 || this.isDestroyed) return;
    this.#mayRead = true;
    this.#events?.readable();
  }

  read(sizeBytes: number): Uint8Array | undefined {
    if (this.isDestroyed || this.#hasEnded) return undefined;
    if (this.#isAtEnd) return this.#end();
    const { calls, input, inputAddress } = this.#io;
    const limit = Math.min(sizeBytes, input.length);
    while (this.#mayRead) {
      const got = calls.recv(this.#fd, inputAddress, limit, NUMBER.MSG_DONTWAIT);
      if (got > 0) {
        // All that there was; FIN is no octet, and comes after it.
        if (got < limit) [this.#mayRead, this.#isAtEnd] = [false, this.#isHungUp];
        return input.subarray(0, got);
      }
      if (got === 0) return this.#end();
      const errno = calls.errno();
      if (errno === ERRNO.EAGAIN) this.#mayRead = false;
      else if (errno !== ERRNO.EINTR) this.#fail();
      if (this.#hasFailed) return undefined;
    }
    return undefined;
  }

  write(octets: Uint8Array): boolean {
    // Who has gone needs no answers; the connection ends in a moment.
    if (this.isDestroyed) return true;
    assert(this.#unsent === undefined, 'written before the last octets were taken');
    const sent = this.#io.send(this.#fd, octets);
    if (sent < 0) this.#fail();
    if (sent < 0 || sent === octets.length) return true;
    this.#unsent = octets.subarray(sent);
    if ((this.#watched & EPOLLOUT) === 0) this.#watch(EPOLLIN | EPOLLOUT);
    return false;
  }

  end(): void {
    if (this.#unsent !== undefined && !this.isDestroyed) {
      this.#isEnding = true;
      return;
    }
    if (!this.isDestroyed && !this.#hasEnded) this.#io.discard(this.#fd);
    this.#close(false);
  }

  destroy(): void {
    this.#close(false);
  }

  reset(): void {
    this.#close(true);
  }

  /** All before FIN is read. */
  #end(): undefined {
    this.#hasEnded = true;
    this.#mayRead = false;
    this.#events?.ended();
    return undefined;
  }

  #flush(): void {
    const unsent = this.#unsent;
    if (unsent === undefined) return;
    const sent = this.#io.send(this.#fd, unsent);
    if (sent < 0) return this.#fail();
    if (sent < unsent.length) {
      this.#unsent = unsent.subarray(sent);
      return;
    }
    this.#unsent = undefined;
    if (this.#isEnding) this.end();
    else this.#events?.drained();
  }

  /** Once writing was asked for, it stays: the kernel tells only after a send that it could not take whole. */
  #watch(events: number): void {
    const operation = this.#watched === 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    this.#watched = events;
    const mask = (events | EPOLLRDHUP | EPOLLET) >>> 0;
    if (!this.#io.watch(operation, this.#fd, mask, this.place, this.serial)) this.#fail();
  }

  /** Its connection may be in the middle of something: it is closed by who gave it the event. */
  #fail(): void {
    if (this.isDestroyed) return;
    this.#hasFailed = true;
    this.#mayRead = false;
    this.#unsent = undefined;
    this.#events?.failed();
    this.#io.failed.push(this);
  }

  #close(isReset: boolean): void {
    const fd = this.#fd;
    if (fd < 0) return;
    this.#fd = -1;
    this.#unsent = undefined;
    if (isReset) this.#io.resetOnClose(fd);
    this.#io.release(this);
    this.#io.calls.close(fd);
    const events = this.#events;
    this.#events = undefined;
    events?.closed();
  }
}
