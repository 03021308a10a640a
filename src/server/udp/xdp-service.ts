/**
 * AF_XDP in the answer process: all interfaces, their queues shared out over the threads, and a look at them now and
 * then.
 * Not here: one interface (xdp-interface.ts), the threads (server/worker-pool.ts).
 */
import { type IpPort } from '#base/address.ts';
import { XDP_BIND_SOON_MS, XDP_FULL_LOOK_MS, XDP_LOOK_MS } from '#base/limits/server.ts';
import { type LogService } from '#server/service-log.ts';
import { SERVER_SLOT as SLOT } from '#server/counters.ts';
import { XdpInterface, fallbackText } from './xdp-interface.ts';
import { type XskHandle } from './xdp-memory.ts';
import { NetworkReader } from './xdp-network.ts';
import { type OpenedXdp, descriptorsOfXdp, reasonOf } from './xdp-open.ts';
import { type XdpSyscalls, loadXdpSyscalls } from './xdp-syscalls.ts';

export interface XdpServiceOptions {
  readonly opened: OpenedXdp;
  /** Settled. */
  readonly listen: readonly IpPort[];
  readonly workers: number;
  readonly log: LogService;
}

/** Undefined when no interface can be served; the log says why. Never throws. */
export function startXdp(options: XdpServiceOptions): XdpService | undefined {
  const { opened, log } = options;
  try {
    const service = new XdpService(loadXdpSyscalls(), options);
    if (service.isUseful) return service;
    service.close();
  } catch (error) {
    for (const { name } of opened.interfaces) log('udp.xdp-fallback', fallbackText(name, reasonOf(error)));
  }
  return undefined;
}

export class XdpService {
  readonly #calls: XdpSyscalls;
  readonly #options: XdpServiceOptions;
  readonly #interfaces: XdpInterface[] = [];
  readonly #network: NetworkReader;
  #timer: NodeJS.Timeout | undefined;
  #lastFullMs = -Infinity;
  #hasFailed = false;
  #isClosed = false;

  constructor(calls: XdpSyscalls, options: XdpServiceOptions) {
    const { opened, listen, workers, log } = options;
    this.#calls = calls;
    this.#options = options;
    this.#network = new NetworkReader(calls, opened.netlinkFd);
    let firstWorker = 0;
    for (const each of opened.interfaces) {
      if ('refusal' in each) {
        log('udp.xdp-fallback', fallbackText(each.name, each.refusal));
        continue;
      }
      this.#interfaces.push(new XdpInterface({ calls, opened: each, listen, firstWorker, workers, log }));
      firstWorker += each.queues.length;
    }
    if (!this.isUseful) return;
    this.#look();
  }

  get isUseful(): boolean {
    return this.#interfaces.length > 0;
  }

  /** The sockets of a thread, whichever thread has that number now. */
  handlesOf(worker: number): readonly XskHandle[] {
    return this.#interfaces.flatMap((each) => each.handlesOf(worker));
  }

  /** The thread answers, or does so no longer: the kernel's sockets then get what its queues did. */
  setReady(worker: number, isReady: boolean): void {
    if (this.#isClosed) return;
    for (const each of this.#interfaces) each.setReady(worker, isReady);
    if (isReady) this.#lookLater();
  }

  /** Writes what the kernel counts, and what is served, into a thread's row. */
  count(worker: number, row: Float64Array): void {
    const kernel = this.#interfaces.flatMap((each) => each.kernelCounts(worker));
    const sum = (of: (counts: (typeof kernel)[number]) => number) =>
      kernel.reduce((total, each) => total + of(each), 0);
    row[SLOT.xdpKernelDropped] = sum(({ dropped }) => dropped);
    row[SLOT.xdpKernelRingFull] = sum(({ ringFull }) => ringFull);
    row[SLOT.xdpKernelNoFrame] = sum(({ noFrame }) => noFrame);
    row[SLOT.xdpKernelInvalid] = sum(({ invalid }) => invalid);
    const active = (mode: Parameters<XdpInterface['countActive']>[1]) =>
      this.#interfaces.reduce((total, each) => total + each.countActive(worker, mode), 0);
    row[SLOT.xdpZeroCopy] = active('zero-copy');
    row[SLOT.xdpNative] = active('native');
    row[SLOT.xdpGeneric] = active('generic');
  }

  /** Once its threads have ended. Nothing is left of it then. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const each of this.#interfaces) each.unmap();
    for (const fd of descriptorsOfXdp(this.#options.opened)) this.#calls.close(fd);
  }

  #look(): void {
    const nowMs = performance.now();
    try {
      // Both: what has changed is to be read away.
      const isDue = this.#network.hasChanged() || nowMs - this.#lastFullMs > XDP_FULL_LOOK_MS;
      const network = isDue ? this.#network.read() : undefined;
      // Torn: the next look asks again.
      if (isDue) this.#lastFullMs = network === undefined ? -Infinity : nowMs;
      for (const each of this.#interfaces) each.look(network, nowMs);
    } catch (error) {
      if (!this.#hasFailed)
        this.#options.log('udp.xdp-fallback', `changes of interfaces are not seen: ${reasonOf(error)}`);
      this.#hasFailed = true;
    }
    this.#lookLater();
  }

  #lookLater(): void {
    clearTimeout(this.#timer);
    const nowMs = performance.now();
    const isSoon = this.#interfaces.some((each) => each.isHopeful(nowMs));
    this.#timer = setTimeout(() => this.#look(), isSoon ? XDP_BIND_SOON_MS : XDP_LOOK_MS);
  }
}
