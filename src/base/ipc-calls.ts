/**
 * Requests from one child of the supervisor to the other, each with one reply: for what needs an answer and is larger
 * than a notice (DNS UPDATE, NOTIFY). Requests and octets under way are bounded on both sides and in the supervisor
 * between them. A request is carried out at most once. One that fails with `gone` or `timeout` may have been carried
 * out or not.
 * Not here: the notices, of which only the newest of a kind counts (ipc.ts).
 */
import { randomInt } from 'node:crypto';
import { assert } from './assert.ts';
import { CALL_BYTES_MAX, CALL_REPLY_MS_DEFAULT, CALL_LIMITS, type CallLimits } from '#base/limits/process.ts';

/**
 * Why there is no reply. `overloaded`: too much is under way, nothing was done. `gone`: the other process is not there,
 * or ended before it replied. `unknown`: it has no handler for such requests. `timeout`: no reply in time.
 */
export type CallFailure = 'overloaded' | 'gone' | 'unknown' | 'timeout';

export type CallOutcome =
  | { readonly ok: true; readonly body: Uint8Array }
  /** Nothing came back. */
  | { readonly ok: false; readonly why: CallFailure };

/** Bodies are base64: the channel carries JSON. */
export type CallMessage =
  | { readonly kind: 'request'; readonly id: number; readonly name: string; readonly body: string }
  | { readonly kind: 'reply'; readonly id: number; readonly body: string }
  | { readonly kind: 'reply'; readonly id: number; readonly why: CallFailure };

/** True for a message of ours that has all its parts: the other process may have been taken over. */
export function isCallMessage(value: unknown): value is CallMessage {
  if (typeof value !== 'object' || value === null || !('kind' in value) || !('id' in value)) return false;
  if (!Number.isSafeInteger(value.id)) return false;
  const hasBody = 'body' in value && typeof value.body === 'string';
  if (value.kind === 'request') return hasBody && 'name' in value && typeof value.name === 'string';
  return value.kind === 'reply' && (hasBody || ('why' in value && FAILURES.has(value.why)));
}

const FAILURES: ReadonlySet<unknown> = new Set<CallFailure>(['overloaded', 'gone', 'unknown', 'timeout']);

/**
 * Makes the reply to a request. Rejects only for a bug of ours: the process then ends, and the request fails with
 * `gone`.
 */
export type CallHandler = (body: Uint8Array) => Promise<Uint8Array>;

interface Waiting {
  readonly bytes: number;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (outcome: CallOutcome) => void;
}

/** One end of the channel: the requests it has sent, and the handlers of those that it gets. */
export class Calls {
  readonly #send: (message: CallMessage) => void;
  readonly #limits: CallLimits;
  readonly #handlers = new Map<string, CallHandler>();
  readonly #waiting = new Map<number, Waiting>();
  #waitingBytes = 0;
  #handled = 0;
  #handledBytes = 0;
  /** Begins anywhere, so that a reply to this process's predecessor fits no request of this one. */
  #nextId = randomInt(2 ** 47);

  constructor(send: (message: CallMessage) => void, limits = CALL_LIMITS) {
    this.#send = send;
    this.#limits = limits;
  }

  /** From now on `handler` replies to the other process's requests of that name. */
  handle(name: string, handler: CallHandler): void {
    assert(!this.#handlers.has(name), `two handlers for ${name}`);
    this.#handlers.set(name, handler);
  }

  /** Asks the other process. Never rejects; asserts that the body is at most CALL_BYTES_MAX long. */
  request(name: string, body: Uint8Array, timeoutMs = CALL_REPLY_MS_DEFAULT): Promise<CallOutcome> {
    assert(body.length <= CALL_BYTES_MAX, `a request of ${body.length} octets`);
    const { count, bytes } = this.#limits;
    const isFull = this.#waiting.size >= count || this.#waitingBytes + body.length > bytes;
    if (isFull) return Promise.resolve({ ok: false, why: 'overloaded' });
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(id, { ok: false, why: 'timeout' }), timeoutMs);
      this.#waiting.set(id, { bytes: body.length, timer, resolve });
      this.#waitingBytes += body.length;
      this.#send({ kind: 'request', id, name, body: Buffer.from(body).toString('base64') });
    });
  }

  receive(message: CallMessage): void {
    if (message.kind === 'request') void this.#reply(message);
    else if ('why' in message) this.#settle(message.id, { ok: false, why: message.why });
    else this.#settle(message.id, { ok: true, body: decoded(message.body) });
  }

  /** The other process has ended: none of its replies comes any more. */
  peerGone(): void {
    for (const id of this.#waiting.keys()) this.#settle(id, { ok: false, why: 'gone' });
  }

  async #reply({ id, name, body: text }: Extract<CallMessage, { kind: 'request' }>): Promise<void> {
    const handler = this.#handlers.get(name);
    if (handler === undefined) return this.#send({ kind: 'reply', id, why: 'unknown' });
    // The other side keeps the same limits, unless it has been taken over.
    const { count, bytes } = this.#limits;
    const length = Buffer.byteLength(text, 'base64');
    if (this.#handled >= count || length > CALL_BYTES_MAX || this.#handledBytes + length > bytes)
      return this.#send({ kind: 'reply', id, why: 'overloaded' });
    this.#handled += 1;
    this.#handledBytes += length;
    const body = await handler(decoded(text));
    this.#handled -= 1;
    this.#handledBytes -= length;
    assert(body.length <= CALL_BYTES_MAX, `a reply of ${body.length} octets`);
    this.#send({ kind: 'reply', id, body: Buffer.from(body).toString('base64') });
  }

  #settle(id: number, outcome: CallOutcome): void {
    const waiting = this.#waiting.get(id);
    // Late: its time is over.
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    this.#waitingBytes -= waiting.bytes;
    clearTimeout(waiting.timer);
    waiting.resolve(outcome);
  }
}

function decoded(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
