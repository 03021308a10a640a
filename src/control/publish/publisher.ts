/**
 * Sends new store generations to the answer process and the policy host, and learns what workers serve. In a stream of
 * changes, generations are sent together: each makes every worker move its snapshot and look anew at what its cached answers
 * depend on. The first after a quiet moment is sent at once, and so is one that a client waits to see served.
 * Not here: the channel itself (base/ipc/messages.ts), what a generation is (store/).
 */
import { PUBLISH_EVERY_MS } from '#base/limits/changes.ts';
import { type IpcMessage, type Role, type WorkerCounters, type WorkerState } from '#base/ipc/messages.ts';
import { type ZoneRecord } from '#store/schema.ts';

/** The zones that changed in a generation. */
type Changed = (zones: readonly ZoneRecord[], generation: number) => void;

/** A generation and the zones that changed in it. */
export interface Published {
  readonly generation: number;
  readonly zones: readonly ZoneRecord[];
}

interface Waiter {
  readonly generation: number;
  readonly done: (served: boolean) => void;
  readonly timer: NodeJS.Timeout;
}

export class Publisher {
  readonly #send: (message: IpcMessage) => void;
  readonly #waiters = new Set<Waiter>();
  readonly #listeners: ((message: IpcMessage) => void)[] = [];
  readonly #changed: Changed[] = [];
  #generation = 0;
  /** When a generation was sent last, and the timer of those that wait for their turn. */
  #toldAtMs = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #workers: readonly WorkerState[] = [];
  #addresses: readonly string[] = [];
  #counters: readonly WorkerCounters[] = [];
  readonly #dropped = new Map<Role, number>();

  constructor(send: (message: IpcMessage) => void) {
    this.#send = send;
  }

  get workers(): readonly WorkerState[] {
    return this.#workers;
  }

  /** Where the workers listen, `ADDR:PORT`; empty until all of them do. */
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  get counters(): readonly WorkerCounters[] {
    return this.#counters;
  }

  /** Messages of each other process that the supervisor dropped, for they had no form of ours. */
  get dropped(): ReadonlyMap<Role, number> {
    return this.#dropped;
  }

  /** Called with the zones of each generation, when it is durable. */
  onChanged(changed: Changed): void {
    this.#changed.push(changed);
  }

  /** A generation is durable: workers may look, PUBLISH_EVERY_MS later at the latest. */
  publish(generation: number, zones: readonly ZoneRecord[] = []): void {
    this.publishAll([{ generation, zones }]);
  }

  /** Several that became durable together, in their order. Workers learn of the last, which contains the others. */
  publishAll(published: readonly Published[]): void {
    for (const { generation, zones } of published) {
      this.#generation = generation;
      for (const changed of this.#changed) changed(zones, generation);
    }
    if (published.length === 0) return;
    if (this.#timer !== undefined) return;
    const leftMs = this.#toldAtMs + PUBLISH_EVERY_MS - performance.now();
    if (leftMs <= 0) this.#tell();
    else this.#timer = setTimeout(() => this.#tell(), leftMs);
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#toldAtMs = performance.now();
    this.#send({ kind: 'generation', generation: this.#generation });
  }

  /** Called with all that the answer process says. */
  onMessage(listener: (message: IpcMessage) => void): void {
    this.#listeners.push(listener);
  }

  receive(message: IpcMessage): void {
    for (const listener of this.#listeners) listener(message);
    if (message.kind === 'hello' && message.role !== 'control') this.#tell();
    else if (message.kind === 'listening') this.#addresses = message.addresses;
    else if (message.kind === 'counters') this.#counters = message.workers;
    else if (message.kind === 'dropped') this.#dropped.set(message.role, message.count);
    else if (message.kind === 'gone' && message.role === 'answer') {
      this.#workers = this.#workers.map((each) => ({ ...each, alive: false }));
      this.#addresses = [];
    } else if (message.kind === 'served') {
      this.#workers = message.workers;
      for (const waiter of this.#waiters) if (this.isServed(waiter.generation)) this.#finish(waiter, true);
    }
  }

  /** True when there is a live worker and all live ones serve `generation` or later. */
  isServed(generation: number): boolean {
    const live = this.#workers.filter((each) => each.alive);
    return live.length > 0 && live.every((each) => each.generation >= generation);
  }

  /** Resolves true as soon as `isServed(generation)`, false after `timeoutMs`. */
  waitServed(generation: number, timeoutMs: number): Promise<boolean> {
    if (this.isServed(generation)) return Promise.resolve(true);
    if (this.#timer !== undefined) this.#tell();
    return new Promise((done) => {
      const waiter: Waiter = { generation, done, timer: setTimeout(() => this.#finish(waiter, false), timeoutMs) };
      this.#waiters.add(waiter);
    });
  }

  /** Sends what was not sent yet. */
  close(): void {
    if (this.#timer !== undefined) this.#tell();
    for (const waiter of this.#waiters) this.#finish(waiter, false);
  }

  #finish(waiter: Waiter, served: boolean): void {
    clearTimeout(waiter.timer);
    this.#waiters.delete(waiter);
    waiter.done(served);
  }
}
