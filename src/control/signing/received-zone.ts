/**
 * A large zone as a primary sent it, that was not here before, is handed over a name at a time: no plan of all of it
 * is ever in memory.
 * Not here: what is kept of it (additions.ts), zones that were here (dnssec/plan-received.ts).
 */
import { NEW_ZONE_SLICE_NODES } from '#base/limits/dnssec.ts';
import { type PlannedNode } from '#dnssec/plan.ts';
import { serialOf } from '#zone/changeset.ts';
import { nodeFlags, occlusion } from '#zone/node-flags.ts';
import { type ZoneNode } from '#zone/view.ts';
import { type ReceivedWhole } from '#control/commands/decision.ts';
import { Additions, type NewZoneRecord } from './additions.ts';

/** Receives each name in canonical order, then each hashed owner name. */
export type WriteNode = (node: PlannedNode, isHashed: boolean) => void;

/** Writes all names. What the commit of the zone says of them. */
export function writeReceivedZone(zone: ReceivedWhole, write: WriteNode): NewZoneRecord {
  const { apex, apexKey } = zone;
  const isSigned = (zone.node(apexKey)?.rrsets ?? []).some(({ signatures }) => signatures.length > 0);
  const record = new Additions(apex, serialOf(zone), { count: zone.changedRrsets, isSigned });
  const isBelow = occlusion(zone);
  let slice: PlannedNode[] = [];
  const take = (node: ZoneNode, flags: number, isHashed: boolean): void => {
    const planned = { node, flags };
    write(planned, isHashed);
    if (slice.push(planned) === NEW_ZONE_SLICE_NODES) flush();
  };
  const flush = (): void => {
    record.add(slice);
    slice = [];
  };
  for (const node of zone.ascend(apexKey)) take(node, nodeFlags(node, apexKey, isBelow(node.key)), false);
  for (const node of zone.hashed.ascend(apexKey)) take(node, 0, true);
  flush();
  return record.end(zone.size, 0);
}
