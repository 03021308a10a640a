/**
 * Messages about alerts are sent to every target, in order, each until the target has it: what fails is tried again
 * with growing waits, for three days, also over restarts. A target that is away holds up no other.
 * Not here: the kinds of targets, which alerts there are (alerts.ts).
 */
import { Sleepers, type Timers } from '#base/clock.ts';
import { ALERT_DELIVERIES_MAX, ALERT_GIVE_UP_MS, ALERT_RETRY_MS_MAX, ALERT_RETRY_MS_MIN } from '#base/limits/alerts.ts';
import { ALERT_SEND_MS } from '#base/limits/alerts.ts';
import { type Log } from '#base/log.ts';
import { ok } from '#base/problem.ts';
import {
  type StoredDelivery,
  deliveryId,
  deliveryRemoval,
  deliveryWrite,
  readDeliveries,
} from '#store/alerts/deliveries.ts';
import { type DocumentWrite } from '#store/due/documents.ts';
import { type StoreReader } from '#store/reader.ts';
import { type TestedTarget } from '#control/api/alerts.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type AlertMessage, type AlertTarget } from './targets.ts';

export interface DeliveriesOptions {
  readonly reader: StoreReader;
  readonly funnel: Pick<Funnel, 'change'>;
  readonly targets: readonly AlertTarget[];
  /** Counted time. */
  readonly nowMs: () => number;
  readonly timers: Timers;
}

export type DeliveryResult = 'sent' | 'failed' | 'given-up' | 'dropped';

const TURN = { actor: { kind: 'system', id: 'alerts', from: '' }, action: 'alert.delivery', upkeep: true } as const;

export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #stopping = new AbortController();
  /** By target, oldest first. */
  readonly #waiting = new Map<string, StoredDelivery[]>();
  readonly #lanes = new Map<string, Promise<void>>();
  readonly #sleepers: Sleepers;
  readonly counts: Record<DeliveryResult, number> = { sent: 0, failed: 0, 'given-up': 0, dropped: 0 };
  #next = 1;
  #log: Log | undefined;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    this.#sleepers = new Sleepers(options.timers);
    for (const { name } of options.targets) this.#waiting.set(name, []);
  }

  get waiting(): number {
    return [...this.#waiting.values()].reduce((sum, each) => sum + each.length, 0);
  }

  /** Continues with what the process before this one did not send. */
  async start(log: Log): Promise<void> {
    this.#log = log;
    const { whole: stored, damaged } = readDeliveries(this.#options.reader);
    for (const each of stored) {
      this.#next = Math.max(this.#next, Number(each.id) + 1);
      this.#waiting.get(each.target)?.push(each);
    }
    // Of targets that are not configured any more, and what cannot be sent.
    const left = stored.filter(({ target }) => !this.#waiting.has(target)).map(({ id }) => id);
    if (left.length + damaged.length > 0) await this.#write([...left, ...damaged].map(deliveryRemoval));
    for (const target of this.#options.targets) this.#lanes.set(target.name, this.#lane(target));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#lanes.values());
  }

  /** What is written so that every target gets these messages. `taken` is called when that is durable. */
  prepare(messages: readonly AlertMessage[]): {
    readonly documents: readonly DocumentWrite[];
    readonly taken: () => void;
  } {
    const madeMs = this.#options.nowMs();
    const made: StoredDelivery[] = [];
    let dropped = 0;
    for (const message of messages)
      for (const { name: target } of this.#options.targets) {
        const waiting = this.#waiting.get(target)!.length + made.filter((each) => each.target === target).length;
        if (waiting >= ALERT_DELIVERIES_MAX) dropped += 1;
        else
          made.push({
            version: 1,
            id: deliveryId(this.#next++),
            target,
            body: JSON.stringify(message),
            tries: 0,
            madeMs,
            dueMs: madeMs,
          });
      }
    return {
      documents: made.map(deliveryWrite),
      taken: () => {
        this.counts.dropped += dropped;
        if (dropped > 0)
          this.#log?.warn('alert.not-queued', `${dropped} messages about alerts are not sent: too many wait already`);
        for (const each of made) this.#waiting.get(each.target)!.push(each);
        this.#sleepers.wakeAll();
      },
    };
  }

  /** One message to each target now, whatever waits. */
  test(message: AlertMessage): Promise<readonly TestedTarget[]> {
    const body = JSON.stringify(message);
    return Promise.all(
      this.#options.targets.map(async (target) => {
        const failure = await this.#send(target, `test-${this.#options.nowMs()}`, body);
        return { target: target.name, ...(failure === undefined ? {} : { failure }) };
      }),
    );
  }

  async #lane(target: AlertTarget): Promise<void> {
    const waiting = this.#waiting.get(target.name)!;
    while (!this.#stopping.signal.aborted) {
      const [first] = waiting;
      const waitMs = first === undefined ? Infinity : first.dueMs - this.#options.nowMs();
      if (first === undefined || waitMs > 0) await this.#sleepers.sleep(waitMs, this.#stopping.signal);
      else await this.#try(target, waiting, first);
    }
  }

  async #try(target: AlertTarget, waiting: StoredDelivery[], delivery: StoredDelivery): Promise<void> {
    const failure = await this.#send(target, delivery.id, delivery.body);
    if (this.#stopping.signal.aborted && failure !== undefined) return;
    const { nowMs } = this.#options;
    if (failure === undefined) {
      this.counts.sent += 1;
      waiting.shift();
      await this.#write([deliveryRemoval(delivery.id)]);
      return;
    }
    this.counts.failed += 1;
    if (nowMs() - delivery.madeMs >= ALERT_GIVE_UP_MS) {
      this.counts['given-up'] += 1;
      this.#log?.error('alert.given-up', `a message about an alert is given up: ${target.name}: ${failure}`, {
        target: target.name,
      });
      waiting.shift();
      await this.#write([deliveryRemoval(delivery.id)]);
      return;
    }
    const tries = delivery.tries + 1;
    const dueMs = nowMs() + Math.min(ALERT_RETRY_MS_MAX, ALERT_RETRY_MS_MIN * 2 ** Math.min(tries - 1, 10));
    const again = { ...delivery, tries, dueMs };
    waiting[0] = again;
    if (tries === 1)
      this.#log?.warn('alert.not-sent', `${target.name}: ${failure}; will try again`, { target: target.name });
    await this.#write([deliveryWrite(again)]);
  }

  /** Why it did not arrive. */
  async #send(target: AlertTarget, id: string, body: string): Promise<string | undefined> {
    const signal = AbortSignal.any([AbortSignal.timeout(ALERT_SEND_MS), this.#stopping.signal]);
    try {
      await target.send(id, body, signal);
      return undefined;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return signal.aborted ? `not done within ${ALERT_SEND_MS / 1000} s` : error.message;
    }
  }

  /** A store without space: the message is sent once more after a restart, and no less. */
  async #write(documents: readonly DocumentWrite[]): Promise<void> {
    await this.#options.funnel.change(TURN, () => ok({ documents, isChanged: true, isQuiet: true }));
  }
}
