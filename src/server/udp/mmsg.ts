/**
 * UDP by recvmmsg and sendmmsg: one thread, its SO_REUSEPORT sockets, and a wait that blocks. AF_XDP sockets are served
 * in the same turn: the kernel's sockets stay beside them, for what the program of an interface does not take.
 *
 * While there are queries the thread only receives, answers and sends. When there are none it waits in poll(2), at its sockets and at a bell (an
 * eventfd) that is rung after each message to the thread. Blocking keeps the event loop from turning, so the wait ends when the bell rings, and
 * at the latest after `blockMs`; the loop then turns once: messages are received, timers run, and whatever native code has left to the event
 * loop (finalizers of store snapshots) is done. So a thread that blocks obeys the same messages as one that does not, within one batch.
 * Not here: one batch (mmsg-batch.ts, xdp-batch.ts), opening sockets (mmsg-socket.ts), the choice (choose.ts).
 */
import { setImmediate as turnOnce, setTimeout as sleep } from 'node:timers/promises';
import { type IpPort } from '#base/address.ts';
import { assert } from '#base/assert.ts';
import { GENERATION_LOOK_MS, UDP_BATCH_AGAIN, UDP_ROUNDS_MAX, UDP_SHARED_LOOK_MS } from '#base/limits/server.ts';
import { type QueryResponder, type UdpListener } from '#server/listener.ts';
import { UdpBatch } from './mmsg-batch.ts';
import { NUMBER, STRUCTURES } from './mmsg-layout.ts';
import { type MmsgHandles, type MmsgSocket, openSockets } from './mmsg-socket.ts';
import { ERRNO, loadSyscalls, type NativeMemory, nativeMemory, type Syscalls, systemError } from './mmsg-syscalls.ts';
import { XdpBatch } from './xdp-batch.ts';
import { type XskHandle } from './xdp-memory.ts';
import { XdpPause, isFullBatch } from './xdp-pause.ts';
import { loadXdpSyscalls } from './xdp-syscalls.ts';

const POLLFD_WORDS = STRUCTURES.pollfd.sizeBytes / 4;

/** A listener that gets other AF_XDP sockets while it serves. */
export interface BatchedListener extends UdpListener {
  /** These from now on, and no others. From the thread itself. */
  useXsks(xsks: readonly XskHandle[]): void;
}

/** Serves sockets that their opener will close, in a thread without other work. Throws where loadSyscalls does. */
export function serveSockets(
  handles: MmsgHandles,
  addresses: readonly IpPort[],
  responder: QueryResponder,
  counters: Float64Array,
): BatchedListener {
  const loop = new UdpLoop(loadSyscalls(), handles, responder, counters);
  return { ...loop.listener(addresses, GENERATION_LOOK_MS), useXsks: (xsks) => loop.useXsks(xsks) };
}

/** Opens and serves in a thread with other work too: it looks every millisecond. Rejects with the system's error. */
export function openUdp(addresses: readonly IpPort[], responder: QueryResponder, counters: Float64Array): Promise<UdpListener> {
  const calls = loadSyscalls();
  const sockets = openSockets(calls, addresses);
  const inner = new UdpLoop(calls, { ...sockets, bellFd: -1 }, responder, counters).listener(sockets.addresses, 0);
  return Promise.resolve({
    ...inner,
    close: async (graceMs) => {
      await inner.close(graceMs);
      sockets.close();
    },
  });
}

class UdpLoop {
  readonly #calls: Syscalls;
  readonly #sockets: readonly MmsgSocket[];
  readonly #bellFd: number;
  readonly #responder: QueryResponder;
  readonly #counters: Float64Array;
  readonly #batch: UdpBatch;
  #xdp: readonly XdpBatch[] = [];
  #pause: XdpPause | undefined;
  /** Packets from AF_XDP sockets since the last wait, and in its last round. */
  #xdpPackets = 0;
  #xdpLastPackets = 0;
  /** Descriptors in the order of `ready`: the sockets, then those of AF_XDP. */
  #count = 0;
  /** Sockets that may have queries, one octet each: a typed array, since it changes with every batch. */
  #ready = new Uint8Array(0);
  /** struct pollfd for each socket, then for the bell, then 8 octets to read the bell into. */
  #poll: NativeMemory = nativeMemory(8);
  #closing = false;

  constructor(calls: Syscalls, handles: MmsgHandles, responder: QueryResponder, counters: Float64Array) {
    const { sockets, bellFd, xsks = [] } = handles;
    this.#calls = calls;
    this.#sockets = sockets;
    this.#bellFd = bellFd;
    this.#responder = responder;
    this.#counters = counters;
    this.#batch = new UdpBatch(calls, responder, counters);
    this.useXsks(xsks);
  }

