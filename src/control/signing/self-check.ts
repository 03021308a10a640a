/**
 * Who checks fresh signatures before they are published. The engine checks what it is given in any case (0.1 ms
 * each), except what it found good before: at a zone's apex all RRsets but the SOA stay as they are from change to
 * change. The reference, another implementation, takes longer: it checks the first signature of every key, with the
 * help of the key's secret where the key is here (half a millisecond), and from then on one signature of any key at a
 * time, as a validator would (two milliseconds), seldom enough that a stream of changes does not wait for it.
 * Not here: what makes an RRset's signatures good (dnssec/verify.ts), the probe of each key (dnssec/key.ts).
 */
import { createHash } from 'node:crypto';
import { equalBytes } from '#base/bytes.ts';
import { SELF_CHECK_GOOD_MAX, SELF_CHECK_KEYS_MAX } from '#base/limits/dnssec.ts';
import { REFERENCE_CHECK_EVERY_MS } from '#base/limits/changes.ts';
import { type SignatureCheck, checkByEngine, checkByReference } from '#dnssec/algorithm.ts';
import { type SigningKey } from '#dnssec/key.ts';

export class SelfCheck {
  readonly #nowMs: () => number;
  readonly #reference: SignatureCheck;
  /** Keys, in hexadecimal, of which the reference looked at a signature, besides the probe of each (dnssec/key.ts). */
  readonly #seen = new Set<string>();
  /** Digests of what was found good: the last ones, and those before them. */
  #good = new Set<string>();
  #goodBefore = new Set<string>();
  #nextMs = 0;

  /** `nowMs`: the time of whatever clock. */
  constructor(nowMs: () => number, reference: SignatureCheck = checkByReference) {
    this.#nowMs = nowMs;
    this.#reference = reference;
  }

  /** For `verifyNodes`; `keys`: those that made the signatures. */
  checkOf(keys: readonly SigningKey[]): SignatureCheck {
    return (dnskey, data, signature) => this.#check(keys, dnskey, data, signature);
  }

  #check(keys: readonly SigningKey[], dnskey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
    // None of the three can run into another: the data's length stands between.
    const length = Buffer.alloc(8);
    length.writeUInt32BE(dnskey.length, 0);
    length.writeUInt32BE(data.length, 4);
    const digest = createHash('sha256').update(length).update(dnskey).update(data).update(signature).digest('latin1');
    if (this.#good.has(digest) || this.#goodBefore.has(digest)) return true;
    const isGood = checkByEngine(dnskey, data, signature) && this.#isGoodByReference(keys, dnskey, data, signature);
    if (isGood) this.#remember(digest);
    return isGood;
  }

  /** True also when no check is due. */
  #isGoodByReference(
    keys: readonly SigningKey[],
    dnskey: Uint8Array,
    data: Uint8Array,
    signature: Uint8Array,
  ): boolean {
    const nowMs = this.#nowMs();
    // A clock that was set back must not put the checks off.
    if (nowMs >= this.#nextMs || nowMs < this.#nextMs - REFERENCE_CHECK_EVERY_MS) {
      this.#nextMs = nowMs + REFERENCE_CHECK_EVERY_MS;
      this.#isFirst(dnskey);
      return this.#reference(dnskey, data, signature);
    }
    if (!this.#isFirst(dnskey)) return true;
    const own = keys.find((key) => equalBytes(key.dnskey, dnskey));
    return own?.isGoodByReference(data, signature) ?? this.#reference(dnskey, data, signature);
  }

  #remember(digest: string): void {
    if (this.#good.size >= SELF_CHECK_GOOD_MAX / 2) [this.#good, this.#goodBefore] = [new Set(), this.#good];
    this.#good.add(digest);
  }

  /** Whether this is the key's first signature that the reference looks at; the next one is not. */
  #isFirst(dnskey: Uint8Array): boolean {
    const key = Buffer.from(dnskey).toString('hex');
    if (this.#seen.has(key)) return false;
    if (this.#seen.size >= SELF_CHECK_KEYS_MAX) this.#seen.clear();
    this.#seen.add(key);
    return true;
  }
}
