/**
 * What is looked at of a zone before it is published: a sample of its names, and what caches hold while keys change.
 * Implements: RFC 4035 §5.3.3 (no cache holds what has ended).
 * Not here: the check (dnssec/verify.ts, dnssec/chain-walk.ts).
 */
import { VERIFY_SAMPLE_NODES } from '#base/limits/changes.ts';
import { type Problem } from '#base/problem.ts';
import { TYPE } from '#dns/types.ts';
import { walkChains } from '#dnssec/chain-walk.ts';
import { KEY_TYPES } from '#dnssec/plan-records.ts';
import { type ZonePlan } from '#dnssec/plan.ts';
import { rrsigFields, secondsBetween } from '#dnssec/sign.ts';
import { type FlaggedNode, sampleNodes, sampleOf } from '#dnssec/verify.ts';
import { overlayZone } from '#zone/overlay.ts';
import { type NodeRrset, type ZoneNode, type ZoneView, rrsetOf } from '#zone/view.ts';

/** What is checked of a zone, as it will be. */
export interface Looked {
  readonly nodes: readonly FlaggedNode[];
  readonly hashed?: readonly ZoneNode[];
  readonly view: ZoneView;
}

/** The apex and names chosen by chance, 0 ≤ `random()` < 1, of `base` as it will be: all of them in a usual change. */
export function sampleOfPlan(base: ZoneView, plan: ZonePlan, random: () => number): Looked {
  const edits = new Map([...plan.nodes].map(([key, planned]) => [key, planned?.node ?? null]));
  return {
    nodes: sampleNodes(plan.nodes, VERIFY_SAMPLE_NODES, random),
    hashed: sampleOf(plan.hashed.values(), VERIFY_SAMPLE_NODES, random),
    view: overlayZone(base, edits, plan.hashed),
  };
}

/** Keys change: what caches hold of the zone as it is must stand with what they get of it as it will be. */
export function walkBoth(
  before: ZoneView,
  after: ZoneView,
  nodes: readonly FlaggedNode[],
  ds: readonly Uint8Array[],
  nowSeconds: number,
): Problem | undefined {
  const { apex, apexKey } = before;
  const views = [before, after];
  // RFC 4035 §5.3.3: no cache holds what has ended; after a long stop all that is there may have.
  const isHeld = ({ signatures }: NodeRrset): boolean =>
    signatures.some((rrsig) => secondsBetween(nowSeconds, rrsigFields(rrsig).expiration) > 0);
  const keySets = views.flatMap((view) => rrsetOf(view.node(apexKey), TYPE.DNSKEY) ?? []).filter(isHeld);
  const isOwn = (rrset: NodeRrset): boolean => !KEY_TYPES.includes(rrset.type) && isHeld(rrset);
  const rrsets = nodes.flatMap(({ node: { key, owner } }) =>
    views.flatMap((view) => (view.node(key)?.rrsets ?? []).filter(isOwn).map((rrset) => ({ owner, rrset }))),
  );
  return walkChains({ apex, ds, keySets, rrsets, nowSeconds });
}
