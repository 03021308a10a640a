/**
 * Sends TSIG keys to the answer process: all of them, again to each new one, and after each change (ADR 0007). Only the
 * newest set matters, so a set that is overtaken is not finished.
 * Not here: what they are good for there (transfer/grants.ts).
 */
import { CALL_BYTES_MAX } from '#base/limits/process.ts';
import { type IpcMessage } from '#base/ipc/messages.ts';
import { type Calls } from '#base/ipc/calls.ts';
import { type Log } from '#base/log.ts';
import { TRANSFER_KEY_RETRY_MS } from '#base/limits/transfer.ts';
import { StoreFailure } from '#store/failure.ts';
import { TRANSFER_KEYS, writeKeyParts } from '#transfer/grants.ts';
import { type TsigKeyring } from './tsig-keys.ts';

export interface KeyDeliveryOptions {
  readonly keys: TsigKeyring;
  readonly calls: Pick<Calls, 'request'>;
  readonly log: Log;
}

export class KeyDelivery {
  readonly #options: KeyDeliveryOptions;
  /** Number of the newest delivery. */
  #newest = 0;
  #isAnswerThere = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: KeyDeliveryOptions) {
    this.#options = options;
    options.keys.onChange(() => this.#deliver());
  }

  receive(message: IpcMessage): void {
    if (message.kind === 'hello' && message.role === 'answer') {
      this.#isAnswerThere = true;
      this.#deliver();
    } else if (message.kind === 'gone' && message.role === 'answer') this.#isAnswerThere = false;
  }

  start(): void {
    // Nothing before the first hello.
  }

  stop(): Promise<void> {
    this.#newest += 1;
    clearTimeout(this.#retry);
    return Promise.resolve();
  }

  #deliver(): void {
    if (!this.#isAnswerThere) return;
    clearTimeout(this.#retry);
    this.#newest += 1;
    void this.#send(this.#newest);
  }

  /** A store whose keys do not open is said at each start, and has none until then. */
  #bodies(): readonly Uint8Array[] {
    const { keys, log } = this.#options;
    try {
      return writeKeyParts(keys.texts(), CALL_BYTES_MAX);
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      log.error('tsig.unreadable', `no TSIG key is known to the answer process: ${error.message}`);
      return writeKeyParts([], CALL_BYTES_MAX);
    }
  }

  async #send(delivery: number): Promise<void> {
    for (const body of this.#bodies()) {
      const outcome = await this.#options.calls.request(TRANSFER_KEYS, body);
      if (delivery !== this.#newest || !this.#isAnswerThere) return;
      if (!outcome.ok) {
        const text = `the answer process did not take the TSIG keys: ${outcome.why}; they are sent again`;
        this.#options.log.warn('tsig.undelivered', text);
        this.#retry = setTimeout(() => this.#deliver(), TRANSFER_KEY_RETRY_MS);
        return;
      }
    }
  }
}
