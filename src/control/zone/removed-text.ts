/**
 * The records of a zone that is removed, as the zone file that is kept of it. That of a large zone is written before
 * the turn in which the zone is removed, part by part, so that no other change and no request waits for it.
 * Not here: what else is kept, and for how long (removed.ts).
 */
import { setImmediate as turn } from 'node:timers/promises';
import { EXPORT_AT_ONCE_NODES_MAX } from '#base/limits/admin.ts';
import { REMOVED_ZONE_TEXT_BYTES_MAX } from '#base/limits/zones.ts';
import { type Name } from '#dns/name.ts';
import { formatZoneFile } from '#dns/zone-file-format.ts';
import { readAliases } from '#store/alias/aliases.ts';
import { type StoreReader } from '#store/reader.ts';
import { holdView } from '#store/upkeep/held-view.ts';
import { aliasedView } from '#zone/alias/alias.ts';
import { type ServedZone } from '#control/commands/table.ts';

/** Lines between two pauses: some milliseconds. */
const LINES_AT_ONCE = 1000;

export interface RemovedText {
  /** Of the zone that it is of. */
  readonly revision: number;
  /** Undefined: nothing is kept. */
  readonly text: string | undefined;
}

/** That of a large zone; undefined for a zone that is small, or not there. */
export async function readRemovedText(reader: StoreReader, apex: Name): Promise<RemovedText | undefined> {
  const record = reader.zoneByName(apex);
  if (record === undefined || record.nodeCount <= EXPORT_AT_ONCE_NODES_MAX) return undefined;
  const { view, release } = holdView(reader, record);
  try {
    const written = write(reader, { record, view });
    let next = written.next();
    for (; next.done !== true; next = written.next()) await turn();
    return { revision: record.revision, text: next.value };
  } finally {
    release();
  }
}

/** Undefined when nothing is kept: it would be too long, or come back as what it was not. */
export function textOf(reader: StoreReader, zone: ServedZone): string | undefined {
  const written = write(reader, zone);
  let next = written.next();
  while (next.done !== true) next = written.next();
  return next.value;
}

/** Returns what `textOf` does. Others may have their turn at each yield. */
function* write(reader: StoreReader, { record, view }: ServedZone): Generator<void, string | undefined> {
  // Without its signatures it would come back as a zone that the parent's DS makes bogus.
  if (record.presigned !== undefined || record.secondary?.mode === 'copy') return undefined;
  // By the time that a catalog comes back, its members may be others.
  if (record.isCatalog === true) return undefined;
  const aliases = readAliases(reader, record.id);
  const shown = aliasedView(view, aliases);
  const lines: string[] = [];
  let bytes = 0;
  for (const line of formatZoneFile(shown.ascend(shown.apexKey), { signed: false, hasAliases: aliases.length > 0 })) {
    bytes += line.length;
    if (bytes > REMOVED_ZONE_TEXT_BYTES_MAX) return undefined;
    if (lines.push(line) % LINES_AT_ONCE === 0) yield;
  }
  return lines.join('');
}
