/**
 * The time that waits are counted in, kept going from one process to the next: what the machine has been up, written
 * down with every decision and now and then in between (lifecycle/timeline.ts says why).
 */
import { type Clock } from '#base/clock.ts';
import { type ClockReading, type Timeline, advanceTimeline } from '#lifecycle/timeline.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { timelineWrite } from '#store/timeline.ts';

/** How long the machine has been up, and since which start. */
export type Uptime = Omit<ClockReading, 'wallMs'>;

export class CountedTime {
  readonly #clock: Clock;
  readonly #uptime: () => Uptime;
  #timeline: Timeline | undefined;

  /** Continues from `last`, the timeline that was written down. */
  constructor(clock: Clock, uptime: () => Uptime, last: Timeline | undefined) {
    this.#clock = clock;
    this.#uptime = uptime;
    this.#timeline = last;
  }

  /** Now; never before what was read last. */
  read(): Timeline {
    this.#timeline = advanceTimeline(this.#timeline, { wallMs: this.#clock.nowMs(), ...this.#uptime() });
    return this.#timeline;
  }

  /** What due times are in. */
  nowMs(): number {
    return this.read().nowMs;
  }

  /** Writes it down. */
  write(): DocumentWrite {
    return timelineWrite(this.read());
  }
}
