/**
 * One interface that is served by AF_XDP: its sockets are bound, its queues become active and stop being so, and the
 * program learns which addresses are ours. Whenever a queue is not active, the kernel's sockets get what comes there.
 * Not here: opening, which took rights that are gone (xdp-open.ts); all interfaces together (xdp-service.ts).
 */
import { type IpPort } from '#base/address.ts';
import { XDP_BIND_EVERY_MS, XDP_BIND_PATIENCE_MS, XDP_MTU_BYTES_MIN } from '#base/limits/server.ts';
import { type LogService } from '#server/service-log.ts';
import { type AnsweredAddresses, answeredAddresses } from './xdp-addresses.ts';
import { nativeMemory, systemError } from './mmsg-syscalls.ts';
import { CONTROL_MAPPED_BYTES, XdpControl } from './xdp-control.ts';
import { XDP_NUMBER, XDP_STRUCTURES } from './xdp-layout.ts';
import { type XskHandle, mapSocket, unmapSocket } from './xdp-memory.ts';
import { type Link, type Network } from './xdp-netlink.ts';
import { type OpenedInterface, descriptorsOfInterface, isError, reasonOf } from './xdp-open.ts';
import { type MappedMemory, type XdpSyscalls, mapShared, viewMemory } from './xdp-syscalls.ts';

export type QueueMode = 'zero-copy' | 'native' | 'generic';

interface Queue {
  readonly queue: number;
  readonly handle: XskHandle;
  /** Of the thread that has it. */
  readonly worker: number;
  /** Its thread answers. */
  isWanted: boolean;
  /** Undefined until it is bound. */
  mode: QueueMode | undefined;
  /** Why it was not bound, or not without copies. */
  why: string | undefined;
  /** It cannot be bound, and that does not pass. */
  isRefused: boolean;
}

/** What the kernel counts at one socket, since it was opened. */
export interface KernelCounts {
  readonly dropped: number;
  readonly ringFull: number;
  readonly noFrame: number;
  readonly invalid: number;
}

export interface InterfaceOptions {
  readonly calls: XdpSyscalls;
  readonly opened: OpenedInterface;
  readonly listen: readonly IpPort[];
  /** The thread of its first queue; the others follow, in turn. */
  readonly firstWorker: number;
  readonly workers: number;
  readonly log: LogService;
}

export class XdpInterface {
  readonly #options: InterfaceOptions;
  readonly #control: XdpControl;
  readonly #controlMemory: MappedMemory;
  readonly #queues: readonly Queue[];
  #link: Link | undefined;
  #isGone = false;
  #answered: AnsweredAddresses | undefined;
  #nextBindMs = 0;
  /** When a queue was found busy first; undefined: none is. */
  #busySinceMs: number | undefined;
  /** What was said last, so that it is said once. */
  #said = '';

