/**
 * A zone as it is now, for what reads it over several turns of the event loop while changes are committed.
 * Not here: a view that follows its reader (store/zone-view.ts), snapshots of a reader (store/snapshots.ts).
 */
import { assert } from '#base/assert.ts';
import { nameOf, ownerKey } from '#dns/name.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { storedZoneView } from '#store/zone-view.ts';
import { type HeldView } from '#zone/view.ts';

/**
 * To be released soon: pages that are freed meanwhile cannot be used again, and the file grows. Closing the store
 * releases it too. Asserts that the zone is in the store.
 */
export function holdView(reader: StoreReader, record: ZoneRecord): HeldView {
  const { environment, table } = reader.inspect();
  const { root, db, releases } = environment;
  assert(table.byId(record.id) !== undefined, `zone ${record.name} is not in the store`);
  const contentId = table.contentOf(record.id);
  // Before and after: a transaction that begins now, and from which no other read of this thread is made.
  root.resetReadTxn();
  const transaction = root.useReadTransaction();
  root.resetReadTxn();
  const apex = nameOf(record.name);
  const zone = { content: () => contentId, apex, apexKey: ownerKey(apex) };
  const release = (): void => {
    if (releases.delete(release)) transaction.done();
  };
  releases.add(release);
  return { view: storedZoneView(zone, db, () => ({ transaction })), release };
}