  /** A socket that it has already keeps its batch, which knows where its frames are. */
  useXsks(xsks: readonly XskHandle[]): void {
    const calls = xsks.length === 0 ? undefined : loadXdpSyscalls();
    this.#pause = calls === undefined ? undefined : new XdpPause(calls);
    const had = this.#xdp;
    const make = (xsk: XskHandle) => new XdpBatch(calls!, xsk, this.#responder, this.#counters);
    this.#xdp = xsks.map((each) => had.find(({ fd }) => fd === each.fd) ?? make(each));
    for (const each of had) if (!this.#xdp.includes(each)) each.retire();
    const sockets = this.#sockets;
    this.#count = sockets.length + xsks.length;
    this.#ready = new Uint8Array(this.#count);
    this.#poll = nativeMemory((this.#count + 2) * STRUCTURES.pollfd.sizeBytes);
    for (const [at, { fd }] of [...sockets, ...xsks, { fd: this.#bellFd }].entries()) {
      this.#poll.words[at * POLLFD_WORDS] = fd;
      this.#poll.words[at * POLLFD_WORDS + 1] = NUMBER.POLLIN;
    }
  }

  listener(addresses: readonly IpPort[], blockMs: number): UdpListener {
    // A failure is a bug. No code awaits this until the end: unhandled, it ends the thread; the pool starts another.
    const running = this.#run(blockMs);
    return {
      addresses,
      // sendmmsg gives everything to the kernel before it returns.
      pendingSends: () => 0,
      close: async () => {
        this.#closing = true;
        await running;
      },
    };
  }

  async #run(blockMs: number): Promise<void> {
    while (!this.#closing) {
      this.#serve(blockMs);
      await (blockMs > 0 ? turnOnce() : sleep(UDP_SHARED_LOOK_MS));
    }
    // What came before the end still gets its answers; what comes now has other workers, or none.
    this.#ready.fill(1);
    this.#rounds();
  }

  /** Answers until the bell rings or `blockMs` are over. */
  #serve(blockMs: number): void {
    const untilMs = performance.now() + blockMs;
    let hasWork = false;
    for (let leftMs = blockMs; ; leftMs = untilMs - performance.now()) {
      if (this.#wait(hasWork ? 0 : Math.max(0, Math.ceil(leftMs)))) return;
      this.#rounds();
      hasWork = this.#responder.work?.() === true;
      if (leftMs <= 0) return;
      if (!hasWork) this.#pause?.after(this.#xdpLastPackets, this.#xdpPackets);
    }
  }

  /** Waits for queries or the bell; true when the bell has rung. */
  #wait(timeoutMs: number): boolean {
    const { words, address } = this.#poll;
    const sockets = this.#count;
    const count = this.#calls.poll(address, sockets + 1, timeoutMs);
    if (count < 0) {
      if (this.#calls.errno() !== ERRNO.EINTR) throw systemError(this.#calls, 'poll');
      return false;
    }
    for (let at = 0; at < sockets; at++) {
      const word = words[at * POLLFD_WORDS + 1]!;
      // Also errors: receiving clears them.
      this.#ready[at] = word >>> 16 === 0 ? 0 : 1;
      assert(word >>> 16 !== POLLNVAL, 'a UDP socket was closed under its thread');
    }
    if (words[sockets * POLLFD_WORDS + 1]! >>> 16 === 0) return false;
    this.#calls.read(this.#bellFd, address + (sockets + 1) * STRUCTURES.pollfd.sizeBytes, 8);
    return true;
  }

  /**
   * Batches from each ready socket in turn, for as long as they come well filled. A small batch has emptied its socket, most likely, and
   * poll tells about all sockets for the price of one more try; after some rounds poll gets its turn anyway, for sockets not ready before and the bell.
   */
  #rounds(): void {
    const ready = this.#ready;
    this.#xdpPackets = 0;
    for (let round = 0; round < UDP_ROUNDS_MAX; round++) {
      let more = false;
      this.#xdpLastPackets = 0;
      for (let at = 0; at < ready.length; at++) {
        if (ready[at] === 0) continue;
        if (this.#turn(at)) more = true;
        else ready[at] = 0;
      }
      if (!more) return;
    }
  }

  /** True when there may be more. */
  #turn(at: number): boolean {
    const socket = this.#sockets[at];
    if (socket !== undefined) return this.#batch.turn(socket) >= UDP_BATCH_AGAIN;
    const packets = this.#xdp[at - this.#sockets.length]!.turn();
    this.#xdpLastPackets += packets;
    this.#xdpPackets += packets;
    return isFullBatch(packets);
  }
}

const POLLNVAL = 0x20;
