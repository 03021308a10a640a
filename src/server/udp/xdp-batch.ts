/**
 * One batch after the other at an AF_XDP socket: queries are read where the kernel has put them, each answer is written
 * into a free frame, and all of them are sent with one system call. Nothing is copied or allocated for a query.
 *
 * A frame is always in one place: a ring, the kernel's hands, or ours; what is in ours stands in the notes of the
 * socket's memory, so that a thread which takes over loses none. Queries in the hands of one that died are not answered
 * again: one of them may be why.
 * Not here: what a packet says (xdp-frames.ts), waiting (mmsg.ts), opening (xdp-open.ts).
 */
import { ANSWER_IS_LATER, type SendAnswer } from '#answer/later-answer.ts';
import { assert } from '#base/assert.ts';
import { type ClientAddress, IPV4_BYTES, IPV6_BYTES } from '#base/client-address.ts';
import { UDP_EDNS_BYTES_MAX } from '#base/limits/dns.ts';
import {
  XDP_BATCH_PACKETS_MAX,
  XDP_CHUNK_BYTES,
  XDP_HEADROOM_BYTES,
  XDP_PACKET_BYTES_MAX,
  XDP_RECEIVE_FRAMES,
  XDP_SEND_FRAMES,
  XDP_SEND_KICKS_MAX,
} from '#base/limits/server.ts';
import { SERVER_SLOT as SLOT } from '#server/counters.ts';
import { type QueryResponder } from '#server/listener.ts';
import { NUMBER } from './mmsg-layout.ts';
import { ERRNO } from './mmsg-syscalls.ts';
import { FRAME, IPV4_HEADERS_BYTES, IPV4_SOURCE, IPV6_HEADERS_BYTES, IPV6_SOURCE } from './xdp-frames.ts';
import { type FrameMemory, PACKET_OFFSET, frameMemory, isIpv6Packet, readQuery, writeAnswer } from './xdp-frames.ts';
import { NOTES, FRAMES_BYTES, Ring, type XskHandle } from './xdp-memory.ts';
import { type XdpSyscalls, viewMemory } from './xdp-syscalls.ts';

const DESCRIPTOR_WORDS = 4;
const CHUNK_SHIFT = Math.log2(XDP_CHUNK_BYTES);
const CHUNK_MASK = XDP_CHUNK_BYTES - 1;
/** Longest packet of a query whose headers are kept until its answer comes. */
const HEADERS_BYTES_MAX = IPV6_HEADERS_BYTES;

/** What a packet's place in memory needs to be given to the responder, made when its frame is first used. */
interface QueryViews {
  readonly query: Uint8Array;
  readonly client: ClientAddress;
}

export class XdpBatch {
  readonly #calls: XdpSyscalls;
  readonly #fd: number;
  readonly #responder: QueryResponder;
  readonly #counters: Float64Array;
  readonly #octets: Uint8Array;
  readonly #memory: FrameMemory;
  readonly #notes: Uint32Array;
  readonly #rx: Ring;
  readonly #tx: Ring;
  readonly #fill: Ring;
  readonly #completed: Ring;
  /** Frames for sending that are in our hands: their numbers, a stack. */
  readonly #free = new Uint16Array(XDP_SEND_FRAMES);
  #freeCount = 0;
  #isRetired = false;
  readonly #queries4: (QueryViews | undefined)[] = Array.from({ length: XDP_RECEIVE_FRAMES });
  readonly #queries6: (QueryViews | undefined)[] = Array.from({ length: XDP_RECEIVE_FRAMES });
  readonly #answers4: (Uint8Array | undefined)[] = Array.from({ length: XDP_SEND_FRAMES });
  readonly #answers6: (Uint8Array | undefined)[] = Array.from({ length: XDP_SEND_FRAMES });

  /** `counters` is this thread's row. Only one thread at a time has a socket. */
  constructor(calls: XdpSyscalls, handle: XskHandle, responder: QueryResponder, counters: Float64Array) {
    this.#calls = calls;
    this.#fd = handle.fd;
    this.#responder = responder;
    this.#counters = counters;
    const memory = viewMemory(handle.frames);
    this.#memory = frameMemory(memory, FRAMES_BYTES);
    this.#octets = this.#memory.octets;
    this.#notes = new Uint32Array(memory, FRAMES_BYTES);
    this.#rx = new Ring(handle, 'rx');
    this.#tx = new Ring(handle, 'tx');
    this.#fill = new Ring(handle, 'fr');
    this.#completed = new Ring(handle, 'cr');
    this.#takeOver();
  }

  get fd(): number {
    return this.#fd;
  }

  /** Its memory is about to be unmapped: answers that come later go nowhere. */
  retire(): void {
    this.#isRetired = true;
  }

