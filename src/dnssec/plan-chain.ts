/**
 * The NSEC chain of a zone as it will be: neighbours found from a key without reading the zone, and what changes with
 * them.
 * Implements: RFC 4034 §6.1 (canonical order), RFC 4035 §2.3 (who is in the chain), RFC 4034 §4.1.1 (the last points to the apex).
 */
import { assert } from '#base/assert.ts';
import { type Name, type OwnerKey, compareKeys } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { authorityOf } from '#zone/cut.ts';
import { NODE_FLAG } from '#zone/node-flags.ts';
import { type NodeRrset, type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';
import { nsecRdata } from './denial.ts';
import { dnssecRrset } from './plan-records.ts';

/**
 * Asked for neighbours one after another in canonical order (`next` upwards, `previous` downwards), it reads each node once; asked
 * out of order, it searches anew. `close` it after use.
 */
export interface ChainWalk {
  /** The chain member after `key`, in a circle. */
  next(key: OwnerKey): ZoneNode;
  /** The chain member before `key`, which is not the apex. */
  previous(key: OwnerKey): ZoneNode;
  close(): void;
}

/** `isMember` says of a node whether it is in the chain; the apex is. */
export function walkChain(
  view: ZoneView,
  isMember: (node: ZoneNode) => boolean,
  isBelow: (key: OwnerKey) => boolean,
): ChainWalk {
  let nodes: Iterator<ZoneNode> | undefined;
  /** Asked for last, and the answer to it: between the two there is no member. */
  let asked: OwnerKey | undefined;
  let answer: ZoneNode | undefined;

  const close = (): void => {
    nodes?.return?.();
    nodes = undefined;
    asked = undefined;
  };
  const open = (sequence: Iterable<ZoneNode>): void => {
    nodes?.return?.();
    nodes = sequence[Symbol.iterator]();
  };
  const apexNode = (): ZoneNode => {
    const apex = view.node(view.apexKey);
    assert(apex !== undefined, 'a zone without apex');
    return apex;
  };
  const search = (key: OwnerKey, up: boolean): ZoneNode => {
    for (;;) {
      const step = nodes!.next();
      if (step.done === true) return apexNode();
      const node = step.value;
      if (node.key === key) continue;
      if (isMember(node)) return node;
      if (!isBelow(node.key)) continue;
      // Glue and occluded names may be many: leave them by their cut or DNAME, which stands before them and is a member.
      const authority = authorityOf(view, node.key);
      assert(authority.kind === 'belowCut' || authority.kind === 'belowDname', 'below nothing');
      if (authority.at === view.apexKey) return apexNode();
      open(up ? view.ascend(afterSubtree(authority.at)) : view.descend(authority.at));
    }
  };
  return {
    close,
    next(key) {
      if (nodes === undefined || answer?.key !== key) open(view.ascend(key));
      return (answer = search(key, true));
    },
    previous(key) {
      assert(key !== view.apexKey, 'nothing is before the apex');
      if (nodes !== undefined && asked !== undefined && answer !== undefined && answer.key < key && key <= asked)
        return answer;
      if (nodes === undefined || answer?.key !== key) open(view.descend(key));
      asked = key;
      return (answer = search(key, false));
    },
  };
}

/** The least key after all keys at or below `key`: labels end in U+0000 and hold no U+0001 0000. */
function afterSubtree(key: OwnerKey): OwnerKey {
  return `${key.slice(0, -1)}\u0001`;
}

/**
 * Next names for the chain members whose successor may have changed: those that enter it, and the predecessors of those
 * that enter or leave. Adds the predecessors to `touched`. `anew`: there was no chain.
 */
export function relink(
  base: ZoneView,
  edited: ZoneView,
  touched: Set<OwnerKey>,
  isMember: (node: ZoneNode) => boolean,
  isBelow: (key: OwnerKey) => boolean,
  anew: boolean,
): Map<OwnerKey, Name> {
  const stale: OwnerKey[] = [];
  const walk = walkChain(edited, isMember, isBelow);
  const descending = [...touched].toSorted((a, b) => compareKeys(b, a));
  const predecessors = new Set<OwnerKey>();
  for (const key of descending) {
    const node = edited.node(key);
    const member = node !== undefined && isMember(node);
    const was = !anew && rrsetOf(base.node(key), TYPE.NSEC) !== undefined;
    if (member && !was) stale.push(key);
    if (!anew && member !== was && key !== base.apexKey) predecessors.add(walk.previous(key).key);
  }
  walk.close();
  for (const key of predecessors) touched.add(key);
  const links = new Map<OwnerKey, Name>();
  for (const key of [...new Set([...stale, ...predecessors])].toSorted(compareKeys))
    links.set(key, walk.next(key).owner);
  walk.close();
  return links;
}

/** RFC 4035 §2.3: all types at an authoritative name; NS and DS at a cut; always NSEC and the RRSIG over it. */
export function nsecRrset(next: Name, rrsets: readonly NodeRrset[], flags: number, ttl: number): NodeRrset {
  const isCut = (flags & NODE_FLAG.CUT) !== 0;
  const types = rrsets.map(({ type }) => type).filter((type) => !isCut || type === TYPE.NS || type === TYPE.DS);
  return dnssecRrset(TYPE.NSEC, ttl, [nsecRdata(next, [...types, TYPE.NSEC, TYPE.RRSIG])]);
}
