/**
 * How long transactions take until they are on disk, and which fail. Deciding, planning and signing are not in it.
 * Not here: doing them (group.ts, carry-out.ts).
 */
import { Histogram } from '#base/measure/histogram.ts';
import { type StoreFailure } from '#store/failure.ts';

/** Upper bounds in seconds: from a flush to a fast disk to one that is in trouble. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10] as const;

export class Commits {
  readonly seconds = new Histogram(SECONDS);
  readonly failures = { full: 0, broken: 0, other: 0 };

  /** One that began at `startedMs` is on disk now. */
  done(startedMs: number): void {
    this.seconds.add((performance.now() - startedMs) / 1000);
  }

  failed({ code }: StoreFailure): void {
    this.failures[code === 'STORE_FULL' ? 'full' : code === 'STORE_BROKEN' ? 'broken' : 'other'] += 1;
  }
}
