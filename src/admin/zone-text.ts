/**
 * A zone as a zone file: one record on each line, absolute names, explicit TTLs, SOA first.
 * Implements: RFC 1035 §5.1. Without `signed` it has what people wrote, and imports to the same zone; with it, what is served.
 */
import type { ZoneRecord } from '#store/schema.ts';
import { TYPE } from '#dns/types.ts';
import type { NodeRrset, ZoneView } from '#zone/view.ts';
import { nodeLines } from './form.ts';

/** The lines, without line ends. Reads the view as they are taken: take all before the store can change. */
export function* zoneFileLines(record: ZoneRecord, view: ZoneView, signed: boolean): Generator<string, void> {
  yield `; zone ${record.name} serial ${record.serial}${signed ? ' signed' : ''}`;
  const wanted = (rrset: NodeRrset) => signed || rrset.manager !== 'dnssec';
  for (const node of view.ascend(view.apexKey)) {
    if (node.key === view.apexKey) {
      yield* nodeLines(node, signed, (rrset) => wanted(rrset) && rrset.type === TYPE.SOA);
      yield* nodeLines(node, signed, (rrset) => wanted(rrset) && rrset.type !== TYPE.SOA);
    } else yield* nodeLines(node, signed, wanted);
  }
}
