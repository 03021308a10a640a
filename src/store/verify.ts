/**
 * Does the store hold what it can hold? Every node is read, checked against its checksum and decoded, every count compared, the audit
 * chain walked. LMDB finds a torn page only when it is used, and not all of them: this finds them before an answer does.
 */
import { FILLING_KIND } from '#store/due/documents.ts';
import { INTEGRITY_PROBLEMS_MAX } from '#base/limits/store.ts';
import { type OwnerKey, formatName, isAtOrBelow, nameLengthAt, nameOfKey, ownerKey, parentKey } from '#dns/name.ts';

import { documentFaults } from '#store/due/documents.ts';
import { messageOf } from './failure.ts';
import { journalTotals, readJournal } from './journal.ts';
import { decodeNode } from './node-codec.ts';
import { type StoreReader } from './reader.ts';
import { NODE_CHECK_BYTES, nodeCheck, ownerOfKey, zoneIdOfKey, zoneKey } from './schema.ts';
import { type StoredZone } from './zone-table.ts';

export interface IntegrityReport {
  readonly zones: number;
  readonly nodes: number;
  readonly auditEntries: number;
  /** What is wrong and where; empty when all is well. At most INTEGRITY_PROBLEMS_MAX. */
  readonly problems: readonly string[];
}

export interface VerifyOptions {
  /** Nodes looked at in each zone, from its apex on; all when absent. With it counts, journals and leftovers are not checked: for a quick start. */
  readonly nodesPerZone?: number;
}

/** Checks what the reader's snapshot shows. Never throws for what it finds. */
export function verifyStore(reader: StoreReader, { nodesPerZone }: VerifyOptions = {}): IntegrityReport {
  const problems: string[] = [];
  const report = (where: string, what: string): void => {
    if (problems.length < INTEGRITY_PROBLEMS_MAX) problems.push(`${where}: ${what}`);
  };
  let nodes = 0;
  const zones = reader.storedZones();
  for (const zone of zones) {
    try {
      nodes += verifyZone(reader, zone, nodesPerZone, report);
      if (nodesPerZone === undefined) verifyJournal(reader, zone, report);
    } catch (error) {
      report(`zone ${zone.record.name}`, messageOf(error));
    }
  }
  if (nodesPerZone === undefined) guarded('leftovers', report, () => verifyLeftovers(reader, report));
  if (nodesPerZone === undefined)
    guarded('documents', report, () => {
      const { environment, read } = reader.inspect();
      documentFaults(environment.db, read, report);
      return 0;
    });
  const auditEntries = guarded('audit', report, () => {
    const audit = reader.verifyAudit();
    if (audit.brokenAt !== undefined) report(`audit entry ${audit.brokenAt}`, audit.why ?? 'broken');
    return audit.entries;
  });
  guarded('tokens', report, () => reader.tokens().length);
  return { zones: zones.length, nodes, auditEntries, problems };
}

type Report = (where: string, what: string) => void;

