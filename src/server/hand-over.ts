/**
 * Messages that one thread passes on to control, and the answers that come back. Few are with control at a time, more
 * wait here, each client network with a share of the places; clients take turns. A flood fills these places and nothing
 * else: queries are answered meanwhile.
 * Not here: which messages these are (transfer/update-gate.ts), the way to control (worker-pool.ts, base/ipc/calls.ts).
 */
import { type CallFailure } from '#base/ipc/calls.ts';
import {
  HANDED_AT_ONCE_MAX,
  HANDED_WAITING_BYTES_MAX,
  HANDED_WAITING_MAX,
  HANDED_WAITING_PER_CLIENT,
  HANDED_WAIT_MS,
} from '#base/limits/update.ts';

/** What became of a message. */
export type HandedOutcome =
  | { readonly answer: Uint8Array }
  /** No answer: control is not there, has too much to do, or is late. `expired`: it was not passed on. */
  | { readonly why: CallFailure | 'expired' };

export interface HandedOrder {
  /** Name of the call. */
  readonly name: string;
  readonly body: Uint8Array;
  /** What counts as one client. */
  readonly client: string;
  readonly done: (outcome: HandedOutcome) => void;
}

interface Waiting extends HandedOrder {
  readonly sinceMs: number;
}

export interface HandOverOptions {
  /** Sends a message to the thread that talks to control; `settle` is called with the same id. */
  readonly post: (id: number, name: string, body: Uint8Array) => void;
  /** A message has found no place. */
  readonly onFull?: () => void;
  readonly nowMs?: () => number;
}

export class HandOver {
  readonly #options: HandOverOptions;
  readonly #nowMs: () => number;
  readonly #underWay = new Map<number, HandedOrder>();
  /** By client, in the order of their next turns. */
  readonly #lanes = new Map<string, Waiting[]>();
  readonly #bytesOf = new Map<string, number>();
  #waiting = 0;
  #waitingBytes = 0;
  #nextId = 0;

  constructor(options: HandOverOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** Passes the message on, now or in its turn. False: there is no place, and nothing was done. */
  pass(order: HandedOrder): boolean {
    if (this.#underWay.size < HANDED_AT_ONCE_MAX) {
      this.#post(order);
      return true;
    }
    const { client, body } = order;
    const lane = this.#lanes.get(client) ?? [];
    if (this.#isFull(client, lane.length, body.length)) {
      this.#options.onFull?.();
      return false;
    }
    lane.push({ ...order, sinceMs: this.#nowMs() });
    this.#lanes.set(client, lane);
    this.#count(client, body.length, 1);
    return true;
  }

  /** Control has answered, or will not. */
  settle(id: number, outcome: HandedOutcome): void {
    const order = this.#underWay.get(id);
    if (order === undefined) return;
    this.#underWay.delete(id);
    order.done(outcome);
    while (this.#underWay.size < HANDED_AT_ONCE_MAX) {
      const next = this.#take();
      if (next === undefined) return;
      if (this.#nowMs() - next.sinceMs > HANDED_WAIT_MS) next.done({ why: 'expired' });
      else this.#post(next);
    }
  }

  /** No place for one more message of `bytes` octets of a client that has `count` waiting. */
  #isFull(client: string, count: number, bytes: number): boolean {
    if (this.#waiting >= HANDED_WAITING_MAX || count >= HANDED_WAITING_MAX * HANDED_WAITING_PER_CLIENT) return true;
    if (this.#waitingBytes + bytes > HANDED_WAITING_BYTES_MAX) return true;
    return (this.#bytesOf.get(client) ?? 0) + bytes > HANDED_WAITING_BYTES_MAX * HANDED_WAITING_PER_CLIENT;
  }

  #post(order: HandedOrder): void {
    const id = this.#nextId++;
    this.#underWay.set(id, order);
    this.#options.post(id, order.name, order.body);
  }

  /** The first message of the first client, which goes behind the others. */
  #take(): Waiting | undefined {
    const [first] = this.#lanes;
    if (first === undefined) return undefined;
    const [client, lane] = first;
    const next = lane.shift()!;
    this.#lanes.delete(client);
    if (lane.length > 0) this.#lanes.set(client, lane);
    this.#count(client, -next.body.length, -1);
    return next;
  }

  #count(client: string, bytes: number, messages: number): void {
    this.#waiting += messages;
    this.#waitingBytes += bytes;
    const now = (this.#bytesOf.get(client) ?? 0) + bytes;
    if (now === 0) this.#bytesOf.delete(client);
    else this.#bytesOf.set(client, now);
  }
}
