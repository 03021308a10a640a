/**
 * What a node is, given what is above it: cut, glue, occluded, authoritative.
 * Implements: RFC 1034 §4.2.1 (zone cuts), RFC 6672 §2.4 (nothing below a DNAME), RFC 4035 §2.2–2.3 (what is signed and in the chain).
 * Not here: the stored form (store/node-codec.ts has the same numbers).
 */
import { type OwnerKey, parentKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type ZoneNode, type ZoneView, rrsetOf } from './view.ts';

/** Bits of a node's flags. */
export const NODE_FLAG = {
  /** Owns NS and is not the apex: a delegation point, unless it is BELOW. */
  CUT: 1,
  /** Owns DNAME (at the apex too). */
  DNAME: 2,
  /** Below a cut or below a DNAME: glue or occluded, never an answer of its own. */
  BELOW: 4,
  APEX: 8,
  HAS_CNAME: 16,
  HAS_NSEC: 32,
} as const;

/** True when nothing below `node` is authoritative data of the zone: it is a delegation point or owns a DNAME. */
export function endsAuthority(node: ZoneNode | undefined, apexKey: OwnerKey): boolean {
  if (node === undefined) return false;
  return (node.key !== apexKey && rrsetOf(node, TYPE.NS) !== undefined) || rrsetOf(node, TYPE.DNAME) !== undefined;
}

/** Answers "is there a cut or a DNAME above this key?" for one view; remembers parents, so that siblings cost one look-up together. */
export function occlusion(view: ZoneView): (key: OwnerKey) => boolean {
  const hidesChildren = new Map<OwnerKey, boolean>([['', false]]);
  const hides = (key: OwnerKey): boolean => {
    let known = hidesChildren.get(key);
    if (known === undefined) {
      known = endsAuthority(view.node(key), view.apexKey) || (key !== view.apexKey && hides(parentKey(key)));
      hidesChildren.set(key, known);
    }
    return known;
  };
  if (view.apexKey === '') hidesChildren.set('', endsAuthority(view.node(''), ''));
  return (key) => key !== view.apexKey && hides(parentKey(key));
}

/** The flags of `node`, given whether it is below a cut or a DNAME. */
export function nodeFlags(node: ZoneNode, apexKey: OwnerKey, below: boolean): number {
  const apex = node.key === apexKey;
  let flags = (apex ? NODE_FLAG.APEX : 0) | (below ? NODE_FLAG.BELOW : 0);
  for (const { type } of node.rrsets) {
    if (type === TYPE.NS && !apex) flags |= NODE_FLAG.CUT;
    else if (type === TYPE.DNAME) flags |= NODE_FLAG.DNAME;
    else if (type === TYPE.CNAME) flags |= NODE_FLAG.HAS_CNAME;
    else if (type === TYPE.NSEC) flags |= NODE_FLAG.HAS_NSEC;
  }
  return flags;
}

/** True when an RRset of `type` at a node with these flags is signed: authoritative data, and DS and NSEC at a cut (RFC 4035 §2.2). */
export function isSignedType(flags: number, type: number): boolean {
  if ((flags & NODE_FLAG.BELOW) !== 0) return false;
  return (flags & NODE_FLAG.CUT) === 0 || type === TYPE.DS || type === TYPE.NSEC;
}

/** True when a node with these flags and types has an NSEC record: authoritative owners and delegation points, not empty ones (RFC 4035 §2.3). */
export function isInChain(flags: number, rrsetCount: number): boolean {
  return (flags & NODE_FLAG.BELOW) === 0 && rrsetCount > 0;
}
