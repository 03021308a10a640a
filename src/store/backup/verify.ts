/**
 * Is a backup what was made, and would it be of use? Its files have their hashes, its manifest the MAC of a server with
 * this key-encryption key, its store the structure that verify.ts of the store checks, every secret opens, and
 * signatures are good as of the time that it was made. Read-only, without a server and without the network.
 * Not here: its form (manifest.ts).
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BACKUP_SIGNATURE_NODES } from '#base/limits/backup.ts';
import { INTEGRITY_PROBLEMS_MAX } from '#base/limits/store.ts';
import { verifyAudit } from '#store/audit/chain.ts';
import { messageOf } from '#store/failure.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type Sealer } from '#store/seal.ts';
import { type Report, verifySecrets, verifySignatures } from '#store/upkeep/content.ts';
import { verifyStore } from '#store/verify.ts';
import { type StoreCopy, openCopy, sealerOfCopy } from './copy.ts';
import {
  BACKUP_FILES,
  type BackupManifest,
  type VerifiedNote,
  hashFile,
  isSealedBy,
  readManifest,
  readZones,
} from './manifest.ts';

export interface VerifyOrder {
  /** Of one backup. */
  readonly folder: string;
  /** The file of the key-encryption key. */
  readonly kekFile: string;
  /** `sample`: BACKUP_SIGNATURE_NODES owner names, and each apex. */
  readonly signatures: 'all' | 'sample';
  readonly random: () => number;
  readonly productVersion: string;
  readonly nowMs: number;
}

export interface BackupVerdict {
  readonly manifest: BackupManifest;
  readonly zones: number;
  readonly nodes: number;
  /** Owner names whose signatures were checked. */
  readonly signedNodes: number;
  /** Secrets that open with the key-encryption key. */
  readonly secrets: number;
  /** Secrets under the policy host's own key (https.key_file), which were not opened. */
  readonly ofPolicyHost: number;
  readonly auditEntries: number;
  /** What is wrong and where; empty when the backup is good. At most INTEGRITY_PROBLEMS_MAX. */
  readonly problems: readonly string[];
}

/**
 * Throws BACKUP_NONE, BACKUP_BAD or a KEK_ code when it cannot be checked at all; what else is wrong is in the verdict.
 */
export async function verifyBackup(order: VerifyOrder): Promise<BackupVerdict> {
  const { folder } = order;
  const manifest = readManifest(folder);
  const problems: string[] = [];
  const report = (where: string, what: string): void => {
    if (problems.length < INTEGRITY_PROBLEMS_MAX) problems.push(`${where}: ${what}`);
  };
  verifyFiles(folder, manifest, report);
  // LMDB dies of some files that are not its own; what does not have its hash is not opened.
  if (problems.length > 0) return { manifest, ...NOTHING, problems };
  const copy = openCopy(folder);
  try {
    const sealer = sealerOfCopy(copy, order.kekFile);
    if (!isSealedBy(manifest, sealer))
      report(BACKUP_FILES.manifest, 'was not written by a server with this key-encryption key, or was changed since');
    const found = verifyContent(order, manifest, copy, sealer, report);
    if (problems.length === 0) noteVerified(folder, { atMs: order.nowMs, productVersion: order.productVersion });
    return { manifest, ...found, problems };
  } finally {
    await copy.close();
  }
}

const NOTHING = { zones: 0, nodes: 0, signedNodes: 0, secrets: 0, ofPolicyHost: 0, auditEntries: 0 };

type Content = Omit<BackupVerdict, 'manifest' | 'problems'>;

function verifyFiles(folder: string, { files }: BackupManifest, report: Report): void {
  for (const name of [BACKUP_FILES.data, BACKUP_FILES.zones])
    if (!files.some((file) => file.name === name)) report(BACKUP_FILES.manifest, `does not name ${name}`);
  for (const { name, bytes, sha256 } of files)
    try {
      const found = hashFile(folder, name);
      if (found.bytes !== bytes) report(name, `has ${found.bytes} octets, ${bytes} were written`);
      else if (found.sha256 !== sha256) report(name, 'does not have its hash: its octets were changed');
    } catch (error) {
      report(name, messageOf(error));
    }
}

function verifyContent(
  order: VerifyOrder,
  manifest: BackupManifest,
  { reader }: StoreCopy,
  sealer: Sealer,
  report: Report,
): Content {
  const structure = verifyStore(reader);
  for (const each of structure.problems) report(BACKUP_FILES.data, each);
  if (reader.generation() !== manifest.generation)
    report(BACKUP_FILES.data, 'is of another generation than its manifest');
  const { environment, read } = reader.inspect();
  const audit = verifyAudit(environment.db, sealer, read);
  if (audit.brokenAt !== undefined) report(`audit entry ${audit.brokenAt}`, audit.why ?? 'broken');
  verifyZoneList(order.folder, reader.zones(), report);
  const secrets = verifySecrets(reader, sealer, report);
  const { signatures, random } = order;
  const nodes = signatures === 'all' ? 'all' : BACKUP_SIGNATURE_NODES;
  const signedNodes = verifySignatures(reader, { nodes, random, atMs: manifest.createdAtMs }, report);
  const { problems: _problems, ...counts } = structure;
  return { ...counts, signedNodes, ...secrets };
}

function verifyZoneList(folder: string, zones: readonly ZoneRecord[], report: Report): void {
  const listed = new Map(readZones(folder).map(({ name, serial }) => [name, serial]));
  for (const { name, serial } of zones)
    if (listed.get(name) !== serial) report(BACKUP_FILES.zones, `has another serial of ${name} than the store`);
  if (listed.size !== zones.length) report(BACKUP_FILES.zones, `has ${listed.size} zones, the store ${zones.length}`);
}

/** Best effort: a backup on a medium that is read-only stays without it. */
function noteVerified(folder: string, note: VerifiedNote): void {
  try {
    // Made anew: a link that stands in its place leads to a file that is not ours.
    const path = join(folder, BACKUP_FILES.verified);
    rmSync(path, { force: true });
    writeFileSync(path, `${JSON.stringify(note)}\n`, { mode: 0o600, flag: 'wx' });
  } catch {
    // It was found good all the same.
  }
}
