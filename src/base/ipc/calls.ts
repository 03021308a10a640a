/**
 * Requests from one child of the supervisor to another, each with one reply: for what needs an answer and is larger
 * than a notice (DNS UPDATE, NOTIFY, reports). One end is always control. Requests and octets under way are bounded on
 * both sides and in the supervisor
 * between them. A request is carried out at most once. One that fails with `gone` or `timeout` may have been carried
 * out or not.
 * Not here: the notices, of which only the newest of a kind counts (messages.ts).
 */
import { randomInt } from 'node:crypto';
import { assert } from '#base/assert.ts';
import { CALL_BYTES_MAX, CALL_LIMITS, CALL_NAME_MAX, type CallLimits } from '#base/limits/process.ts';
import { CALL_REPLY_MS_DEFAULT } from '#base/limits/process.ts';

/**
 * Why there is no reply. `overloaded`: too much is under way, nothing was done. `gone`: the other process is not there,
 * or ended before it replied. `unknown`: it has no handler for such requests. `timeout`: no reply in time.
 */
export type CallFailure = 'overloaded' | 'gone' | 'unknown' | 'timeout';

export type CallOutcome =
  | { readonly ok: true; readonly body: Uint8Array }
  /** Nothing came back. */
  | { readonly ok: false; readonly why: CallFailure };

/** The children of the supervisor. */
export type Role = 'control' | 'answer' | 'policy-host';

/** The other end of control's calls unless a message says otherwise. */
export const CALL_PEER: Role = 'answer';

/**
 * In what control sends, the child that gets it; in what it gets, the child that sent it, as the supervisor says.
 * Absent: the answer process. The others have one peer, control, and their messages do not name it.
 */
interface Peer {
  readonly peer?: Role;
}

/** Bodies are base64: the channel carries JSON. */
export type CallMessage = Peer &
  (
    | { readonly kind: 'request'; readonly id: number; readonly name: string; readonly body: string }
    | { readonly kind: 'reply'; readonly id: number; readonly body: string }
    | { readonly kind: 'reply'; readonly id: number; readonly why: CallFailure }
  );

/**
 * A copy of a message of ours that has all its parts and no others, or undefined: the other process may have been taken
 * over. A body that is longer than any of ours is still one: it is answered `overloaded`.
 */
export function readCallMessage(value: unknown): CallMessage | undefined {
  if (typeof value !== 'object' || value === null || !('kind' in value) || !('id' in value)) return undefined;
  const { kind, id } = value;
  if (typeof id !== 'number' || !Number.isSafeInteger(id)) return undefined;
  const peer = 'peer' in value && isRole(value.peer) ? { peer: value.peer } : {};
  if ('peer' in value && peer.peer === undefined) return undefined;
  const body = 'body' in value && typeof value.body === 'string' && BASE64.test(value.body) ? value.body : undefined;
  if (kind === 'request' && body !== undefined && 'name' in value && isName(value.name))
    return { kind, id, name: value.name, body, ...peer };
  if (kind === 'reply' && body !== undefined) return { kind, id, body, ...peer };
  return kind === 'reply' && 'why' in value && isFailure(value.why) ? { kind, id, why: value.why, ...peer } : undefined;
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

export function isRole(value: unknown): value is Role {
  return value === 'control' || value === 'answer' || value === 'policy-host';
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= CALL_NAME_MAX;
}

function isFailure(value: unknown): value is CallFailure {
  return FAILURES.has(value);
}

const FAILURES: ReadonlySet<unknown> = new Set<CallFailure>(['overloaded', 'gone', 'unknown', 'timeout']);

/**
 * Makes the reply to a request. Rejects only for a bug of ours: the process then ends, and the request fails with
 * `gone`.
 */
export type CallHandler = (body: Uint8Array, from: Role) => Promise<Uint8Array>;

interface Waiting {
  readonly peer: Role;
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
  /** Requests that are handled now, by who sent them: one child's do not take the places of another's. */
  readonly #handled = new Map<Role, { count: number; bytes: number }>();
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
  request(name: string, body: Uint8Array, timeoutMs = CALL_REPLY_MS_DEFAULT, to = CALL_PEER): Promise<CallOutcome> {
    assert(body.length <= CALL_BYTES_MAX, `a request of ${body.length} octets`);
    const { count, bytes } = this.#limits;
    const isFull = this.#waiting.size >= count || this.#waitingBytes + body.length > bytes;
    if (isFull) return Promise.resolve({ ok: false, why: 'overloaded' });
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(id, { ok: false, why: 'timeout' }), timeoutMs);
      this.#waiting.set(id, { peer: to, bytes: body.length, timer, resolve });
      this.#waitingBytes += body.length;
      const peer = to === CALL_PEER ? {} : { peer: to };
      this.#send({ kind: 'request', id, name, body: Buffer.from(body).toString('base64'), ...peer });
    });
  }

  receive(message: CallMessage): void {
    if (message.kind === 'request') void this.#reply(message);
    else if (this.#waiting.get(message.id)?.peer !== (message.peer ?? CALL_PEER)) return;
    else if ('why' in message) this.#settle(message.id, { ok: false, why: message.why });
    else this.#settle(message.id, { ok: true, body: decoded(message.body) });
  }

  /** The other process has ended: none of its replies comes any more. */
  peerGone(role: Role): void {
    // Who is not control has no other peer, and does not name it.
    const isOf = (peer: Role) => role === 'control' || role === peer;
    for (const [id, { peer }] of this.#waiting) if (isOf(peer)) this.#settle(id, { ok: false, why: 'gone' });
  }

  async #reply({ id, name, body: text, peer }: Extract<CallMessage, { kind: 'request' }>): Promise<void> {
    const from = peer ?? CALL_PEER;
    const back = peer === undefined ? {} : { peer };
    const handler = this.#handlers.get(name);
    if (handler === undefined) return this.#send({ kind: 'reply', id, why: 'unknown', ...back });
    // The other side keeps the same limits, unless it has been taken over.
    const { count, bytes } = this.#limits;
    const length = Buffer.byteLength(text, 'base64');
    const handled = this.#handled.get(from) ?? { count: 0, bytes: 0 };
    this.#handled.set(from, handled);
    if (handled.count >= count || length > CALL_BYTES_MAX || handled.bytes + length > bytes)
      return this.#send({ kind: 'reply', id, why: 'overloaded', ...back });
    handled.count += 1;
    handled.bytes += length;
    const body = await handler(decoded(text), from);
    handled.count -= 1;
    handled.bytes -= length;
    assert(body.length <= CALL_BYTES_MAX, `a reply of ${body.length} octets`);
    this.#send({ kind: 'reply', id, body: Buffer.from(body).toString('base64'), ...back });
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
