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
    const lines: string[] = [];
    const written = linesOf(reader, { record, view });
    for (let next = written.next(); ; next = written.next()) {
      if (next.done === true) return { revision: record.revision, text: next.value ? lines.join('') : undefined };
      if (lines.push(next.value) % LINES_AT_ONCE === 0) await turn();
    }
  } finally {
    release();
  }
}

/** Undefined when nothing is kept: it would be too long, or come back as what it was not. */
export function textOf(reader: StoreReader, zone: ServedZone): string | undefined {
  const lines: string[] = [];
  const written = linesOf(reader, zone);
  for (let next = written.next(); ; next = written.next()) {
    if (next.done === true) return next.value ? lines.join('') : undefined;
    lines.push(next.value);
  }
}

/** Returns true at the end of a text that is kept. */
function* linesOf(reader: StoreReader, { record, view }: ServedZone): Generator<string, boolean> {
  // Without its signatures it would come back as a zone that the parent's DS makes bogus.
  if (record.presigned !== undefined || record.secondary?.mode === 'copy') return false;
  // By the time that a catalog comes back, its members may be others.
  if (record.isCatalog === true) return false;
  const aliases = readAliases(reader, record.id);
  const shown = aliasedView(view, aliases);
  let bytes = 0;
  for (const line of formatZoneFile(shown.ascend(shown.apexKey), { signed: false, hasAliases: aliases.length > 0 })) {
    bytes += line.length;
    if (bytes > REMOVED_ZONE_TEXT_BYTES_MAX) return false;
    yield line;
  }
  return true;
}
