/**
 * One batch after the other: many queries with one recvmmsg, an answer for each, all answers with one sendmmsg.
 *
 * All that the kernel reads and writes lies in one block of memory, laid out once: headers for receiving with a name, control octets and a query
 * buffer each, headers for sending with an answer buffer each. An answer's header borrows name and control octets of its query's, so the answer
 * goes to where the query came from and, on a socket bound to all addresses, leaves from where the query went to (IP_PKTINFO, RFC 3542 §6).
 * Nothing is allocated for a query or a batch.
 * Not here: waiting, stopping (mmsg.ts), the sockets themselves (mmsg-socket.ts).
 */
import { ANSWER_IS_LATER, type SendAnswer } from '#answer/later-answer.ts';
import { assert } from '#base/assert.ts';
import { type ClientAddress, IPV4_BYTES, IPV6_BYTES } from '#base/client-address.ts';
import { MESSAGE_BYTES_MAX, UDP_EDNS_BYTES_MAX } from '#base/limits/dns.ts';
import { UDP_BATCH_MESSAGES_MAX, UDP_SEND_WAIT_MS, UDP_SEND_WAITS_MAX } from '#base/limits/server.ts';
import { SERVER_SLOT as SLOT, countUdpTime } from '#server/counters.ts';
import { type QueryResponder } from '#server/listener.ts';
import { NUMBER, STRUCTURES } from './mmsg-layout.ts';
import { type MmsgSocket } from './mmsg-socket.ts';
import { ERRNO, type NativeMemory, nativeMemory, type Syscalls, systemError } from './mmsg-syscalls.ts';

const COUNT = UDP_BATCH_MESSAGES_MAX;
const HEADER = STRUCTURES.msghdr.members;
const HEADER_BYTES = STRUCTURES.mmsghdr.sizeBytes;
const IOVEC = STRUCTURES.iovec.members;
const NAME_BYTES = 32;
const CONTROL_BYTES = 64;
/**
 * Buffers one behind the other with a few cache lines between: at distances of a power of two, the first lines of all of them would fall into
 * the same few places of the cache. A whole datagram fits; pages that no query reaches are never touched, and cost nothing.
 */
const QUERY_BYTES = MESSAGE_BYTES_MAX + 1 + 128;
const ANSWER_BYTES = Math.ceil(UDP_EDNS_BYTES_MAX / 64 + 1) * 64;

const RECEIVE_HEADERS = 0;
const SEND_HEADERS = RECEIVE_HEADERS + COUNT * HEADER_BYTES;
const RECEIVE_IOVECS = SEND_HEADERS + COUNT * HEADER_BYTES;
const SEND_IOVECS = RECEIVE_IOVECS + COUNT * STRUCTURES.iovec.sizeBytes;
const NAMES = SEND_IOVECS + COUNT * STRUCTURES.iovec.sizeBytes;
const CONTROLS = NAMES + COUNT * NAME_BYTES;
const POLLFD = CONTROLS + COUNT * CONTROL_BYTES;
const ANSWERS = POLLFD + 64;
const QUERIES = ANSWERS + COUNT * ANSWER_BYTES;
const MEMORY_BYTES = QUERIES + COUNT * QUERY_BYTES;

/** Places in a header, in words. */
const WORDS = HEADER_BYTES / 4;
const NAME_LENGTH = HEADER.msg_namelen.offset / 4;
const CONTROL = HEADER.msg_control.offset / 4;
const CONTROL_LENGTH = HEADER.msg_controllen.offset / 4;
const RECEIVED_LENGTH = STRUCTURES.mmsghdr.members.msg_len.offset / 4;
const IOVEC_WORDS = STRUCTURES.iovec.sizeBytes / 4;
const PORT = STRUCTURES.sockaddr_in.members.sin_port.offset;

const { cmsghdr: CMSG, in_pktinfo: INFO4, in6_pktinfo: INFO6 } = STRUCTURES;
/** CMSG_SPACE of either: what the kernel reports when it has given the destination. */
const INFO4_SPACE = CMSG.sizeBytes + Math.ceil(INFO4.sizeBytes / 8) * 8;
const INFO6_SPACE = CMSG.sizeBytes + Math.ceil(INFO6.sizeBytes / 8) * 8;

/** What is wrong with one answer only: no way there, the firewall forbids it, the address it should leave from has just gone… */
const FATAL: ReadonlySet<number> = new Set([ERRNO.EBADF, ERRNO.ENOTSOCK, ERRNO.EFAULT]);

/** The buffers and the loop body of one thread, for all its sockets in turn. */
export class UdpBatch {
  readonly #calls: Syscalls;
  readonly #responder: QueryResponder;
  readonly #counters: Float64Array;
  /** Its addresses are known to the kernel only during a call, and to the headers in it: it has to stay referenced. */
  readonly #memory: NativeMemory;
  readonly #queries: readonly Uint8Array[];
  readonly #answers: readonly Uint8Array[];
  readonly #clients4: readonly ClientAddress[];
  readonly #clients6: readonly ClientAddress[];

