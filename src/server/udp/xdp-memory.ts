/**
 * The memory of one AF_XDP socket: frames, the four rings that the kernel shares with us, and a page of notes about
 * frames in our hands, so that a thread can take over from one that has died. Frames are in a file of memory, because
 * the process that opens the socket becomes another program afterwards, and its own memory goes then.
 * Not here: opening (xdp-open.ts), using it (xdp-batch.ts).
 */
import {
  XDP_BATCH_PACKETS_MAX,
  XDP_CHUNK_BYTES,
  XDP_RECEIVE_FRAMES,
  XDP_NOTES_BYTES,
  XDP_SEND_FRAMES,
} from '#base/limits/server.ts';
import { XDP_NUMBER, XDP_RING_OFFSET, XDP_STRUCTURES } from './xdp-layout.ts';
import { nativeMemory, systemError } from './mmsg-syscalls.ts';
import { type MappedMemory, type XdpSyscalls, mapShared, viewMemory } from './xdp-syscalls.ts';

/** Frames: those for receiving, then those for sending. */
export const FRAMES_BYTES = (XDP_RECEIVE_FRAMES + XDP_SEND_FRAMES) * XDP_CHUNK_BYTES;
/**
 * Words: 1 once the kernel has got all frames for receiving; how many of them are taken out of the receive ring, and
 * which; then for each frame for sending 1 while the kernel has it.
 */
export const NOTES = { STARTED: 0, TAKEN_COUNT: 1, TAKEN: 2, SENDING: 2 + XDP_BATCH_PACKETS_MAX } as const;
export const SOCKET_MEMORY_BYTES = FRAMES_BYTES + XDP_NOTES_BYTES;

type RingName = keyof typeof XDP_RING_OFFSET;

/** Places in the mapping of a ring. */
interface RingPlaces {
  readonly producer: number;
  readonly consumer: number;
  readonly flags: number;
  readonly entries: number;
}

/** Numbers alone, so that it goes into another thread. */
interface RingHandle {
  readonly memory: MappedMemory;
  readonly places: RingPlaces;
}

/** An AF_XDP socket as a thread gets it: its memory is mapped by another one, and stays mapped. */
export interface XskHandle {
  readonly fd: number;
  readonly frames: MappedMemory;
  readonly rings: Readonly<Record<RingName, RingHandle>>;
}

const RING_OPTION: Readonly<Record<RingName, number>> = {
  rx: XDP_NUMBER.XDP_RX_RING,
  tx: XDP_NUMBER.XDP_TX_RING,
  fr: XDP_NUMBER.XDP_UMEM_FILL_RING,
  cr: XDP_NUMBER.XDP_UMEM_COMPLETION_RING,
};

const RING_SIZE: Readonly<Record<RingName, number>> = {
  rx: XDP_RECEIVE_FRAMES,
  fr: XDP_RECEIVE_FRAMES,
  tx: XDP_SEND_FRAMES,
  cr: XDP_SEND_FRAMES,
};

const RINGS: readonly RingName[] = ['rx', 'tx', 'fr', 'cr'];
const ADDRESS_BYTES = 8;
const ENTRY_BYTES: Readonly<Record<RingName, number>> = {
  rx: XDP_STRUCTURES.xdp_desc.sizeBytes,
  tx: XDP_STRUCTURES.xdp_desc.sizeBytes,
  fr: ADDRESS_BYTES,
  cr: ADDRESS_BYTES,
};

/** Gives the socket its frames and rings. Throws the system's error. */
export function registerMemory(calls: XdpSyscalls, fd: number, frames: MappedMemory): void {
  const memory = nativeMemory(XDP_STRUCTURES.xdp_umem_reg.sizeBytes);
  const { addr, len, chunk_size: chunk } = XDP_STRUCTURES.xdp_umem_reg.members;
  const set = (option: number, sizeBytes: number) => {
    if (calls.setsockopt(fd, XDP_NUMBER.SOL_XDP, option, memory.address, sizeBytes) !== 0)
      throw systemError(calls, 'setsockopt', 'for AF_XDP');
  };
  memory.words[addr / 4] = frames.address % 2 ** 32;
  memory.words[addr / 4 + 1] = Math.floor(frames.address / 2 ** 32);
  memory.words[len / 4] = FRAMES_BYTES;
  memory.words[chunk / 4] = XDP_CHUNK_BYTES;
  set(XDP_NUMBER.XDP_UMEM_REG, XDP_STRUCTURES.xdp_umem_reg.sizeBytes);
  for (const name of RINGS) {
    memory.words[0] = RING_SIZE[name];
    set(RING_OPTION[name], Uint32Array.BYTES_PER_ELEMENT);
  }
}

