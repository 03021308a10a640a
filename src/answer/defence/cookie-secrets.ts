/**
 * The secrets that server cookies are made with, in memory that all workers of a process share: the memory's
 * owner rotates them, and every worker has the new ones with its next query.
 * Implements: RFC 9018 §5 (two secrets while one follows the other; the text form is that of BIND's `cookie-secret` and Knot's `secret`).
 * Not here: when they are rotated and where they come from (server/cookie-keeper.ts), cookies themselves (cookie.ts).
 */
import { assert } from '#base/assert.ts';
import { SIP_KEY_BYTES, type SipKey, sipKey } from './siphash.ts';

/** Octets of a secret: a SipHash key. */
export const COOKIE_SECRET_BYTES = SIP_KEY_BYTES;

const KEY_WORDS = SIP_KEY_BYTES / Int32Array.BYTES_PER_ELEMENT;
/** Layout, in Int32: a count that is odd while the rest is being written; then the current and the other secret. */
const COUNT = 0;
const CURRENT = 1;
const OTHER = CURRENT + KEY_WORDS;
const WORDS = OTHER + KEY_WORDS;

/** `0x` may stand before the 32 digits (Knot's way); white space around them is a file's. Undefined: not a secret. */
export function parseCookieSecret(text: string): Uint8Array | undefined {
  const match = /^\s*(?:0x)?([0-9a-f]{32})\s*$/i.exec(text);
  return match === null ? undefined : new Uint8Array(Buffer.from(match[1]!, 'hex'));
}

export class CookieSecrets {
  /** To be handed to other threads, which make their own CookieSecrets on it. */
  readonly shared: SharedArrayBuffer;
  readonly #words: Int32Array;
  #seen = 0;
  /** What cookies are made with, as of the last `refresh`. */
  current: SipKey = new Int32Array(KEY_WORDS);
  /** Cookies made with this one are taken too: the secret before, or the one to come. */
  other: SipKey = new Int32Array(KEY_WORDS);

  constructor(shared = new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#words = new Int32Array(shared);
    assert(this.#words.length === WORDS, `shared memory for cookie secrets has ${WORDS} words`);
  }

  /** Sets both for all workers; only one thread may. Without `other`, only `current` makes cookies that are taken. */
  set(current: Uint8Array, other: Uint8Array = current): void {
    const words = this.#words;
    Atomics.add(words, COUNT, 1);
    words.set(sipKey(current), CURRENT);
    words.set(sipKey(other), OTHER);
    Atomics.add(words, COUNT, 1);
    this.refresh();
  }

  /** Takes over what was set last. Cheap when nothing was: one look at memory. */
  refresh(): void {
    const words = this.#words;
    const count = Atomics.load(words, COUNT);
    // Odd: being written at this moment. The next query will do.
    if (count === this.#seen || (count & 1) === 1) return;
    const current = words.slice(CURRENT, OTHER);
    const other = words.slice(OTHER, WORDS);
    if (Atomics.load(words, COUNT) !== count) return;
    this.#seen = count;
    this.current = current;
    this.other = other;
  }
}
