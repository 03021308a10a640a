/**
 * Where the records below a name server's name are: in a zone of ours, or in another's. A copy of a primary's zone is
 * another's: nothing is put into it, and it proves no more than the transfer it came by.
 * Not here: the names (dnssec/delegation/signal-name.ts).
 */
import { type Name, lowerName, ownerKey, parentName } from '#dns/name.ts';
import { TYPE } from '#dns/types.ts';
import { type StoreWriter } from '#store/writer.ts';
import { rrsetOf } from '#zone/view.ts';
import { type ServedZone } from '#control/commands/table.ts';

/** A zone of ours that a name is in, without a delegation in between. */
export function homeOf(writer: StoreWriter, name: Name): ServedZone | undefined {
  for (let above = lowerName(name); above.length > 1;) {
    above = parentName(above);
    const record = writer.zoneByName(above);
    if (record === undefined) continue;
    if (record.secondary?.mode === 'copy') return undefined;
    const view = writer.view(record);
    // Below a delegation it is another's to say.
    for (let cut = lowerName(name); cut.length > above.length; cut = parentName(cut))
      if (rrsetOf(view.node(ownerKey(cut)), TYPE.NS) !== undefined) return undefined;
    return { record, view };
  }
  return undefined;
}
