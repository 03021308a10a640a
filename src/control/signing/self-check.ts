/**
 * Who checks fresh signatures before they are published. The engine checks what it is given in any case (0.1 ms each). The reference,
 * another implementation, takes milliseconds for each: it checks the first signatures of every key, and from then on one at a time, seldom
 * enough that a stream of changes does not wait for it.
 * Not here: what makes an RRset's signatures good (dnssec/verify.ts).
 */
import { SELF_CHECK_KEYS_MAX } from '#base/limits/dnssec.ts';
import { REFERENCE_CHECK_EVERY_MS } from '#base/limits/changes.ts';
import { type SignatureCheck, checkByEngine, checkByReference } from '#dnssec/algorithm.ts';

/** Of each key: one shows that key and encoding are right; the second is of other data. A server with 10,000 zones has as many keys. */
const FIRST_CHECKS = 2;

export class SelfCheck {
  readonly #nowMs: () => number;
  readonly #reference: SignatureCheck;
  /** Good signatures by key, in hexadecimal. */
  readonly #seen = new Map<string, number>();
  #nextMs = 0;

  /** `nowMs`: the time of whatever clock. */
  constructor(nowMs: () => number, reference: SignatureCheck = checkByReference) {
    this.#nowMs = nowMs;
    this.#reference = reference;
  }

  /** For `verifyNodes`. */
  readonly check: SignatureCheck = (dnskey, data, signature) =>
    checkByEngine(dnskey, data, signature) && (!this.#isDue(dnskey) || this.#reference(dnskey, data, signature));

  #isDue(dnskey: Uint8Array): boolean {
    const key = Buffer.from(dnskey).toString('hex');
    const seen = this.#seen.get(key) ?? 0;
    const nowMs = this.#nowMs();
    // A clock that was set back must not put the checks off.
    const isTime = nowMs >= this.#nextMs || nowMs < this.#nextMs - REFERENCE_CHECK_EVERY_MS;
    if (seen >= FIRST_CHECKS && !isTime) return false;
    this.#nextMs = nowMs + REFERENCE_CHECK_EVERY_MS;
    if (this.#seen.size >= SELF_CHECK_KEYS_MAX && !this.#seen.has(key)) this.#seen.clear();
    this.#seen.set(key, seen + 1);
    return true;
  }
}
