/**
 * What control knows of the policy host: where it listens, which generation it serves, what it has counted. All of it
 * is unknown while it is down or not there.
 * Not here: telling it of generations (control/publish/publisher.ts), what it does (policy-host/).
 */
import { type HostedState, type IpcMessage, type WorkerCounters } from '#base/ipc/messages.ts';

const NOTHING: HostedState = { generation: 0, addresses: [], startedAtMs: 0 };
/** Its counters beside those of workers, whose ids begin at 0. */
const COUNTERS_ID = -1;

export class PolicyHostState {
  #state = NOTHING;
  #counters: readonly WorkerCounters[] = [];

  /** `ADDR:PORT` of those that it listens on now. */
  get addresses(): readonly string[] {
    return this.#state.addresses;
  }

  /** What it does now; undefined while it is down, or before it has said anything. */
  get running(): HostedState | undefined {
    return this.#state === NOTHING ? undefined : this.#state;
  }

  /** None before it has told any. Those of one that has died stay until the next one tells. */
  get counters(): readonly WorkerCounters[] {
    return this.#counters;
  }

  receive(message: IpcMessage): void {
    if (message.kind === 'hosted') this.#state = message;
    else if (message.kind === 'hosted-counters') this.#counters = [{ id: COUNTERS_ID, values: message.values }];
    else if (message.kind === 'gone' && message.role === 'policy-host') this.#state = NOTHING;
  }

  /** It listens, and what it serves is of this generation or a later one. */
  isServed(generation: number): boolean {
    const { addresses, generation: served } = this.#state;
    return addresses.length > 0 && served >= generation;
  }
}
