/**
 * NSEC and NSEC3 records of one answer: each once, and those of wildcards used on the way kept back until the authority
 * section is written.
 * Implements: RFC 4035 §3.1.3, RFC 5155 §7.2 (which record is asked for is decided in completion.ts and
 * denial-nsec3.ts).
 */
import { ALIAS_STEPS_MAX } from '#base/limits/answer.ts';
import { OWNER_OFFSET, ownerLength } from '#store/node-codec.ts';
import { isSameName } from '#answer/names/owner-key.ts';

/** Octets for one name. */
const STRIDE = 256;
/** One for each wildcard on the way, three at its end. */
const PROOFS_MAX = ALIAS_STEPS_MAX + 4;

export class Denial {
  /**
   * Zone number, name (offset into the chain's names) and labels of the closest encloser of each wildcard expansion to
   * prove.
   */
  readonly pendingZones = new Int32Array(PROOFS_MAX);
  readonly pendingNames = new Int32Array(PROOFS_MAX);
  readonly pendingDepths = new Int32Array(PROOFS_MAX);
  pending = 0;
  readonly #owners = new Uint8Array(STRIDE * PROOFS_MAX);
  readonly #zones = new Int32Array(PROOFS_MAX);
  #count = 0;

  begin(): void {
    this.pending = 0;
    this.#count = 0;
  }

  /** The name at `nameAt` of the chain was answered by a wildcard of zone number `zone` below the `depth` last labels. */
  addPending(zone: number, nameAt: number, depth: number): void {
    this.pendingDepths[this.pending] = depth;
    this.pendingZones[this.pending] = zone;
    this.pendingNames[this.pending++] = nameAt;
  }

  /**
   * True when the NSEC or NSEC3 of `node` is not yet in the answer. The same owner in two zones is two NSECs: the cut's
   * and the apex's.
   */
  isNew(zone: number, node: Uint8Array): boolean {
    for (let each = 0; each < this.#count; each++)
      if (this.#zones[each] === zone && isSameName(this.#owners, STRIDE * each, node, OWNER_OFFSET)) return false;
    const to = STRIDE * this.#count;
    this.#zones[this.#count++] = zone;
    for (let at = ownerLength(node) - 1; at >= 0; at--) this.#owners[to + at] = node[OWNER_OFFSET + at]!;
    return true;
  }
}
