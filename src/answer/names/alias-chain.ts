/**
 * The names of one answer: the one asked for, and those that CNAME and DNAME lead to.
 * Implements: RFC 1034 §3.6.2 (chains, loops), RFC 6672 §2.2 (substitution).
 */
import { ALIAS_STEPS_MAX, DNAME_STEPS_MAX } from '#base/limits/answer.ts';
import { NAME_BYTES_MAX } from '#base/limits/dns.ts';
import { isSameName, wireLength } from './owner-key.ts';

/** Octets for one name. */
const STRIDE = 256;
/** The name asked for, what ALIAS_STEPS_MAX aliases lead to, and one more that is written but not followed. */
const NAMES_MAX = ALIAS_STEPS_MAX + 2;

export class AliasChain {
  /** The names in wire form, one every STRIDE octets. */
  readonly octets = new Uint8Array(STRIDE * NAMES_MAX);
  /** Names followed so far, the first included. */
  #count = 0;
  /** Names that DNAMEs made. */
  #substitutions = 0;
  /** Owners of the DNAMEs in the answer: offsets into `octets`. */
  readonly #dnames = new Int32Array(NAMES_MAX);
  #dnameCount = 0;

  /** Starts with the name at `wire[offset]`. */
  begin(wire: Uint8Array, offset: number, length: number): void {
    for (let at = 0; at < length; at++) this.octets[at] = wire[offset + at]!;
    this.#count = 1;
    this.#substitutions = 0;
    this.#dnameCount = 0;
  }

  isFirst(): boolean {
    return this.#count === 1;
  }

  /** Where the name to answer now starts. */
  get at(): number {
    return STRIDE * (this.#count - 1);
  }

  /** Where the next name is put together before it is followed. */
  get nextAt(): number {
    return STRIDE * this.#count;
  }

  /** Puts a CNAME's target in place as the next name. */
  setNext(wire: Uint8Array, offset: number): void {
    const length = wireLength(wire, offset);
    const to = this.nextAt;
    for (let at = 0; at < length; at++) this.octets[to + at] = wire[offset + at]!;
  }

  /** Puts the first `prefixLength` octets of the current name before a DNAME's target. False when that is too long for a name. */
  substituteNext(prefixLength: number, wire: Uint8Array, offset: number): boolean {
    const length = wireLength(wire, offset);
    if (prefixLength + length > NAME_BYTES_MAX) return false;
    const from = this.at;
    const to = this.nextAt;
    for (let at = 0; at < prefixLength; at++) this.octets[to + at] = this.octets[from + at]!;
    for (let at = 0; at < length; at++) this.octets[to + prefixLength + at] = wire[offset + at]!;
    this.#substitutions++;
    return true;
  }

  /** Makes the next name the current one. False when it was there before or the chain is long enough: what was found is the answer. */
  follow(): boolean {
    const next = this.nextAt;
    for (let each = 0; each < this.#count; each++) if (isSameName(this.octets, STRIDE * each, this.octets, next)) return false;
    if (this.#count > ALIAS_STEPS_MAX || this.#substitutions >= DNAME_STEPS_MAX) return false;
    this.#count++;
    return true;
  }

  /** True the first time for the DNAME owner at `octets[offset]`: a DNAME is in an answer once, however often used. */
  addDname(offset: number): boolean {
    for (let each = 0; each < this.#dnameCount; each++) if (isSameName(this.octets, this.#dnames[each]!, this.octets, offset)) return false;
    this.#dnames[this.#dnameCount++] = offset;
    return true;
  }
}