function verifyZone(reader: StoreReader, { record, apexKey }: StoredZone, limit: number | undefined, report: Report): number {
  const { environment, read } = reader.inspect();
  const zone = `zone ${record.name}`;
  if (record.revision > reader.generation())
    report(zone, `changed in generation ${record.revision}, the store is at ${reader.generation()}`);
  if (reader.zoneByName(nameOfKey(apexKey))?.id !== record.id) report(zone, 'another zone has the same name');
  let count = 0;
  let previous: OwnerKey | undefined;
  const { id, contentId = id } = record;
  const range = { start: zoneKey(contentId), end: zoneKey(contentId + 1), ...read, ...(limit === undefined ? {} : { limit }) };
  for (const { key, value } of environment.db.nodes.getRange(range)) {
    count += 1;
    const owner = ownerOfKey(key);
    const where = `${zone} ${nodeName(owner)}`;
    const what = nodeFault(key, value, owner);
    if (what !== undefined) report(where, what);
    if (!isAtOrBelow(owner, apexKey)) report(where, 'is not in the zone');
    // In canonical order a parent comes just before its first child or before that child's siblings: it must have been seen.
    else if (owner !== apexKey && previous === undefined) report(zone, 'its apex is missing');
    else if (owner !== apexKey && reader.nodeBytes(record.id, Buffer.from(parentKey(owner), 'latin1')) === undefined)
      report(where, 'the name above it is missing');
    previous = owner;
  }
  for (const { key, value } of environment.db.hashed.getRange(range)) {
    const owner = ownerOfKey(key);
    const stray = parentKey(owner) === apexKey ? undefined : 'is no hashed owner name of the zone';
    const what = nodeFault(key, value, owner) ?? stray;
    if (what !== undefined) report(`${zone} NSEC3 ${nodeName(owner)}`, what);
  }
  // One from primaries is there before its first transfer.
  if (count === 0 && record.secondary === undefined) report(zone, 'has no nodes');
  if (limit === undefined && count !== record.nodeCount) report(zone, `has ${count} nodes, its record says ${record.nodeCount}`);
  return count;
}

function nodeFault(key: Uint8Array, value: Uint8Array, owner: OwnerKey): string | undefined {
  const length = value.length - NODE_CHECK_BYTES;
  if (length <= 0) return 'is cut short';
  const node = value.subarray(0, length);
  const check = new DataView(value.buffer, value.byteOffset, value.byteLength).getUint32(length);
  if (nodeCheck(key, node) !== check) return 'does not have its checksum: the disk or memory changed it';
  try {
    const decoded = decodeNode(node, owner);
    if (nameLengthAt(decoded.owner, 0) !== decoded.owner.length) return 'its owner is not a name';
    if (ownerKey(decoded.owner) !== owner) return `is kept under another name than ${formatName(decoded.owner)}`;
    return undefined;
  } catch (error) {
    return `does not decode: ${messageOf(error)}`;
  }
}

function verifyJournal(reader: StoreReader, { record }: StoredZone, report: Report): void {
  const { environment, read } = reader.inspect();
  const totals = journalTotals(environment.db.journal, record.id, read);
  let entries = 0;
  // One at a time: the journal of one zone may be as large as its limit.
  for (let before: number | undefined; ; entries++) {
    const [entry] = readJournal(environment.db.journal, record.id, 1, before, read);
    if (entry === undefined) break;
    before = entry.revision;
  }
  if (entries !== totals.entries) report(`journal of ${record.name}`, `has ${entries} entries, its totals say ${totals.entries}`);
}

/** What belongs to a zone that is not there. */
function verifyLeftovers(reader: StoreReader, report: Report): number {
  let found = 0;
  const { environment, read, table } = reader.inspect();
  const filling = new Set(reader.documentIds(0, FILLING_KIND).map(Number));
  for (const name of ['nodes', 'hashed', 'journal', 'secrets', 'documents'] as const) {
    // From zone to zone, not from key to key.
    for (let start = zoneKey(1); ;) {
      const [key] = environment.db[name].getKeys({ start, limit: 1, ...read });
      if (key === undefined) break;
      const zoneId = zoneIdOfKey(key);
      const isNodes = name === 'nodes' || name === 'hashed';
      const isOwned = isNodes ? table.isContent(zoneId) : reader.zoneById(zoneId) !== undefined;
      // Of a large change under way, or of one that was killed: the next start takes it out.
      if (!isOwned && !filling.has(zoneId)) {
        found += 1;
        report(name, `belong to zone id ${zoneId}, which does not exist`);
      }
      start = zoneKey(zoneId + 1);
    }
  }
  return found;
}

function guarded(where: string, report: Report, check: () => number): number {
  try {
    return check();
  } catch (error) {
    report(where, messageOf(error));
    return 0;
  }
}

function nodeName(owner: OwnerKey): string {
  try {
    return formatName(nameOfKey(owner));
  } catch {
    return JSON.stringify(owner);
  }
}
