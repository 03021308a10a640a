/**
 * TCP by epoll and accept4: one thread, its listening sockets, and a wait that blocks, as UDP has it
 * (server/udp/mmsg.ts).
 *
 * One round: what epoll tells of, a turn for each socket; new connections, which are read at once; those of the round
 * before once more, and only then epoll watches them, so that a connection which asks one question and ends costs no
 * more than accept, receive, send, receive and close; then tasks that are due. The thread waits when there is nothing
 * of all this, and its event loop turns when the bell rings, or `blockMs` are over.
 * Not here: one socket (epoll-socket.ts), opening (epoll-sockets.ts), the choice (choose.ts), connections
 * (connection.ts).
 */
import { setImmediate as turnOnce, setTimeout as sleep } from 'node:timers/promises';
import { type IpPort } from '#base/address.ts';
import { assert } from '#base/assert.ts';
import { IPV4_BYTES, IPV6_BYTES, newClientAddress, setClientOctets } from '#base/client-address.ts';
import {
  EPOLL_EVENTS_MAX,
  GENERATION_LOOK_MS,
  TCP_ACCEPTS_PER_ROUND,
  TCP_ACCEPT_PAUSE_MS,
  TCP_DRAIN_LOOK_MS,
  TCP_LAST_ROUNDS_MAX,
  TCP_SHARED_LOOK_MS,
} from '#base/limits/server.ts';
import { SERVER_SLOT as SLOT } from '#server/counters.ts';
import { type TcpListener } from '#server/listener.ts';
import { NUMBER, STRUCTURES } from '#server/udp/mmsg-layout.ts';
import { ERRNO, type NativeMemory, nativeMemory, systemError } from '#server/udp/mmsg-syscalls.ts';
import { EpollRounds } from './epoll-rounds.ts';
import { EpollIo, EpollSocket } from './epoll-socket.ts';
import { type EpollHandles, openEpollSockets } from './epoll-sockets.ts';
import { EPOLL_EVENT, type EpollSyscalls, TCP_NUMBER, loadEpollSyscalls } from './epoll-syscalls.ts';
import { type Admitting, type TcpCarrier } from './tcp-socket.ts';

const { EPOLLIN, EPOLL_CTL_ADD, EPOLL_CTL_DEL, SOCK_NONBLOCK } = TCP_NUMBER;
const { sockaddr_in: NAME4, sockaddr_in6: NAME6 } = STRUCTURES;
const ADDRESS4 = NAME4.members.sin_addr.offset;
const ADDRESS6 = NAME6.members.sin6_addr.offset;
const EVENT_WORDS = EPOLL_EVENT.sizeBytes / 4;
const DATA_WORD = EPOLL_EVENT.dataOffset / 4;

/** Serials of what is no connection. */
const BELL = 0;
const LISTENER = 1;
const FIRST_SERIAL = 2;
const SERIALS = 2 ** 31;

/** Behind the events: a name, its length, and 8 octets to read the bell into. */
const NAME = EPOLL_EVENTS_MAX * EPOLL_EVENT.sizeBytes;
const NAME_LENGTH = NAME + 32;
const RUNG = NAME_LENGTH + 8;

/** The process, or the system, has no descriptor or memory left for one more. */
const EXHAUSTED: ReadonlySet<number> = new Set([ERRNO.EMFILE, ERRNO.ENFILE, ERRNO.ENOBUFS, ERRNO.ENOMEM]);
const FATAL: ReadonlySet<number> = new Set([ERRNO.EBADF, ERRNO.EFAULT, ERRNO.EINVAL, ERRNO.ENOTSOCK, ERRNO.EOPNOTSUPP]);

/**
 * Carries TCP in a thread without other work. The sockets' opener closes what is left of them. Throws where
 * `loadEpollSyscalls` does.
 */
export function epollCarrier(handles: EpollHandles): TcpCarrier {
  return new EpollLoop(loadEpollSyscalls(), handles, GENERATION_LOOK_MS);
}

/**
 * The same in a thread with other work too: it looks every millisecond. Throws the system's error, leaving nothing
 * open.
 */
export function sharedEpollCarrier(addresses: readonly IpPort[], calls = loadEpollSyscalls()): TcpCarrier {
  const sockets = openEpollSockets(calls, addresses);
  const loop = new EpollLoop(calls, sockets.handles, 0);
  return {
    rounds: loop.rounds,
    transport: 'tcp',
    listen: (address, table) => loop.listen(address, table),
    async close() {
      await loop.close();
      sockets.close();
    },
  };
}

