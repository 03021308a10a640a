/**
 * Those who wait for something to happen: until it does, for some time, or until they give up.
 * Not here: what happens (feed.ts).
 */

export class Sleepers {
  readonly #wakes = new Set<() => void>();

  /** Resolves at the next `wakeAll`, after `waitMs`, or when `signal` aborts; leaves nothing behind at any of them. */
  async sleep(waitMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const timer = setTimeout(wake, waitMs);
    signal.addEventListener('abort', wake, { once: true });
    this.#wakes.add(wake);
    await promise;
    clearTimeout(timer);
    signal.removeEventListener('abort', wake);
    this.#wakes.delete(wake);
  }

  wakeAll(): void {
    for (const wake of this.#wakes) wake();
  }
}
