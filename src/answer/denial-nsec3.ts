/**
 * Which NSEC3 records prove what an answer says is not there.
 * Implements: RFC 5155 §7.2.1 (closest encloser proof), §7.2.2 (name error), §7.2.3–7.2.5 (no data), §7.2.6 (wildcard
 * answers), §7.2.7 (referrals). Opt-out too: where a name has no NSEC3, its closest ancestor that has one stands for it.
 * Not here: finding records by hash (answer/names/hashed-names.ts), NSEC (completion.ts).
 */
import { TYPE } from '#dns/types.ts';
import { OWNER_OFFSET, entryTtl, findEntry } from '#store/node-codec.ts';
import { type Denial } from './denial.ts';
import { type Finder } from '#answer/names/find.ts';
import { type KeyBuffer } from '#answer/names/owner-key.ts';
import { type MessageWriter, SECTION } from '#answer/write/writer.ts';

export class HashedDenial {
  readonly #finder: Finder;
  readonly #writer: MessageWriter;
  readonly #denial: Denial;

  constructor(finder: Finder, writer: MessageWriter, denial: Denial) {
    this.#finder = finder;
    this.#writer = writer;
    this.#denial = denial;
  }

  /**
   * RFC 5155 §7.2.1: of the name at `octets[at]`, whose key is `key`, the last `labels` labels are looked at, and `depth`
   * of them exist, perhaps all. Returns how many labels the encloser has that was proved.
   */
  proveEncloser(zone: number, octets: Uint8Array, at: number, key: KeyBuffer, labels: number, depth: number): number {
    const apexDepth = this.#finder.zones.depths[zone]!;
    let proved = depth;
    for (; proved >= apexDepth; proved--) {
      const node = this.#finder.hashed.find(zone, octets, at + key.starts[proved]!, false);
      if (node === undefined) return depth;
      if (!this.#finder.hashed.isMatch) continue;
      this.#put(zone, node);
      break;
    }
    if (proved < apexDepth) return depth;
    if (proved < labels) this.proveNextCloser(zone, octets, at, key, proved);
    return proved;
  }

  /** RFC 5155 §7.2.6: no name one label longer than the ancestor with `depth` labels. */
  proveNextCloser(zone: number, octets: Uint8Array, at: number, key: KeyBuffer, depth: number): void {
    this.#put(zone, this.#finder.hashed.find(zone, octets, at + key.starts[depth + 1]!, false));
  }

  /** RFC 5155 §7.2.2: no wildcard below the ancestor with `depth` labels; §7.2.5: what types it has. */
  proveWildcard(zone: number, octets: Uint8Array, at: number, key: KeyBuffer, depth: number): void {
    this.#put(zone, this.#finder.hashed.find(zone, octets, at + key.starts[depth]!, true));
  }

  #put(zone: number, node: Uint8Array | undefined): void {
    if (node === undefined || !this.#denial.isNew(zone, node)) return;
    const entry = findEntry(node, TYPE.NSEC3);
    this.#writer.require(
      this.#writer.putRrset(SECTION.AUTHORITY, node, OWNER_OFFSET, node, entry, entryTtl(node, entry), true),
    );
  }
}
