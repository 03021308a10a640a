/**
 * AF_XDP in the answer process: all interfaces, their queues shared out over the threads, and a look at them now and
 * then. An interface that was not there at the start, or that was deleted, is asked for when it is there: opening it
 * takes rights that this process does not have, so it is handed over from outside.
 * Not here: one interface (xdp-interface.ts), the threads (server/worker-pool.ts), who opens
 * (process/children/xdp-opener.ts).
 */
import { type IpPort } from '#base/address.ts';
import { XDP_BIND_SOON_MS, XDP_FULL_LOOK_MS, XDP_INTERFACES_MAX } from '#base/limits/server.ts';
import { XDP_LOOK_MS, XDP_REOPEN_EVERY_MS, XDP_REOPEN_EVERY_MS_MAX } from '#base/limits/server.ts';
import { RestartDelay } from '#base/restart-delay.ts';
import { type LogService } from '#server/service-log.ts';
import { SERVER_SLOT as SLOT } from '#server/counters.ts';
import { HandOverReader } from './xdp-hand-over.ts';
import { type KernelCounts, XdpInterface, fallbackText } from './xdp-interface.ts';
import { type XskHandle } from './xdp-memory.ts';
import { type Network } from './xdp-netlink.ts';
import { NetworkReader } from './xdp-network.ts';
import { type OpenedInterface, type OpenedXdp, descriptorsOfInterface, reasonOf, unsuitable } from './xdp-open.ts';
import { type XdpSyscalls, loadXdpSyscalls } from './xdp-syscalls.ts';

export interface XdpServiceOptions {
  readonly opened: OpenedXdp;
  /** Settled. */
  readonly listen: readonly IpPort[];
  readonly workers: number;
  readonly log: LogService;
  /** Asks for interfaces to be opened, and handed over at `opened.handOverFd`; they may never come. */
  readonly ask?: (interfaces: readonly string[]) => void;
}

/** Undefined when no interface can be served, now or later; the log says why. Never throws. */
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

const NO_COUNTS: KernelCounts = { dropped: 0, ringFull: 0, noFrame: 0, invalid: 0 };

export class XdpService {
  readonly #calls: XdpSyscalls;
  readonly #options: XdpServiceOptions;
  readonly #interfaces: XdpInterface[] = [];
  /** Those that were not there, or have gone: names, and the thread that the first queue of each had. */
  readonly #missing = new Map<string, number>();
  /** That have gone, and have sockets that threads still use. */
  #leaving = 0;
  /** What was said last of one that was asked for, so that it is said once. */
  readonly #refusals = new Map<string, string>();
  readonly #network: NetworkReader;
  readonly #handed: HandOverReader | undefined;
  /** By thread: what was counted at sockets that are closed. */
  readonly #past: KernelCounts[];
  #give: () => Promise<void> = () => Promise.resolve();
  #giving: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #lastFullMs = -Infinity;
  /** When it may be asked again; undefined: it was not asked, and waits for an event of the network. */
  #nextAskMs: number | undefined;
  #askDelay = newAskDelay();
  #hasFailed = false;
  #isClosed = false;

