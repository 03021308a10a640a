/**
 * Where a zone's authority ends: what stands at or below a delegation, and what a DNAME hides.
 * Implements: RFC 1034 §4.2.1 (cuts), RFC 2181 §6, RFC 6672 §2.3–2.4 (NS beside DNAME, nothing below a DNAME), RFC 9499 "glue", "occluded".
 * Not here: what is answered for such names (lookup.ts), flags kept with a node (node-flags.ts).
 */
import { type OwnerKey } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type ZoneNode, type ZoneView, rrsetOf } from './view.ts';

/** True when `node` is a delegation point of `view`: it has NS and is not the apex. */
export function isDelegation(view: ZoneView, node: ZoneNode | undefined): boolean {
  return node !== undefined && node.key !== view.apexKey && rrsetOf(node, TYPE.NS) !== undefined;
}

/** How a name stands in a zone: the first cut or DNAME met on the way down from the apex decides. */
export type Authority =
  | { readonly kind: 'authoritative' }
  /** At a delegation point. */
  | { readonly kind: 'cut'; readonly at: OwnerKey }
  /** Below a delegation point: glue, or occluded. */
  | { readonly kind: 'belowCut'; readonly at: OwnerKey }
  /** Below a DNAME: occluded. */
  | { readonly kind: 'belowDname'; readonly at: OwnerKey };

/** How `key`, a name at or below the apex of `view`, stands in it; the name itself need not exist. */
export function authorityOf(view: ZoneView, key: OwnerKey): Authority {
  for (const above of keysDown(view.apexKey, key)) {
    const node = view.node(above);
    // RFC 6672 §2.3: NS and DNAME together, not at the apex, are a delegation; the DNAME belongs to neither zone.
    if (isDelegation(view, node)) return { kind: above === key ? 'cut' : 'belowCut', at: above };
    if (above !== key && rrsetOf(node, TYPE.DNAME) !== undefined) return { kind: 'belowDname', at: above };
  }
  return { kind: 'authoritative' };
}

/** `apex`, then one label more each, down to and with `key`. */
export function keysDown(apex: OwnerKey, key: OwnerKey): OwnerKey[] {
  const keys = [apex];
  for (let end = apex.length; end < key.length;) {
    end = key.indexOf('\u0000', end) + 1;
    keys.push(key.slice(0, end));
  }
  return keys;
}
