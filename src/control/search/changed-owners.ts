/**
 * Which names of a zone have other contents than before, by its journal: signatures that were renewed change none.
 * Not here: changes that are known by key (store/recent.ts).
 */
import { JOURNAL_PAGE_ENTRIES } from '#base/limits/store.ts';
import { type OwnerKey, ownerKey } from '#dns/name.ts';
import { TYPE, type RrType } from '#dns/types.ts';
import { type JournalEntry } from '#store/journal.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord, isSignedHere } from '#store/schema.ts';
import { decodeChangeset } from '#zone/changeset-codec.ts';

/** A zone as it was last known. */
export interface KnownVersion {
  readonly serial: number;
  /** Store generation of its last change. */
  readonly revision: number;
}

/** Those that `zone` has changed since `known`; undefined when the journal does not tell. */
export function changedOwners(
  reader: StoreReader,
  zone: ZoneRecord,
  known: KnownVersion,
): ReadonlySet<OwnerKey> | undefined {
  const owners = new Set<OwnerKey>();
  const made: readonly RrType[] = isSignedHere(zone) ? [TYPE.RRSIG, TYPE.NSEC, TYPE.NSEC3] : [TYPE.RRSIG];
  let { serial } = zone;
  for (const { changeset, fromSerial, toSerial } of entriesSince(reader, zone.id, known.revision)) {
    // What it does not tell of may have changed anything.
    if (changeset === undefined || toSerial !== serial) return undefined;
    serial = fromSerial;
    const { deleted, added } = decodeChangeset(changeset);
    for (const list of [deleted, added])
      for (const { owner, type } of list) if (!made.includes(type)) owners.add(ownerKey(owner));
  }
  return serial === known.serial ? owners : undefined;
}

/** Newest first. */
function* entriesSince(reader: StoreReader, zoneId: number, revision: number): Generator<JournalEntry> {
  let before: number | undefined;
  for (;;) {
    const page = reader.journal(zoneId, JOURNAL_PAGE_ENTRIES, before);
    for (const entry of page) {
      if (entry.revision <= revision) return;
      yield entry;
      before = entry.revision;
    }
    if (page.length < JOURNAL_PAGE_ENTRIES) return;
  }
}
