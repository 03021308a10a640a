/**
 * Runs jobs one at a time. Jobs of one lane keep their order; lanes take turns, so that one client with many jobs does not make
 * the others wait for all of them. Not here: limits and failures (funnel.ts).
 */

type Job = () => Promise<void>;

export class TurnQueue {
  /** Lanes with waiting jobs, in the order of their next turns. */
  readonly #lanes = new Map<string, Job[]>();
  #draining: Promise<void> | undefined;

  /** Resolves or rejects as `job` does. */
  run<T>(lane: string, job: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const jobs = this.#lanes.get(lane) ?? [];
    jobs.push(() => job().then(resolve, reject));
    this.#lanes.set(lane, jobs);
    this.#draining ??= this.#drain();
    return promise;
  }

  /** Resolves when no job is left. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    // The caller continues first: a job never begins inside `run`.
    await Promise.resolve();
    for (let next = this.#take(); next !== undefined; next = this.#take()) await next();
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