  /** `counters` is this thread's row. */
  constructor(calls: Syscalls, responder: QueryResponder, counters: Float64Array) {
    this.#calls = calls;
    this.#responder = responder;
    this.#counters = counters;
    this.#memory = nativeMemory(MEMORY_BYTES);
    const { octets } = this.#memory;
    const each = <T>(make: (at: number) => T) => Array.from({ length: COUNT }, (_, at) => make(at));
    this.#queries = each((at) => octets.subarray(QUERIES + at * QUERY_BYTES, QUERIES + at * QUERY_BYTES + MESSAGE_BYTES_MAX));
    this.#answers = each((at) => octets.subarray(ANSWERS + at * ANSWER_BYTES, ANSWERS + at * ANSWER_BYTES + UDP_EDNS_BYTES_MAX));
    const client = (at: number, offset: number, length: number): ClientAddress => ({
      octets: octets.subarray(NAMES + at * NAME_BYTES + offset, NAMES + at * NAME_BYTES + offset + IPV6_BYTES),
      length,
    });
    this.#clients4 = each((at) => client(at, STRUCTURES.sockaddr_in.members.sin_addr.offset, IPV4_BYTES));
    this.#clients6 = each((at) => client(at, STRUCTURES.sockaddr_in6.members.sin6_addr.offset, IPV6_BYTES));
    for (let at = 0; at < COUNT; at++) this.#layOut(at);
  }

  /** Takes up to a batch of what waits at the socket and answers it. Gives how many queries there were, 0 when none waits. */
  turn(socket: MmsgSocket): number {
    const received = this.#receive(socket.fd);
    if (received === 0) return 0;
    const startedMs = performance.now();
    const responder = this.#responder;
    const counters = this.#counters;
    const { octets, words } = this.#memory;
    const isIpv6 = socket.family === 6;
    const clients = isIpv6 ? this.#clients6 : this.#clients4;
    counters[SLOT.udpQueries]! += received;
    responder.beginBatch?.();
    let answers = 0;
    for (let at = 0; at < received; at++) {
      const header = RECEIVE_HEADERS / 4 + at * WORDS;
      const nameLength = words[header + NAME_LENGTH]!;
      const controlLength = words[header + CONTROL_LENGTH]!;
      // The kernel has written how much it used; the next batch needs to know again how much there is.
      words[header + NAME_LENGTH] = NAME_BYTES;
      words[header + CONTROL_LENGTH] = CONTROL_BYTES;
      const name = NAMES + at * NAME_BYTES;
      // No client can receive on port 0: such a packet is forged.
      if (octets[name + PORT] === 0 && octets[name + PORT + 1] === 0) {
        counters[SLOT.udpPortZero]! += 1;
        continue;
      }
      const out = this.#answers[answers]!;
      const length = responder.respond(this.#queries[at]!, words[header + RECEIVED_LENGTH]!, out, 'udp', clients[at]!);
      if (length === ANSWER_IS_LATER) {
        responder.later?.(this.#sender(socket, at, nameLength, controlLength));
        continue;
      }
      if (length === 0) {
        counters[SLOT.udpNoAnswer]! += 1;
        continue;
      }
      assert(length <= UDP_EDNS_BYTES_MAX, `an answer of ${length} octets over UDP`);
      const reply = SEND_HEADERS / 4 + answers * WORDS;
      words[reply] = words[header]!;
      words[reply + 1] = words[header + 1]!;
      words[reply + NAME_LENGTH] = nameLength;
      words[reply + CONTROL] = words[header + CONTROL]!;
      words[reply + CONTROL + 1] = words[header + CONTROL + 1]!;
      words[reply + CONTROL_LENGTH] = socket.tellsDestination ? this.#turnAround(at, controlLength, isIpv6) : 0;
      words[SEND_IOVECS / 4 + answers * IOVEC_WORDS + IOVEC.iov_len.offset / 4] = length;
      answers += 1;
    }
    if (answers > 0) this.#send(socket.fd, answers);
    // Each of them is as long under way as its batch.
    countUdpTime(counters, received, (performance.now() - startedMs) / 1000);
    return received;
  }

  /** Sends the answer to query `at`, when it comes, to where the query came from. Called between batches. */
  #sender(socket: MmsgSocket, at: number, nameLength: number, controlLength: number): SendAnswer {
    const { octets, words } = this.#memory;
    const control = socket.tellsDestination ? this.#turnAround(at, controlLength, socket.family === 6) : 0;
    const copy = (from: number, length: number) => octets.slice(from, from + length);
    const name = copy(NAMES + at * NAME_BYTES, nameLength);
    const controls = copy(CONTROLS + at * CONTROL_BYTES, control);
    return (answer) => {
      if (answer.length === 0) {
        this.#counters[SLOT.udpNoAnswer]! += 1;
        return;
      }
      octets.set(name, NAMES);
      octets.set(controls, CONTROLS);
      this.#answers[0]!.set(answer);
      const [query, reply] = [RECEIVE_HEADERS / 4, SEND_HEADERS / 4];
      words[reply] = words[query]!;
      words[reply + 1] = words[query + 1]!;
      words[reply + NAME_LENGTH] = name.length;
      words[reply + CONTROL] = words[query + CONTROL]!;
      words[reply + CONTROL + 1] = words[query + CONTROL + 1]!;
      words[reply + CONTROL_LENGTH] = controls.length;
      words[SEND_IOVECS / 4 + IOVEC.iov_len.offset / 4] = answer.length;
      this.#send(socket.fd, 1);
    };
  }

  #receive(fd: number): number {
    const calls = this.#calls;
    const received = calls.recvmmsg(fd, this.#memory.address + RECEIVE_HEADERS, COUNT, NUMBER.MSG_DONTWAIT, 0);
    if (received > 0) return received;
    const errno = calls.errno();
    if (errno === ERRNO.EAGAIN || errno === ERRNO.EINTR) return 0;
    if (FATAL.has(errno)) throw systemError(calls, 'recvmmsg');
    // An error that some client's packet left at the socket (ICMP), or no memory just now. It is gone with this call.
    this.#counters[SLOT.udpSocketErrors]! += 1;
    return 0;
  }

  /** The destination that the query's control octets tell becomes the source that the answer's ask for. Gives their length. */
  #turnAround(at: number, length: number, isIpv6: boolean): number {
    // Without it (which does not happen) the routing table decides.
    if (length !== (isIpv6 ? INFO6_SPACE : INFO4_SPACE)) return 0;
    const { words } = this.#memory;
    const info = (CONTROLS + at * CONTROL_BYTES + CMSG.sizeBytes) / 4;
    // Interface 0: the answer goes where the routing table says, which need not be where the query came from.
    if (isIpv6) words[info + INFO6.members.ipi6_ifindex.offset / 4] = 0;
    else {
      words[info + INFO4.members.ipi_ifindex.offset / 4] = 0;
      words[info + INFO4.members.ipi_spec_dst.offset / 4] = words[info + INFO4.members.ipi_addr.offset / 4]!;
    }
    return length;
  }

