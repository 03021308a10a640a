/**
 * Names of a zone that something is about, found before a change's turn: in a large zone other work has its turns
 * meanwhile. Good for the zone as it was.
 * Not here: walking the store (store/upkeep/nodes-under.ts).
 */
import { setImmediate as turn } from 'node:timers/promises';
import { type Name, type OwnerKey } from '#dns/name.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { namesWhere } from '#store/upkeep/nodes-under.ts';
import { type ZoneNode, type ZoneView } from '#zone/view.ts';

export interface SeenNames {
  readonly zoneId: number;
  /** Of the zone when the first of them was looked at. */
  readonly revision: number;
  readonly keys: readonly OwnerKey[];
}

/** Those whose stored node passes `test`; undefined for a zone that is not here. */
export async function seenNames(reader: StoreReader, zone: Name, test: (node: Uint8Array) => boolean): Promise<SeenNames | undefined> {
  const record = reader.zoneByName(zone);
  if (record === undefined) return undefined;
  const keys: OwnerKey[] = [];
  for (const batch of namesWhere(reader, record.id, test)) {
    keys.push(...batch);
    await turn();
    if (reader.zoneById(record.id) === undefined) return undefined;
  }
  return { zoneId: record.id, revision: record.revision, keys };
}

/** The nodes of these names; all nodes of a zone that is another by now. */
export function nodesOf(
  view: ZoneView,
  { id, revision }: Pick<ZoneRecord, 'id' | 'revision'>,
  seen: SeenNames | undefined,
): Iterable<ZoneNode> {
  if (seen?.zoneId !== id || seen.revision !== revision) return view.ascend(view.apexKey);
  return seen.keys.flatMap((key) => view.node(key) ?? []);
}
