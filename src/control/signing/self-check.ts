/**
 * Who checks fresh signatures before they are published. The engine checks what it is given in any case (0.1 ms
 * each), except what it found good before: at a zone's apex all RRsets but the SOA stay as they are from change to
 * change. The reference, another implementation, takes milliseconds for each: it checks the first signature of every
 * key, and from then on one at a time, seldom enough that a stream of changes does not wait for it.
 * Not here: what makes an RRset's signatures good (dnssec/verify.ts), the probe of each key (dnssec/key.ts).
 */
import { createHash } from 'node:crypto';
import { SELF_CHECK_GOOD_MAX, SELF_CHECK_KEYS_MAX } from '#base/limits/dnssec.ts';
import { REFERENCE_CHECK_EVERY_MS } from '#base/limits/changes.ts';
import { type SignatureCheck, checkByEngine, checkByReference } from '#dnssec/algorithm.ts';

/** Of each key, besides its probe, which is of other data. A server with 10,000 zones has as many keys. */
const FIRST_CHECKS = 1;

export class SelfCheck {
  readonly #nowMs: () => number;
  readonly #reference: SignatureCheck;
  /** Good signatures by key, in hexadecimal. */
  readonly #seen = new Map<string, number>();
  /** Digests of what was found good: the last ones, and those before them. */
  #good = new Set<string>();
  #goodBefore = new Set<string>();
  #nextMs = 0;

  /** `nowMs`: the time of whatever clock. */
  constructor(nowMs: () => number, reference: SignatureCheck = checkByReference) {
    this.#nowMs = nowMs;
    this.#reference = reference;
  }

  /** For `verifyNodes`. */
  readonly check: SignatureCheck = (dnskey, data, signature) => {
    // None of the three can run into another: the data's length stands between.
    const length = Buffer.alloc(8);
    length.writeUInt32BE(dnskey.length, 0);
    length.writeUInt32BE(data.length, 4);
    const digest = createHash('sha256').update(length).update(dnskey).update(data).update(signature).digest('latin1');
    if (this.#good.has(digest) || this.#goodBefore.has(digest)) return true;
    const isGood =
      checkByEngine(dnskey, data, signature) && (!this.#isDue(dnskey) || this.#reference(dnskey, data, signature));
    if (isGood) this.#remember(digest);
    return isGood;
  };

  #remember(digest: string): void {
    if (this.#good.size >= SELF_CHECK_GOOD_MAX / 2) [this.#good, this.#goodBefore] = [new Set(), this.#good];
    this.#good.add(digest);
  }

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