  /** Answers up to a batch of what the kernel has put into the ring. Returns how many packets there were. */
  turn(): number {
    this.#reclaim();
    const rx = this.#rx;
    const from = rx.consumer;
    const count = Math.min((rx.producer - from) >>> 0, XDP_BATCH_PACKETS_MAX);
    if (count === 0) {
      // What the kernel did not take before.
      if (this.#tx.used > 0) this.#kick();
      return 0;
    }
    this.#take(from, count);
    this.#counters[SLOT.udpQueries]! += count;
    this.#counters[SLOT.xdpQueries]! += count;
    this.#responder.beginBatch?.();
    const sendFrom = this.#tx.producer;
    let answers = 0;
    for (let each = 0; each < count; each++) {
      const entry = ((from + each) & rx.mask) * DESCRIPTOR_WORDS;
      // XDP_PKT_CONTD is for sockets that were bound for packets in several frames; ours was not.
      if (this.#answer(rx.entries[entry]!, rx.entries[entry + 2]!, sendFrom + answers)) answers += 1;
    }
    this.#refill();
    if (answers > 0) this.#send(sendFrom, answers);
    return count;
  }

  /** Answers the packet at `address`, the answer being entry `index` of the ring; false when there is none. */
  #answer(address: number, length: number, index: number): boolean {
    const counters = this.#counters;
    const messageLength = this.#read(address, length);
    if (messageLength < 0) return false;
    if (this.#freeCount === 0) {
      counters[SLOT.udpSendOverflow]! += 1;
      return false;
    }
    const isIpv6 = isIpv6Packet(this.#octets, address);
    const frame = this.#free[this.#freeCount - 1]!;
    const views = this.#viewsOf(address, isIpv6);
    const out = this.#outOf(frame, isIpv6);
    const answer = this.#responder.respond(views.query, messageLength, out, 'udp', views.client);
    if (answer === ANSWER_IS_LATER) {
      this.#responder.later?.(this.#sender(address));
      return false;
    }
    if (answer === 0) {
      counters[SLOT.udpNoAnswer]! += 1;
      return false;
    }
    this.#put(frame, this.#octets, address, answer, index);
    return true;
  }

  /** Length of the DNS message; negative, and counted, when there is none. */
  #read(address: number, length: number): number {
    const isOurs = address < XDP_RECEIVE_FRAMES * XDP_CHUNK_BYTES && (address & CHUNK_MASK) + length <= XDP_CHUNK_BYTES;
    const messageLength = isOurs ? readQuery(this.#octets, address, length) : FRAME.MALFORMED;
    if (messageLength === FRAME.PORT_ZERO) this.#counters[SLOT.udpPortZero]! += 1;
    else if (messageLength === FRAME.MARTIAN) this.#counters[SLOT.xdpMartian]! += 1;
    else if (messageLength < 0) this.#counters[SLOT.xdpMalformed]! += 1;
    return messageLength;
  }

  /** The frame at the top of the free ones becomes a packet, and entry `index` of the ring says where. */
  #put(frame: number, queries: Uint8Array, query: number, answerLength: number, index: number): void {
    assert(answerLength <= UDP_EDNS_BYTES_MAX, `an answer of ${answerLength} octets over UDP`);
    this.#freeCount -= 1;
    const at = addressOf(frame);
    const entry = (index & this.#tx.mask) * DESCRIPTOR_WORDS;
    const { entries } = this.#tx;
    entries[entry + 2] = writeAnswer(queries, query, this.#memory, at, answerLength);
    entries[entry] = at;
    entries[entry + 1] = 0;
    entries[entry + 3] = 0;
  }

  /** Sends the answer to the packet at `address`, when it is there, to who sent the packet. Called between batches. */
  #sender(address: number): SendAnswer {
    const headers = this.#octets.slice(address, address + HEADERS_BYTES_MAX);
    return (answer) => {
      if (answer.length === 0 || this.#isRetired) {
        this.#counters[SLOT.udpNoAnswer]! += 1;
        return;
      }
      this.#reclaim();
      if (this.#freeCount === 0) {
        this.#counters[SLOT.udpSendOverflow]! += 1;
        return;
      }
      const frame = this.#free[this.#freeCount - 1]!;
      this.#outOf(frame, isIpv6Packet(headers, 0)).set(answer);
      const index = this.#tx.producer;
      this.#put(frame, headers, 0, answer.length, index);
      this.#send(index, 1);
    };
  }

  /** The first `count` entries are in our hands from here on. */
  #take(from: number, count: number): void {
    const { entries, mask } = this.#rx;
    const notes = this.#notes;
    for (let each = 0; each < count; each++)
      notes[NOTES.TAKEN + each] = entries[((from + each) & mask) * DESCRIPTOR_WORDS]! & ~CHUNK_MASK;
    Atomics.store(notes, NOTES.TAKEN_COUNT, count);
  }

  /** All frames in our hands go back to the kernel, and the places of the receive ring with them. */
  #refill(): void {
    const notes = this.#notes;
    const count = Atomics.load(notes, NOTES.TAKEN_COUNT);
    const fill = this.#fill;
    const { entries, mask, producer: index } = fill;
    for (let each = 0; each < count; each++) {
      const entry = ((index + each) & mask) * 2;
      entries[entry] = notes[NOTES.TAKEN + each]!;
      entries[entry + 1] = 0;
    }
    this.#rx.consumer = (this.#rx.consumer + count) >>> 0;
    fill.producer = (index + count) >>> 0;
    Atomics.store(notes, NOTES.TAKEN_COUNT, 0);
  }

