/**
 * Which of a node's RRsets answers a question.
 * Implements: RFC 8482 §4.1 (one RRset answers ANY).
 */
import { TYPE, type RrType } from '#dns/types.ts';
import { ENTRY_BYTES, directoryOffset, entrySignatures, entryType, findEntry, rrsetCount } from '#store/node-codec.ts';

/** Directory entry of the RRset at `node` that answers a question for `type`; -1 for none. */
export function selectEntry(node: Uint8Array, type: RrType): number {
  if (type !== TYPE.ANY && type !== TYPE.RRSIG) return findEntry(node, type);
  let entry = directoryOffset(node);
  for (let left = rrsetCount(node); left > 0; left--, entry += ENTRY_BYTES) {
    // RFC 8482 §4.1: one RRset is enough, and so are the signatures of one; NSEC would be the least useful.
    if (entryType(node, entry) !== TYPE.NSEC && (type === TYPE.ANY || entrySignatures(node, entry) > 0)) return entry;
  }
  return -1;
}
