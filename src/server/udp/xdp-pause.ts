/**
 * A pause between two batches of AF_XDP. The kernel thread that fills the ring may run on the worker's core. A worker
 * that takes packets as they come then changes places with that thread for each eight packets. A worker that sleeps for
 * a moment lets the thread fill the ring: that saves a quarter of the core time of an answer (docs/performance.md).
 * There is no pause at few packets a second, and none after a large batch: it would only delay answers.
 * Not here: where the pause stands among batches and waits (mmsg.ts).
 */
import { XDP_PAUSE_BELOW_PACKETS, XDP_PAUSE_FROM_PACKETS_PER_MS, XDP_PAUSE_US } from '#base/limits/server.ts';
import { XDP_NUMBER } from './xdp-layout.ts';
import { type XdpSyscalls } from './xdp-syscalls.ts';

/** What the kernel may add to a sleep of this thread; 50 µs by default (PR_SET_TIMERSLACK, prctl(2)). */
const TIMER_SLACK_NS = 1000;

/** After such a batch the next one follows at once. */
export function isFullBatch(packets: number): boolean {
  return packets >= XDP_PAUSE_BELOW_PACKETS;
}

/** After a last batch of `last`, one of those that took `packets` within `elapsedMs`. */
export function isPauseDue(last: number, packets: number, elapsedMs: number): boolean {
  return last > 0 && !isFullBatch(last) && packets >= elapsedMs * XDP_PAUSE_FROM_PACKETS_PER_MS;
}

export class XdpPause {
  readonly #calls: Pick<XdpSyscalls, 'usleep'>;
  #lastMs = 0;

  /** For the thread that makes it: that thread's timers become exact. */
  constructor(calls: Pick<XdpSyscalls, 'usleep' | 'prctl'>) {
    this.#calls = calls;
    // Where this fails, pauses are longer; nothing else depends on it.
    calls.prctl(XDP_NUMBER.PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
  }

  /** Sleeps when a pause is due after `packets` packets, `last` of them in the last batch. A signal ends the sleep. */
  after(last: number, packets: number): void {
    const nowMs = performance.now();
    if (isPauseDue(last, packets, nowMs - this.#lastMs)) this.#calls.usleep(XDP_PAUSE_US);
    this.#lastMs = nowMs;
  }
}