  #send(from: number, count: number): void {
    const { entries, mask } = this.#tx;
    const notes = this.#notes;
    for (let each = 0; each < count; each++)
      notes[NOTES.SENDING + frameOf(entries[((from + each) & mask) * DESCRIPTOR_WORDS]!)] = 1;
    this.#tx.producer = (from + count) >>> 0;
    this.#counters[SLOT.udpAnswers]! += count;
    this.#counters[SLOT.xdpAnswers]! += count;
    this.#kick();
  }

  /** Has the kernel send what is in the ring. What it does not take now it takes with the next batch, or in poll. */
  #kick(): void {
    const tx = this.#tx;
    let left = tx.used;
    for (let each = 0; each < XDP_SEND_KICKS_MAX && left > 0 && tx.needsWakeup; each++) {
      const sent = this.#calls.sendto(this.#fd, 0, 0, NUMBER.MSG_DONTWAIT, 0, 0);
      const before = left;
      left = tx.used;
      if (sent >= 0) continue;
      const errno = this.#calls.errno();
      // EAGAIN: 32 packets are sent, and the next call sends more. EBUSY, ENOBUFS: the interface is full just now.
      if (errno === ERRNO.EAGAIN && left < before) continue;
      if (errno === ERRNO.EAGAIN || errno === ERRNO.EBUSY || errno === ERRNO.ENOBUFS || errno === ERRNO.EINTR) return;
      // ENETDOWN, ENXIO…: the interface is down or gone. The packets stay, and frames get scarce.
      this.#counters[SLOT.udpSendErrors]! += 1;
      return;
    }
  }

  /** Frames that were sent are free again. */
  #reclaim(): void {
    const completed = this.#completed;
    const from = completed.consumer;
    const count = (completed.producer - from) >>> 0;
    if (count === 0) return;
    const { entries, mask } = completed;
    const [notes, free] = [this.#notes, this.#free];
    let freeCount = this.#freeCount;
    for (let each = 0; each < count; each++) {
      const frame = frameOf(entries[((from + each) & mask) * 2]!);
      notes[NOTES.SENDING + frame] = 0;
      free[freeCount++] = frame;
    }
    this.#freeCount = freeCount;
    completed.consumer = (from + count) >>> 0;
  }

  /** From a thread before this one. The first one gives the kernel all frames for receiving. */
  #takeOver(): void {
    for (let frame = XDP_SEND_FRAMES - 1; frame >= 0; frame--)
      if (this.#notes[NOTES.SENDING + frame] === 0) this.#free[this.#freeCount++] = frame;
    if (this.#notes[NOTES.STARTED] === 1) return this.#refill();
    const { entries } = this.#fill;
    for (let frame = 0; frame < XDP_RECEIVE_FRAMES; frame++) {
      entries[2 * frame] = frame * XDP_CHUNK_BYTES;
      entries[2 * frame + 1] = 0;
    }
    this.#fill.producer = XDP_RECEIVE_FRAMES;
    this.#notes[NOTES.STARTED] = 1;
  }

  #viewsOf(address: number, isIpv6: boolean): QueryViews {
    const frame = address >>> CHUNK_SHIFT;
    // Drivers may leave more space in front than the kernel asks for; copies do not.
    if ((address & CHUNK_MASK) !== XDP_HEADROOM_BYTES) return this.#makeViews(address, isIpv6);
    const made = isIpv6 ? this.#queries6 : this.#queries4;
    return (made[frame] ??= this.#makeViews(address, isIpv6));
  }

  #makeViews(address: number, isIpv6: boolean): QueryViews {
    const end = Math.min((address & ~CHUNK_MASK) + XDP_CHUNK_BYTES, address + XDP_PACKET_BYTES_MAX);
    const source = address + (isIpv6 ? IPV6_SOURCE : IPV4_SOURCE);
    return {
      query: this.#octets.subarray(address + (isIpv6 ? IPV6_HEADERS_BYTES : IPV4_HEADERS_BYTES), end),
      client: {
        octets: this.#octets.subarray(source, source + IPV6_BYTES),
        length: isIpv6 ? IPV6_BYTES : IPV4_BYTES,
      },
    };
  }

  #outOf(frame: number, isIpv6: boolean): Uint8Array {
    const made = isIpv6 ? this.#answers6 : this.#answers4;
    const from = addressOf(frame) + (isIpv6 ? IPV6_HEADERS_BYTES : IPV4_HEADERS_BYTES);
    return (made[frame] ??= this.#octets.subarray(from, from + UDP_EDNS_BYTES_MAX));
  }
}

/** Where the packet in a frame for sending begins. */
function addressOf(frame: number): number {
  return (XDP_RECEIVE_FRAMES + frame) * XDP_CHUNK_BYTES + PACKET_OFFSET;
}

function frameOf(address: number): number {
  return (address >>> CHUNK_SHIFT) - XDP_RECEIVE_FRAMES;
}