interface ListeningSocket {
  readonly fd: number;
  readonly place: number;
  readonly table: Admitting;
}

class EpollLoop implements TcpCarrier {
  readonly transport = 'tcp';
  readonly rounds = new EpollRounds();
  readonly #calls: EpollSyscalls;
  readonly #handles: EpollHandles;
  readonly #io: EpollIo;
  readonly #memory: NativeMemory = nativeMemory(RUNG + 8);
  /** Each descriptor plus one, for the opener. */
  readonly #descriptors: Int32Array;
  readonly #free: number[] = [];
  /** By place. */
  readonly #sockets: (EpollSocket | undefined)[] = [];
  readonly #listening = new Map<number, ListeningSocket>();
  #opened = 0;
  /** Accepted in this round, and not watched yet. */
  #fresh: EpollSocket[] = [];
  #serial = FIRST_SERIAL;
  #blockMs: number;
  #isPaused = false;
  /** The last look at epoll may not have told of all that there is. */
  #isBehind = false;
  #closing = false;
  #running: Promise<void> | undefined;

  constructor(calls: EpollSyscalls, handles: EpollHandles, blockMs: number) {
    this.#calls = calls;
    this.#handles = handles;
    this.#blockMs = blockMs;
    this.#descriptors = new Int32Array(handles.descriptors);
    for (let place = this.#descriptors.length - 1; place >= handles.listeners.length; place--) this.#free.push(place);
    this.#io = new EpollIo(calls, handles.epollFd, (socket) => this.#release(socket));
    this.#watch(handles.bellFd, 0, BELL);
  }

  /** In the order of the addresses that the sockets were opened for. */
  listen(address: IpPort, table: Admitting): Promise<TcpListener> {
    const place = this.#opened++;
    const fd = this.#handles.listeners[place];
    assert(fd !== undefined, 'more addresses than sockets');
    this.#listening.set(place, { fd, place, table });
    this.#watch(fd, place, LISTENER);
    // A failure is a bug. No code awaits this until the end: unhandled, it ends the thread; the pool starts another.
    this.#running ??= this.#run();
    const close = () => {
      this.#stopListening(place);
      return Promise.resolve();
    };
    return Promise.resolve({ address, close });
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#running;
    for (const socket of this.#sockets) socket?.destroy();
  }

  /** Those who have connected are served; who connects from now on is refused. */
  #stopListening(place: number): void {
    const listener = this.#listening.get(place);
    if (listener === undefined) return;
    for (let round = 0; round < TCP_LAST_ROUNDS_MAX; round++) {
      this.#settle(this.#takeFresh());
      this.#wait(0);
      if (this.#fresh.length === 0 && !this.#isBehind) break;
    }
    this.#listening.delete(place);
    this.#descriptors[place] = 0;
    this.#calls.close(listener.fd);
    if (this.#blockMs > 0) this.#blockMs = TCP_DRAIN_LOOK_MS;
  }

  async #run(): Promise<void> {
    // Who opened it is informed first.
    await turnOnce();
    while (!this.#closing) {
      this.#serve(this.#blockMs);
      const isIdle = this.#blockMs === 0 && this.rounds.dueInMs(performance.now()) > 0;
      await (isIdle ? sleep(TCP_SHARED_LOOK_MS) : turnOnce());
    }
  }

  /** Rounds until the bell rings or `blockMs` are over. */
  #serve(blockMs: number): void {
    const untilMs = performance.now() + blockMs;
    for (;;) {
      const nowMs = performance.now();
      const leftMs = untilMs - nowMs;
      const fresh = this.#takeFresh();
      const waitMs = fresh.length > 0 ? 0 : Math.max(0, Math.ceil(Math.min(leftMs, this.rounds.dueInMs(nowMs))));
      const hasRung = this.#wait(waitMs);
      this.#settle(fresh);
      this.rounds.run(this.#isBehind);
      this.#bury();
      if (hasRung || leftMs <= 0) return;
    }
  }

  /** Those accepted before this round. */
  #takeFresh(): readonly EpollSocket[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }

  #settle(sockets: readonly EpollSocket[]): void {
    for (const socket of sockets) {
      socket.settle();
      this.#bury();
    }
  }

  /** Waits for events and serves them; true when the bell has rung. */
  #wait(timeoutMs: number): boolean {
    const { words, address } = this.#memory;
    const count = this.#calls.epoll_wait(this.#handles.epollFd, address, EPOLL_EVENTS_MAX, timeoutMs);
    if (count < 0) {
      if (this.#calls.errno() !== ERRNO.EINTR) throw systemError(this.#calls, 'epoll_wait');
      return false;
    }
    let hasRung = false;
    this.#isBehind = count === EPOLL_EVENTS_MAX;
    for (let at = 0; at < count; at++) {
      const mask = words[at * EVENT_WORDS]!;
      const place = words[at * EVENT_WORDS + DATA_WORD]!;
      const serial = words[at * EVENT_WORDS + DATA_WORD + 1]!;
      if (serial === BELL) {
        this.#calls.read(this.#handles.bellFd, address + RUNG, 8);
        hasRung = true;
      } else if (serial === LISTENER) {
        const listener = this.#listening.get(place);
        if (listener !== undefined) this.#accept(listener);
      } else {
        const socket = this.#sockets[place];
        // Else of a socket that was closed earlier in this round.
        if (socket?.serial === serial) socket.take(mask);
      }
      this.#bury();
    }
    return hasRung;
  }

  #accept({ fd, table }: ListeningSocket): void {
    const { words, address } = this.#memory;
    for (let count = 0; count < TCP_ACCEPTS_PER_ROUND; count++) {
      words[NAME_LENGTH / 4] = NAME6.sizeBytes;
      const flags = SOCK_NONBLOCK | NUMBER.SOCK_CLOEXEC;
      const accepted = this.#calls.accept4(fd, address + NAME, address + NAME_LENGTH, flags);
      if (accepted >= 0) {
        this.#admit(accepted, table);
        continue;
      }
      const errno = this.#calls.errno();
      if (errno === ERRNO.EAGAIN) return;
      if (FATAL.has(errno)) throw systemError(this.#calls, 'accept4');
      if (errno === ERRNO.EINTR) continue;
      // The client has gone (ECONNABORTED), or the network; or there is no descriptor for it.
      table.counters[SLOT.tcpSocketErrors]! += 1;
      if (EXHAUSTED.has(errno)) return this.#pause();
    }
  }

  #admit(fd: number, table: Admitting): void {
    const place = this.#free.pop();
    if (place === undefined) {
      this.#calls.close(fd);
      return;
    }
    this.#descriptors[place] = fd + 1;
    this.#serial = this.#serial + 1 < SERIALS ? this.#serial + 1 : FIRST_SERIAL;
    const socket = new EpollSocket(this.#io, fd, place, this.#serial);
    this.#sockets[place] = socket;
    const client = newClientAddress();
    const { octets, words } = this.#memory;
    const isIpv6 = (words[NAME / 4]! & 0xffff) === NUMBER.AF_INET6;
    const from = NAME + (isIpv6 ? ADDRESS6 : ADDRESS4);
    setClientOctets(client, octets.subarray(from, from + (isIpv6 ? IPV6_BYTES : IPV4_BYTES)));
    this.#fresh.push(socket);
    table.admit(socket, clientKey(client.octets, client.length), client);
    this.#bury();
  }

  /** For now nothing is accepted: who connects waits in the kernel. */
  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    for (const { fd } of this.#listening.values()) this.#io.watch(EPOLL_CTL_DEL, fd, 0, 0, 0);
    this.rounds.after(TCP_ACCEPT_PAUSE_MS, () => {
      this.#isPaused = false;
      for (const { fd, place } of this.#listening.values()) this.#watch(fd, place, LISTENER);
    });
  }

  #watch(fd: number, place: number, serial: number): void {
    if (!this.#io.watch(EPOLL_CTL_ADD, fd, EPOLLIN, place, serial)) throw systemError(this.#calls, 'epoll_ctl');
  }

  /** Before its descriptor is closed: the number may be another's right after. */
  #release({ place }: EpollSocket): void {
    this.#sockets[place] = undefined;
    this.#descriptors[place] = 0;
    this.#free.push(place);
  }

  /** Closes sockets that failed while their connections were at work. */
  #bury(): void {
    const { failed } = this.#io;
    while (failed.length > 0) failed.pop()!.destroy();
  }
}

/** What counts as one client: an IPv4 address, an IPv6 /64. */
function clientKey(octets: Uint8Array, length: number): string {
  if (length === IPV4_BYTES) return `${octets[0]}.${octets[1]}.${octets[2]}.${octets[3]}`;
  return octets.subarray(0, 8).join(':');
}
