/**
 * Messages of children that were dropped, because they have no form of ours or are not the child's to say: counted,
 * logged at once and then once in a while, and
 * sent to control for its metrics. Counts continue over a child's lives.
 * Not here: which messages those are (base/ipc/form.ts, base/ipc/messages.ts).
 */
import { type Role } from '#base/ipc/messages.ts';
import { DROPPED_LOG_MS, DROPPED_TELL_MS } from '#base/limits/process.ts';

export interface DroppedOptions {
  /** `more`: since the last time that this was logged. */
  readonly log: (role: Role, more: number, total: number) => void;
  readonly tell: (role: Role, total: number) => void;
  readonly logMs?: number;
  readonly tellMs?: number;
}

interface Count {
  total: number;
  logged: number;
  logTimer?: NodeJS.Timeout;
  tellTimer?: NodeJS.Timeout;
}

export class DroppedMessages {
  readonly #options: DroppedOptions;
  readonly #counts = new Map<Role, Count>();

  constructor(options: DroppedOptions) {
    this.#options = options;
  }

  add(role: Role): void {
    const count = this.#counts.get(role) ?? { total: 0, logged: 0 };
    this.#counts.set(role, count);
    count.total += 1;
    if (count.logTimer === undefined) this.#log(role, count);
    if (count.tellTimer !== undefined) return;
    const tell = () => {
      delete count.tellTimer;
      this.#options.tell(role, count.total);
    };
    count.tellTimer = setTimeout(tell, this.#options.tellMs ?? DROPPED_TELL_MS).unref();
  }

  /** To a control process that is new. */
  tellAll(): void {
    for (const [role, { total }] of this.#counts) this.#options.tell(role, total);
  }

  #log(role: Role, count: Count): void {
    this.#options.log(role, count.total - count.logged, count.total);
    count.logged = count.total;
    const again = () => {
      delete count.logTimer;
      if (count.total > count.logged) this.#log(role, count);
    };
    count.logTimer = setTimeout(again, this.#options.logMs ?? DROPPED_LOG_MS).unref();
  }
}