  /** Sends the first `count` answers. What the kernel does not take after a short wait is dropped: the client asks again, and memory stays bounded. */
  #send(fd: number, count: number): void {
    const calls = this.#calls;
    const counters = this.#counters;
    const headers = this.#memory.address + SEND_HEADERS;
    let done = 0;
    let waits = 0;
    while (done < count) {
      const sent = calls.sendmmsg(fd, headers + done * HEADER_BYTES, count - done, NUMBER.MSG_DONTWAIT);
      if (sent > 0) {
        // Fewer than asked for: the next one has an error, and the next call tells which.
        counters[SLOT.udpAnswers]! += sent;
        done += sent;
        continue;
      }
      const errno = calls.errno();
      if (errno === ERRNO.EINTR) continue;
      if (errno === ERRNO.EAGAIN || errno === ERRNO.ENOBUFS) {
        if (waits++ < UDP_SEND_WAITS_MAX) {
          this.#waitWritable(fd);
          continue;
        }
        counters[SLOT.udpSendOverflow]! += count - done;
        return;
      }
      if (FATAL.has(errno)) throw systemError(calls, 'sendmmsg');
      // EPERM (firewall), ECONNREFUSED, ENETUNREACH, EINVAL (the address it should leave from has gone)…: only this answer is lost.
      counters[SLOT.udpSendErrors]! += 1;
      done += 1;
    }
  }

  #waitWritable(fd: number): void {
    const { words, address } = this.#memory;
    words[POLLFD / 4] = fd;
    words[POLLFD / 4 + 1] = NUMBER.POLLOUT;
    this.#calls.poll(address + POLLFD, 1, UDP_SEND_WAIT_MS);
  }

  /** Everything in the headers that stays the same. */
  #layOut(at: number): void {
    const { words, address } = this.#memory;
    const put = (place: number, value: number) => {
      words[place / 4] = value % 2 ** 32;
      words[place / 4 + 1] = Math.floor(value / 2 ** 32);
    };
    const message = (header: number, iovec: number, buffer: number, sizeBytes: number) => {
      put(iovec + IOVEC.iov_base.offset, address + buffer);
      put(iovec + IOVEC.iov_len.offset, sizeBytes);
      put(header + HEADER.msg_iov.offset, address + iovec);
      put(header + HEADER.msg_iovlen.offset, 1);
    };
    const header = RECEIVE_HEADERS + at * HEADER_BYTES;
    const iovecAt = at * STRUCTURES.iovec.sizeBytes;
    message(header, RECEIVE_IOVECS + iovecAt, QUERIES + at * QUERY_BYTES, MESSAGE_BYTES_MAX);
    put(header + HEADER.msg_name.offset, address + NAMES + at * NAME_BYTES);
    words[header / 4 + NAME_LENGTH] = NAME_BYTES;
    put(header + HEADER.msg_control.offset, address + CONTROLS + at * CONTROL_BYTES);
    put(header + HEADER.msg_controllen.offset, CONTROL_BYTES);
    message(SEND_HEADERS + at * HEADER_BYTES, SEND_IOVECS + iovecAt, ANSWERS + at * ANSWER_BYTES, 0);
  }
}
