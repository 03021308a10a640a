/**
 * What a thread that waits in epoll does besides its sockets: tasks of the next round, and tasks at their times.
 * Not here: the rounds themselves (epoll.ts).
 */
import { TCP_BEHIND_MS } from '#base/limits/server.ts';
import { type TcpRounds } from './tcp-socket.ts';

interface Timed {
  readonly atMs: number;
  readonly task: () => void;
}

export class EpollRounds implements TcpRounds {
  #soon: (() => void)[] = [];
  /** Two or three: the sweep, a rest of the streams, a pause of accepting. */
  #timed: Timed[] = [];

  soon(task: () => void): void {
    this.#soon.push(task);
  }

  after(ms: number, task: () => void): void {
    this.#timed.push({ atMs: performance.now() + ms, task });
  }

  /** Milliseconds until something is due: 0 for the next round, Infinity for nothing. */
  dueInMs(nowMs: number): number {
    if (this.#soon.length > 0) return 0;
    let firstMs = Infinity;
    for (const { atMs } of this.#timed) firstMs = Math.min(firstMs, atMs);
    return Math.max(0, firstMs - nowMs);
  }

  /**
   * Does what is due; what is asked for meanwhile comes in the next round. `isBehind`: more has come in than the round
   * could look at, so that what has a time waits a little: who was in time must not be late because of that.
   */
  run(isBehind: boolean): void {
    if (this.#soon.length > 0) {
      const tasks = this.#soon;
      this.#soon = [];
      for (const task of tasks) task();
    }
    if (this.#timed.length === 0) return;
    const nowMs = performance.now() - (isBehind ? TCP_BEHIND_MS : 0);
    const due = this.#timed.filter(({ atMs }) => atMs <= nowMs);
    if (due.length === 0) return;
    this.#timed = this.#timed.filter(({ atMs }) => atMs > nowMs);
    for (const { task } of due) task();
  }
}
