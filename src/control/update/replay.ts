/**
 * Messages that were answered already: one that comes again gets the same answer, and is not carried out again.
 * Implements: RFC 2136 §3.8 and §4.6 (a retransmitted request), RFC 8945 §10 (replay within the fudge).
 * A MAC is of the whole message with its id and time, so equal MACs are one message. What is forgotten, because of its
 * age or because there is no place, is not taken any more either: messages of that key signed at that time or before.
 * Not here: signatures (dns/tsig/verify.ts).
 */
import { UPDATE_REPLAY_MESSAGES_MAX, UPDATE_REPLAY_MESSAGES_MIN } from '#base/limits/update.ts';
import { UPDATE_REPLAY_SECONDS, UPDATE_REPLAY_TOTAL_MAX } from '#base/limits/update.ts';

interface Seen {
  readonly timeSigned: number;
  readonly answer: Promise<Uint8Array>;
}

interface KeyWindow {
  /** By MAC, in the order in which they came. */
  readonly seen: Map<string, Seen>;
  /** Messages signed up to then are too old. */
  floor: number;
}

export class ReplayWindow {
  readonly #keys = new Map<string, KeyWindow>();

  /** The answer to the message with this MAC, if it came before. */
  find(key: string, mac: Uint8Array): Promise<Uint8Array> | undefined {
    return this.#keys.get(key)?.seen.get(textOf(mac))?.answer;
  }

  /** True when it cannot be known any more whether the message came before. */
  isTooOld(key: string, timeSigned: number): boolean {
    return timeSigned <= (this.#keys.get(key)?.floor ?? 0);
  }

  /** Remembers a message; `now` and `timeSigned` are seconds since 1970. */
  add(key: string, mac: Uint8Array, timeSigned: number, answer: Promise<Uint8Array>, now: number): void {
    const window = this.#keys.get(key) ?? { seen: new Map<string, Seen>(), floor: 0 };
    this.#keys.set(key, window);
    window.seen.set(textOf(mac), { timeSigned, answer });
    for (const [text, oldest] of window.seen) {
      const isOver = oldest.timeSigned + UPDATE_REPLAY_SECONDS < now;
      if (!isOver && window.seen.size <= this.#placesOfKey()) break;
      window.seen.delete(text);
      // Also of one that is over: the client chooses the fudge, up to 65,535 s (RFC 8945 §4.2).
      window.floor = Math.max(window.floor, oldest.timeSigned);
    }
  }

  #placesOfKey(): number {
    const share = Math.floor(UPDATE_REPLAY_TOTAL_MAX / this.#keys.size);
    return Math.min(UPDATE_REPLAY_MESSAGES_MAX, Math.max(UPDATE_REPLAY_MESSAGES_MIN, share));
  }

  /** Only these keys are left. */
  keep(keys: ReadonlySet<string>): void {
    for (const key of this.#keys.keys()) if (!keys.has(key)) this.#keys.delete(key);
  }
}

function textOf(mac: Uint8Array): string {
  return Buffer.from(mac).toString('latin1');
}