  constructor(calls: XdpSyscalls, options: XdpServiceOptions) {
    const { opened, workers, log } = options;
    this.#calls = calls;
    this.#options = options;
    this.#network = new NetworkReader(calls, opened.netlinkFd);
    this.#handed = opened.handOverFd === undefined ? undefined : new HandOverReader(calls, opened.handOverFd);
    this.#past = Array.from({ length: workers }, () => NO_COUNTS);
    let firstWorker = 0;
    for (const each of opened.interfaces) {
      if ('refusal' in each) {
        log('udp.xdp-fallback', fallbackText(each.name, each.refusal));
        if (each.isMissing === true && this.#canAsk) this.#missing.set(each.name, firstWorker);
        continue;
      }
      this.#interfaces.push(this.#open(each, firstWorker));
      firstWorker += each.queues.length;
    }
    if (!this.isUseful) return;
    this.#look();
  }

  get isUseful(): boolean {
    return this.#interfaces.length > 0 || this.#missing.size > 0;
  }

  /** `give` is called when threads have other sockets than before; it resolves when no thread uses those of before. */
  watch(give: () => Promise<void>): void {
    this.#give = give;
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
    const kernel = [this.#past[worker] ?? NO_COUNTS, ...this.#interfaces.flatMap((each) => each.kernelCounts(worker))];
    const sum = kernel.reduce(addCounts);
    row[SLOT.xdpKernelDropped] = sum.dropped;
    row[SLOT.xdpKernelRingFull] = sum.ringFull;
    row[SLOT.xdpKernelNoFrame] = sum.noFrame;
    row[SLOT.xdpKernelInvalid] = sum.invalid;
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
    for (const each of this.#interfaces) each.close();
    const { netlinkFd, handOverFd = -1 } = this.#options.opened;
    for (const fd of [netlinkFd, handOverFd]) if (fd >= 0) this.#calls.close(fd);
  }

  get #canAsk(): boolean {
    const { ask, opened } = this.#options;
    return ask !== undefined && opened.handOverFd !== undefined && opened.netlinkFd >= 0;
  }

  #open(opened: OpenedInterface, firstWorker: number): XdpInterface {
    const { listen, workers, log } = this.#options;
    return new XdpInterface({ calls: this.#calls, opened, listen, firstWorker, workers, log });
  }

  #look(): void {
    const nowMs = performance.now();
    try {
      this.#takeHandedOver();
      // Both: what has changed is to be read away.
      const isDue = this.#network.hasChanged() || nowMs - this.#lastFullMs > XDP_FULL_LOOK_MS;
      const network = isDue || this.#isRetryDue(nowMs) ? this.#network.read() : undefined;
      // Torn: the next look asks again.
      if (isDue) this.#lastFullMs = network === undefined ? -Infinity : nowMs;
      for (const each of this.#interfaces) each.look(network, nowMs);
      for (const each of this.#interfaces.filter(({ isGone }) => isGone)) this.#leave(each);
      if (network !== undefined) this.#ask(network, nowMs);
    } catch (error) {
      if (!this.#hasFailed)
        this.#options.log('udp.xdp-fallback', `changes of interfaces are not seen: ${reasonOf(error)}`);
      this.#hasFailed = true;
    }
    this.#lookLater();
  }

  #lookLater(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    const nowMs = performance.now();
    const isSoon = this.#interfaces.some((each) => each.isHopeful(nowMs));
    this.#timer = setTimeout(() => this.#look(), isSoon ? XDP_BIND_SOON_MS : XDP_LOOK_MS);
  }

  // --- interfaces that come, or come back ---

  /** Its memory is given back before it is opened again: the limit for locked memory need not be enough for both. */
  #leave(gone: XdpInterface): void {
    if (!this.#canAsk) return;
    this.#interfaces.splice(this.#interfaces.indexOf(gone), 1);
    this.#missing.set(gone.name, gone.firstWorker);
    this.#leaving += 1;
    this.#giving = this.#exchange(this.#giving, gone);
  }

  /** One after the other: threads say that they use what there is now, not for whom. */
  async #exchange(earlier: Promise<void>, gone?: XdpInterface): Promise<void> {
    await earlier;
    await this.#give();
    if (gone === undefined) return;
    for (const [worker, past] of this.#past.entries())
      this.#past[worker] = [past, ...gone.kernelCounts(worker)].reduce(addCounts);
    gone.close();
    this.#leaving -= 1;
    // It may be there again already.
    this.#lastFullMs = -Infinity;
  }

  /** It was asked for some of them, and they have not come. Before that, an event of the network is waited for. */
  #isRetryDue(nowMs: number): boolean {
    return this.#nextAskMs !== undefined && nowMs >= this.#nextAskMs;
  }

  #ask({ links }: Network, nowMs: number): void {
    if (!this.#canAsk || this.#leaving > 0) return;
    const there = [...this.#missing.keys()].filter((name) =>
      links.some((link) => link.name === name && unsuitable(link) === undefined),
    );
    if (there.length === 0) return this.#forgetAsked();
    if (nowMs < (this.#nextAskMs ?? 0)) return;
    this.#nextAskMs = nowMs + this.#askDelay.afterLife(0);
    this.#options.ask?.(there);
  }

  #forgetAsked(): void {
    this.#nextAskMs = undefined;
    this.#askDelay = newAskDelay();
  }

  #takeHandedOver(): void {
    const { log } = this.#options;
    for (let each = 0; each < XDP_INTERFACES_MAX; each++) {
      const handed = this.#handed?.next();
      if (handed === undefined) return;
      const refusal = 'refusal' in handed ? handed.refusal : this.#add(handed);
      if (refusal === undefined || this.#refusals.get(handed.name) === refusal) continue;
      this.#refusals.set(handed.name, refusal);
      log('udp.xdp-fallback', fallbackText(handed.name, refusal));
    }
  }

  /** Returns why it cannot be served. */
  #add(opened: OpenedInterface): string | undefined {
    try {
      const firstWorker = this.#missing.get(opened.name);
      if (firstWorker === undefined) throw new Error('it was handed over, and is not wanted');
      this.#interfaces.push(this.#open(opened, firstWorker));
    } catch (error) {
      for (const fd of descriptorsOfInterface(opened)) this.#calls.close(fd);
      return reasonOf(error);
    }
    this.#missing.delete(opened.name);
    this.#refusals.delete(opened.name);
    this.#askDelay = newAskDelay();
    // Its addresses are read by the look that follows.
    this.#lastFullMs = -Infinity;
    this.#giving = this.#exchange(this.#giving);
    return undefined;
  }
}

function newAskDelay(): RestartDelay {
  return new RestartDelay({ firstMs: XDP_REOPEN_EVERY_MS, longestMs: XDP_REOPEN_EVERY_MS_MAX, settledMs: Infinity });
}

function addCounts(a: KernelCounts, b: KernelCounts): KernelCounts {
  return {
    dropped: a.dropped + b.dropped,
    ringFull: a.ringFull + b.ringFull,
    noFrame: a.noFrame + b.noFrame,
    invalid: a.invalid + b.invalid,
  };
}