/** Maps all of it into this process. Throws the system's error, leaving nothing mapped. */
export function mapSocket(calls: XdpSyscalls, fd: number, memoryFd: number): XskHandle {
  const mapped: MappedMemory[] = [];
  const map = (from: number, sizeBytes: number, offset: number) => {
    const memory = mapShared(calls, from, sizeBytes, offset);
    mapped.push(memory);
    return memory;
  };
  try {
    const places = readPlaces(calls, fd);
    const ring = (name: RingName) => {
      const { entries } = places[name];
      return {
        memory: map(fd, entries + RING_SIZE[name] * ENTRY_BYTES[name], XDP_RING_OFFSET[name]),
        places: places[name],
      };
    };
    const rings = { rx: ring('rx'), tx: ring('tx'), fr: ring('fr'), cr: ring('cr') };
    return { fd, frames: map(memoryFd, SOCKET_MEMORY_BYTES, 0), rings };
  } catch (error) {
    for (const { address, sizeBytes } of mapped) calls.munmap(address, sizeBytes);
    throw error;
  }
}

/** No thread may use it any more. */
export function unmapSocket(calls: XdpSyscalls, { frames, rings }: XskHandle): void {
  for (const { address, sizeBytes } of [frames, ...RINGS.map((name) => rings[name].memory)])
    calls.munmap(address, sizeBytes);
}

function readPlaces(calls: XdpSyscalls, fd: number): Readonly<Record<RingName, RingPlaces>> {
  const { xdp_mmap_offsets: all, xdp_ring_offset: one } = XDP_STRUCTURES;
  const memory = nativeMemory(all.sizeBytes + 8);
  memory.words[all.sizeBytes / 4] = all.sizeBytes;
  const { SOL_XDP, XDP_MMAP_OFFSETS } = XDP_NUMBER;
  if (calls.getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, memory.address, memory.address + all.sizeBytes) !== 0)
    throw systemError(calls, 'getsockopt', 'for AF_XDP');
  // Before 5.4 the structure was shorter, and rings had no flags.
  if (memory.words[all.sizeBytes / 4] !== all.sizeBytes)
    throw new Error('this kernel has AF_XDP without need_wakeup (before 5.4)');
  const place = (name: RingName, member: keyof typeof one.members) =>
    memory.words[(all.members[name] + one.members[member]) / 4]!;
  const placesOf = (name: RingName) => ({
    producer: place(name, 'producer'),
    consumer: place(name, 'consumer'),
    flags: place(name, 'flags'),
    entries: place(name, 'desc'),
  });
  return { rx: placesOf('rx'), tx: placesOf('tx'), fr: placesOf('fr'), cr: placesOf('cr') };
}

/** One ring in this thread. Its indices count on and on, modulo 2³²; its entries are words. */
export class Ring {
  readonly entries: Uint32Array;
  readonly #producer: Uint32Array;
  readonly #consumer: Uint32Array;
  readonly #flags: Uint32Array;
  readonly mask: number;

  constructor(handle: XskHandle, name: RingName) {
    const { memory, places } = handle.rings[name];
    const octets = viewMemory(memory);
    const word = (at: number) => new Uint32Array(octets, at, 1);
    this.#producer = word(places.producer);
    this.#consumer = word(places.consumer);
    this.#flags = word(places.flags);
    this.entries = new Uint32Array(octets, places.entries, (RING_SIZE[name] * ENTRY_BYTES[name]) / 4);
    this.mask = RING_SIZE[name] - 1;
  }

  get producer(): number {
    return Atomics.load(this.#producer, 0);
  }

  set producer(index: number) {
    Atomics.store(this.#producer, 0, index);
  }

  get consumer(): number {
    return Atomics.load(this.#consumer, 0);
  }

  set consumer(index: number) {
    Atomics.store(this.#consumer, 0, index);
  }

  /** Entries that were produced and not consumed. */
  get used(): number {
    return (this.producer - this.consumer) >>> 0;
  }

  /** The kernel waits for a call before it looks at the ring. */
  get needsWakeup(): boolean {
    return (Atomics.load(this.#flags, 0) & XDP_NUMBER.XDP_RING_NEED_WAKEUP) !== 0;
  }
}
