/**
 * What waits for a turn, and in which order: jobs of one lane keep their order, and lanes take turns, so that one
 * client with many jobs does not make the others wait for all of them. Jobs are run in groups, one group at a time.
 * Not here: limits and failures (funnel.ts), what a group is (group.ts).
 */
import { setImmediate as turn } from 'node:timers/promises';

/**
 * Takes the jobs that it runs, one after the other, and resolves when they have ended. Must take one, and must not
 * reject.
 */
export type RunGroup<Job> = (take: () => Job | undefined) => Promise<void>;

export class TurnQueue<Job> {
  readonly #runGroup: RunGroup<Job>;
  /** Lanes with waiting jobs, in the order of their next turns. */
  readonly #lanes = new Map<string, Job[]>();
  #draining: Promise<void> | undefined;
  #hasCompany = false;

  constructor(runGroup: RunGroup<Job>) {
    this.#runGroup = runGroup;
  }

  /** `hasCompany`: others like it may wait at their sockets, and are to be in the same group. */
  add(lane: string, job: Job, hasCompany = false): void {
    const jobs = this.#lanes.get(lane) ?? [];
    jobs.push(job);
    this.#lanes.set(lane, jobs);
    this.#hasCompany ||= hasCompany;
    this.#draining ??= this.#drain();
  }

  /** Resolves when no job is left. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    // The caller continues first: a job never begins inside `add`.
    await Promise.resolve();
    while (this.#lanes.size > 0) {
      // The event loop turns first, so that all requests which wait at their sockets are jobs of this group. Without
      // that each has a group of its own, because nothing is read while a group is flushed.
      if (this.#hasCompany) await turn();
      this.#hasCompany = false;
      await this.#runGroup(() => this.#take());
    }
    this.#draining = undefined;
  }

  /** The first job of the first lane; the lane goes behind the others. */
  #take(): Job | undefined {
    const [first] = this.#lanes;
    if (first === undefined) return undefined;
    const [lane, jobs] = first;
    const job = jobs.shift();
    this.#lanes.delete(lane);
    if (jobs.length > 0) this.#lanes.set(lane, jobs);
    return job;
  }
}
