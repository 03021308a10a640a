/** What is wrong with a host's documents, in the log: once for each host and time, however often clients ask for it. */
import { HTTPS_COMPLAINTS_MAX } from '#base/limits/https.ts';
import { type Log } from '#base/log.ts';

export class Complaints {
  readonly #log: Log;
  readonly #everyMs: number;
  readonly #nowMs: () => number;
  readonly #toldAtMs = new Map<string, number>();

  constructor(log: Log, everyMs: number, nowMs: () => number) {
    this.#log = log;
    this.#everyMs = everyMs;
    this.#nowMs = nowMs;
  }

  report(host: string, text: string): void {
    const nowMs = this.#nowMs();
    if (nowMs - (this.#toldAtMs.get(host) ?? -Infinity) < this.#everyMs) return;
    if (this.#toldAtMs.size >= HTTPS_COMPLAINTS_MAX) this.#toldAtMs.clear();
    this.#toldAtMs.set(host, nowMs);
    this.#log.error('https.host-unusable', `${host} is not served: ${text}`, { host });
  }
}
