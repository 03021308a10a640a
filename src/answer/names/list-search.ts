/**
 * One name among those of its zone in memory (sorted-keys.ts), in two ways that find the same: down from the apex by
 * hash, or by the order. A search by the order ends at the NSEC that covers a name which does not exist.
 * Implements: RFC 6672 §3.2 step 3, RFC 4592 §3.3.1 (closest encloser), RFC 4035 §3.1.4.1 (DS at the parent).
 * Not here: zones whose names are not in memory (find.ts).
 */
import { TYPE, type RrType } from '#dns/types.ts';
import { NODE } from '#store/node-codec.ts';
import { FOUND } from './found.ts';
import { type KeyBuffer } from './owner-key.ts';
import { HAS_WILDCARD, type SortedKeys } from './sorted-keys.ts';

/** Beside FOUND: something above hides the name. */
export const HIDDEN = -1;
const NOT_SEARCHED = -1;

export class ListSearch {
  /** Labels of the node found: the name, the cut, or the closest encloser. */
  depth = 0;
  /** Its number, and its flags. */
  place = 0;
  flags = 0;
  /** Where the search by the order ended; NOT_SEARCHED: there was none. */
  #page = 0;
  #entry = 0;

  /** By hash: a name for each label, until one is missing. Returns one of FOUND. */
  descend(list: SortedKeys, key: KeyBuffer, apexDepth: number, type: RrType): number {
    const { labels } = key;
    const from = key.ends[apexDepth]!;
    let depth = apexDepth;
    let number = list.apex;
    let flags = list.flagsOf(number);
    let found: number = FOUND.EXACT;
    for (;;) {
      if ((flags & NODE.CUT) !== 0 && (depth < labels || type !== TYPE.DS)) found = FOUND.REFERRAL;
      else if ((flags & NODE.DNAME) !== 0 && depth < labels) found = FOUND.DNAME;
      if (found !== FOUND.EXACT || depth === labels) break;
      const next = list.find(key.hashOf(depth + 1), key.octets, from, key.ends[depth + 1]!);
      if (next === 0) {
        found = (flags & HAS_WILDCARD) === 0 ? FOUND.NOTHING : FOUND.WILDCARD;
        break;
      }
      depth++;
      number = next;
      flags = list.flagsOf(next);
    }
    this.#page = NOT_SEARCHED;
    this.depth = depth;
    this.place = number;
    this.flags = flags;
    return found;
  }

  /**
   * By the order. The node at or before a name is below its closest encloser or is that itself, because all names below
   * another stand together right behind it, and empty non-terminals are nodes. Returns one of FOUND, or HIDDEN.
   */
  search(list: SortedKeys, key: KeyBuffer, apexDepth: number, type: RrType): number {
    const from = key.ends[apexDepth]!;
    list.search(key.octets, from, key.length);
    this.#page = list.page;
    this.#entry = list.entry;
    let depth = key.labels;
    if (!list.isExact) {
      const common = from + list.commonBytes(key.octets, from, key.length);
      while (key.ends[depth]! > common) depth--;
      if (depth === apexDepth) list.toApex();
      else if (!list.isLength(key.ends[depth]! - from)) list.search(key.octets, from, key.ends[depth]!);
    }
    this.depth = depth;
    this.place = list.number;
    const { flags } = list;
    this.flags = flags;
    // What comes first on the way down decides.
    if ((flags & NODE.BELOW) !== 0) return HIDDEN;
    if ((flags & NODE.CUT) !== 0 && (depth < key.labels || type !== TYPE.DS)) return FOUND.REFERRAL;
    if (depth === key.labels) return FOUND.EXACT;
    if ((flags & NODE.DNAME) !== 0) return FOUND.DNAME;
    return (flags & HAS_WILDCARD) === 0 ? FOUND.NOTHING : FOUND.WILDCARD;
  }

  /** Moves the list to the last node at or before the name that was looked for. */
  toName(list: SortedKeys, key: KeyBuffer, apexDepth: number): void {
    if (this.#page === NOT_SEARCHED) list.search(key.octets, key.ends[apexDepth]!, key.length);
    else list.backTo(this.#page, this.#entry);
  }
}
