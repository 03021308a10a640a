/**
 * Neighbours in the NSEC chain of a zone as it will be, found from a key without reading the zone.
 * Implements: RFC 4034 §6.1 (canonical order), RFC 4035 §2.3 (who is in the chain), RFC 4034 §4.1.1 (the last points to the apex).
 */
import { assert } from '#base/assert.ts';
import { type OwnerKey } from '#dns/name.ts';
import { authorityOf } from '#zone/cut.ts';
import { type ZoneNode, type ZoneView } from '#zone/view.ts';

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
export function walkChain(view: ZoneView, isMember: (node: ZoneNode) => boolean, isBelow: (key: OwnerKey) => boolean): ChainWalk {
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
      if (nodes !== undefined && asked !== undefined && answer !== undefined && answer.key < key && key <= asked) return answer;
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