  /** Maps its memory. Throws the system's error. */
  constructor(options: InterfaceOptions) {
    const { calls, opened, firstWorker, workers } = options;
    this.#options = options;
    this.#controlMemory = mapShared(calls, opened.controlFd, CONTROL_MAPPED_BYTES);
    this.#control = new XdpControl(viewMemory(this.#controlMemory));
    this.#queues = opened.queues.map(({ fd, memoryFd }, queue) => ({
      queue,
      handle: mapSocket(calls, fd, memoryFd),
      worker: (firstWorker + queue) % workers,
      isWanted: false,
      mode: undefined,
      why: undefined,
      isRefused: false,
    }));
  }

  /** As the configuration has it. */
  get name(): string {
    return this.#options.opened.name;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Of its first queue. */
  get firstWorker(): number {
    return this.#options.firstWorker;
  }

  handlesOf(worker: number): readonly XskHandle[] {
    return this.#queues.filter((each) => each.worker === worker).map(({ handle }) => handle);
  }

  /** The thread answers, or does so no longer. */
  setReady(worker: number, isReady: boolean): void {
    for (const each of this.#queues) if (each.worker === worker) each.isWanted = isReady;
    if (isReady) this.#bindAll();
    this.#settle();
  }

  /** As it is now: what changed is said, and done. */
  look(network: Network | undefined, nowMs: number): void {
    if (network !== undefined) this.#follow(network);
    if (nowMs < this.#nextBindMs && !this.isHopeful(nowMs)) return;
    this.#nextBindMs = nowMs + XDP_BIND_EVERY_MS;
    this.#bindAll();
    this.#settle();
  }

  /** A queue is busy, and has not been so for long: the socket before may only just have been closed. */
  isHopeful(nowMs: number): boolean {
    return this.#busySinceMs !== undefined && nowMs - this.#busySinceMs < XDP_BIND_PATIENCE_MS;
  }

  /** Queues of the thread that are served now. */
  countActive(worker: number, mode: QueueMode): number {
    return this.#queues.filter(
      (each) => each.worker === worker && each.mode === mode && this.#control.isActive(each.queue),
    ).length;
  }

  kernelCounts(worker: number): readonly KernelCounts[] {
    return this.#queues
      .filter((each) => each.worker === worker)
      .map(({ handle }) => readCounts(this.#options.calls, handle.fd));
  }

  /** A mapping keeps a socket open. No thread may use it any more. */
  close(): void {
    const { calls, opened } = this.#options;
    for (const { handle } of this.#queues) unmapSocket(calls, handle);
    calls.munmap(this.#controlMemory.address, this.#controlMemory.sizeBytes);
    for (const fd of descriptorsOfInterface(opened)) calls.close(fd);
  }

  #follow(network: Network): void {
    const { opened, listen } = this.#options;
    const link = network.links.find(({ index }) => index === opened.index);
    this.#isGone ||= link === undefined;
    if (link !== undefined) {
      if (this.#link === undefined || Buffer.compare(this.#link.mac, link.mac) !== 0) this.#takeHardwareAddress(link);
      const answered = answeredAddresses(listen, network, opened.index);
      if (!isSame(this.#answered, answered)) this.#control.setAddresses(answered.addresses);
      this.#answered = answered;
      this.#link = link;
    }
    this.#settle();
  }

  /** The kernel's sockets answer while it is not clear which one counts. */
  #takeHardwareAddress({ mac }: Link): void {
    for (const { queue } of this.#queues) this.#control.setActive(queue, false);
    this.#control.setHardwareAddress(mac);
  }

  /** Why none of its queues may be served now. */
  #obstacle(): string | undefined {
    const link = this.#link;
    if (this.#isGone) return 'the interface has gone. When it is there again, AF_XDP is opened again';
    if (link === undefined) return 'nothing is known of the interface yet';
    if (link.mtu >= XDP_MTU_BYTES_MIN) return undefined;
    const fix = `ip link set dev ${link.name} mtu ${XDP_MTU_BYTES_MIN}, or more`;
    return `its MTU is ${link.mtu}, and answers need ${XDP_MTU_BYTES_MIN} (${fix})`;
  }

  /** Every queue is active or not as it should be, and the log says so when that has changed. */
  #settle(): void {
    const obstacle = this.#obstacle();
    for (const each of this.#queues)
      this.#control.setActive(each.queue, each.isWanted && each.mode !== undefined && obstacle === undefined);
    // While threads start or end there is nothing to say yet.
    const isSettled = this.#queues.every(({ isWanted }) => isWanted) && !this.isHopeful(performance.now());
    if (isSettled) this.#say(obstacle);
  }

  #say(obstacle: string | undefined): void {
    const { log, opened } = this.#options;
    const name = this.#link?.name ?? opened.name;
    const renamed = name === opened.name ? '' : ` (it was ${opened.name})`;
    const unbound = this.#queues.find(({ mode }) => mode === undefined);
    const why = obstacle ?? unbound?.why;
    const text = why === undefined ? this.#describe(name, renamed) : fallbackText(`${name}${renamed}`, why);
    if (text === this.#said) return;
    this.#said = text;
    log(why === undefined ? 'udp.xdp' : 'udp.xdp-fallback', text);
  }

  #describe(name: string, renamed: string): string {
    const { opened, workers } = this.#options;
    const [first] = this.#queues;
    const isCopied =
      first?.mode === 'zero-copy' ? 'without copies' : `with copies (${first?.why ?? 'generic has no other way'})`;
    const mode = opened.mode === 'native' ? 'by its driver' : `by the kernel for any driver (${opened.notNative})`;
    const count = this.#queues.length;
    const threads = new Set(this.#queues.map(({ worker }) => worker)).size;
    const left = this.#answered?.left ?? 0;
    const notes = [
      ...(opened.queuesLeft > 0 ? [`${opened.queuesLeft} more queues stay with the kernel's sockets`] : []),
      ...(left > 0 ? [`${left} addresses do not fit and stay with the kernel's sockets`] : []),
      ...(this.#answered?.addresses.length === 0 ? ['no address of dns.listen is reached there now'] : []),
      ...(this.#link?.isUp === false ? ['the interface is down now'] : []),
    ];
    return (
      `UDP at ${name}${renamed} by AF_XDP ${mode}, ${isCopied}: ${count} queue${count === 1 ? '' : 's'}, ` +
      `${threads} of ${workers} workers${notes.map((note) => `; ${note}`).join('')}. nftables and tcpdump do not see it`
    );
  }

  /** Those that are not bound yet; each try is one system call. */
  #bindAll(): void {
    const { calls, opened } = this.#options;
    if (this.#isGone) return;
    let hasBusy = false;
    for (const each of this.#queues) {
      if (each.mode !== undefined || each.isRefused || !each.isWanted) continue;
      try {
        const bound = bindQueue(calls, each.handle.fd, opened, each.queue);
        each.mode = bound.mode;
        each.why = bound.notZeroCopy;
      } catch (error) {
        const isBusy = isError(error, 'EBUSY');
        hasBusy ||= isBusy;
        each.isRefused = !isBusy && !isError(error, 'ENETDOWN');
        const again = each.isRefused ? '' : `; it is tried again every ${XDP_BIND_EVERY_MS / 1000} s`;
        const why = isBusy ? 'has another AF_XDP socket' : `is not to be had: ${reasonOf(error)}`;
        each.why = `queue ${each.queue} ${why}${again}`;
      }
    }
    this.#busySinceMs = hasBusy ? (this.#busySinceMs ?? performance.now()) : undefined;
  }
}

export function fallbackText(name: string, why: string): string {
  return `UDP at ${name} by the kernel's sockets (recvmmsg), not by AF_XDP: ${why}`;
}

interface Bound {
  readonly mode: QueueMode;
  readonly notZeroCopy?: string;
}

/** Without copies where the driver can do that. Throws the system's error. */
function bindQueue(calls: XdpSyscalls, fd: number, { mode, index }: OpenedInterface, queue: number): Bound {
  const { XDP_ZEROCOPY, XDP_COPY } = XDP_NUMBER;
  if (mode === 'generic') {
    bindWith(calls, fd, index, queue, XDP_COPY);
    return { mode: 'generic' };
  }
  try {
    bindWith(calls, fd, index, queue, XDP_ZEROCOPY);
    return { mode: 'zero-copy' };
  } catch (error) {
    if (isError(error, 'EBUSY')) throw error;
    bindWith(calls, fd, index, queue, XDP_COPY);
    return { mode: 'native', notZeroCopy: `zero-copy: ${reasonOf(error)}` };
  }
}

function bindWith(calls: XdpSyscalls, fd: number, index: number, queue: number, flag: number): void {
  const { sockaddr_xdp: name } = XDP_STRUCTURES;
  const memory = nativeMemory(name.sizeBytes);
  memory.words[0] = XDP_NUMBER.AF_XDP | ((flag | XDP_NUMBER.XDP_USE_NEED_WAKEUP) << 16);
  memory.words[name.members.sxdp_ifindex / 4] = index;
  memory.words[name.members.sxdp_queue_id / 4] = queue;
  if (calls.bind(fd, memory.address, name.sizeBytes) !== 0) throw systemError(calls, 'bind');
}

function readCounts(calls: XdpSyscalls, fd: number): KernelCounts {
  const { members, sizeBytes } = XDP_STRUCTURES.xdp_statistics;
  const memory = nativeMemory(sizeBytes + 8);
  memory.words[sizeBytes / 4] = sizeBytes;
  const { SOL_XDP, XDP_STATISTICS } = XDP_NUMBER;
  // After a failure they stay 0.
  calls.getsockopt(fd, SOL_XDP, XDP_STATISTICS, memory.address, memory.address + sizeBytes);
  const count = (member: keyof typeof members) =>
    memory.words[members[member] / 4]! + 2 ** 32 * memory.words[members[member] / 4 + 1]!;
  return {
    dropped: count('rx_dropped'),
    ringFull: count('rx_ring_full'),
    noFrame: count('rx_fill_ring_empty_descs'),
    invalid: count('rx_invalid_descs') + count('tx_invalid_descs'),
  };
}

function isSame(a: AnsweredAddresses | undefined, b: AnsweredAddresses): boolean {
  return (
    a !== undefined &&
    a.addresses.length === b.addresses.length &&
    a.addresses.every(({ octets, port }, at) => {
      const other = b.addresses[at]!;
      return port === other.port && Buffer.compare(octets, other.octets) === 0;
    })
  );
}
