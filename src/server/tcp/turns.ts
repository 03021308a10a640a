/**
 * Turns of TCP connections that have more to do than one turn's worth: they wait in one queue, and each round of the
 * event loop serves a few of them. What just came in (a new connection, the first queries of another) is served between
 * two rounds, so that clients which ask without end, and never read, delay others by one round and not by a turn of
 * each of them.
 * Not here: what a turn is (connection.ts).
 */
import { TCP_TURNS_PER_ROUND } from '#base/limits/server.ts';

export class TcpTurns {
  /** In the order in which they asked for their turns. */
  readonly #waiting = new Set<() => void>();
  #isRoundDue = false;

  /** `turn` is called once, in a later round. The same function waits only once. */
  add(turn: () => void): void {
    this.#waiting.add(turn);
    this.#schedule();
  }

  delete(turn: () => void): void {
    this.#waiting.delete(turn);
  }

  #schedule(): void {
    if (this.#isRoundDue) return;
    this.#isRoundDue = true;
    setImmediate(() => this.#serve());
  }

  #serve(): void {
    this.#isRoundDue = false;
    let left = TCP_TURNS_PER_ROUND;
    for (const turn of this.#waiting) {
      if (left-- === 0) break;
      this.#waiting.delete(turn);
      turn();
    }
    if (this.#waiting.size > 0) this.#schedule();
  }
}
