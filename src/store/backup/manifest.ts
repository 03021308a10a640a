/**
 * What a backup says about itself, and what it consists of:
 *
 *   waxseal-20261130T045952Z-1a2b3c4d/    its name: when it was made, UTC, and what tells it from others
 *     data.mdb                            the store, of one snapshot, as LMDB has it
 *     zones.json                          its zones with their serials
 *     manifest.json                       the rest; written last, so a folder without it is no backup
 *     verified.json                       when it was last found good; not part of what was made
 *
 * The manifest has the hash of each file, and a MAC under the key-encryption key: what another party has changed or
 * put together does not pass. The key itself is never in a backup.
 * Not here: making one (make.ts), checking one (verify.ts).
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { BACKUP_HASH_BYTES, BACKUP_MANIFEST_BYTES_MAX, BACKUP_ZONES_BYTES_MAX } from '#base/limits/backup.ts';
import { atPath } from '#base/place.ts';
import { StoreFailure, messageOf } from '#store/failure.ts';
import { hasFields, isArrayOf, isString } from '#store/json.ts';
import { type Sealer } from '#store/seal.ts';

export const BACKUP_FILES = {
  data: 'data.mdb',
  zones: 'zones.json',
  manifest: 'manifest.json',
  verified: 'verified.json',
} as const;

/** A later version of the form has a higher number; this one reads its own. */
const MANIFEST_VERSION = 1;

export interface BackupFile {
  readonly name: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

export interface BackupZone {
  /** Absolute, lower-case. */
  readonly name: string;
  readonly serial: number;
  readonly dnssec: 'on' | 'off';
  readonly nodes: number;
}

export interface BackupManifest {
  readonly product: 'waxseal';
  readonly kind: 'backup';
  readonly version: number;
  readonly name: string;
  readonly createdAtMs: number;
  readonly isScheduled: boolean;
  /** Of waxseal. */
  readonly productVersion: string;
  readonly storeFormat: number;
  readonly generation: number;
  /** UUID of the installation that it is of. */
  readonly installation: string;
  /** Name of the machine. */
  readonly host: string;
  /** Where the key-encryption key was; two files while it became another one. */
  readonly kekFiles: readonly string[];
  readonly zoneCount: number;
  readonly files: readonly BackupFile[];
  /** MAC of all else under the key-encryption key, hexadecimal. */
  readonly mac: string;
}

/** When a backup was last found good. */
export interface VerifiedNote {
  readonly atMs: number;
  readonly productVersion: string;
}

const NAME = /^waxseal-\d{8}T\d{6}Z-[0-9a-f]{8}$/;

export function isBackupName(name: string): boolean {
  return NAME.test(name);
}

/** `random`: eight hexadecimal digits that tell backups of one second apart. */
export function backupName(createdAtMs: number, random: string): string {
  const time = new Date(createdAtMs).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `waxseal-${time}-${random}`;
}

/** The manifest with its MAC. */
export function sealManifest(
  manifest: Omit<BackupManifest, 'product' | 'kind' | 'version' | 'mac'>,
  sealer: Sealer,
): BackupManifest {
  const whole = { product: 'waxseal', kind: 'backup', version: MANIFEST_VERSION, ...manifest } as const;
  return { ...whole, mac: macOf(whole, sealer) };
}

/** True when the manifest was written by a server with this key-encryption key, and not changed since. */
export function isSealedBy({ mac, ...manifest }: BackupManifest, sealer: Sealer): boolean {
  return mac === macOf(manifest, sealer);
}

function macOf(manifest: Omit<BackupManifest, 'mac'>, sealer: Sealer): string {
  const text = JSON.stringify(Object.entries(manifest).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return Buffer.from(sealer.mac('backup manifest', Buffer.from(text))).toString('hex');
}

/** The manifest of the backup in `folder`. Throws BACKUP_NONE when there is none, BACKUP_BAD when it cannot be read. */
export function readManifest(folder: string): BackupManifest {
  const manifest = readJsonFile(folder, BACKUP_FILES.manifest, BACKUP_MANIFEST_BYTES_MAX);
  if (manifest === undefined)
    throw new StoreFailure(
      'BACKUP_NONE',
      atPath(folder, 'the backup'),
      `there is no backup in ${folder}: it has no ${BACKUP_FILES.manifest}`,
      'name the folder of one backup; waxseal backup list shows them',
    );
  if (hasFields(manifest, { product: (product) => product === 'waxseal', version: isNewer }))
    throw badBackup(folder, 'its manifest is of a newer waxseal, which has to read it');
  if (!isManifest(manifest)) throw badBackup(folder, `its ${BACKUP_FILES.manifest} does not have its fields`);
  return manifest;
}

/** The zones of the backup in `folder`. Throws BACKUP_BAD. */
export function readZones(folder: string): readonly BackupZone[] {
  const zones = readJsonFile(folder, BACKUP_FILES.zones, BACKUP_ZONES_BYTES_MAX);
  if (!isArrayOf(isBackupZone)(zones)) throw badBackup(folder, `its ${BACKUP_FILES.zones} is not a list of zones`);
  return zones;
}

/** When the backup in `folder` was last found good; undefined: never, or not known. */
export function readVerified(folder: string): VerifiedNote | undefined {
  try {
    const note = readJsonFile(folder, BACKUP_FILES.verified, BACKUP_MANIFEST_BYTES_MAX);
    return isVerifiedNote(note) ? note : undefined;
  } catch {
    return undefined;
  }
}

export function badBackup(folder: string, why: string): StoreFailure {
  const fix = 'use another backup; if this is the only one, keep a copy of it as it is';
  return new StoreFailure(
    'BACKUP_BAD',
    atPath(folder, 'the backup'),
    `the backup in ${folder} is not what was made: ${why}`,
    fix,
  );
}

/** Size and SHA-256 of a file, read in parts. Throws the system's error. */
export function hashFile(folder: string, name: string, onPart?: (part: Uint8Array) => void): BackupFile {
  const descriptor = openSync(join(folder, name), 'r');
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.alloc(BACKUP_HASH_BYTES);
    let bytes = 0;
    for (;;) {
      const count = readSync(descriptor, buffer, 0, buffer.length, bytes);
      if (count === 0) break;
      const part = buffer.subarray(0, count);
      hash.update(part);
      onPart?.(part);
      bytes += count;
    }
    return { name, bytes, sha256: hash.digest('hex') };
  } finally {
    closeSync(descriptor);
  }
}

/** The file's JSON; undefined when there is no such file. Throws BACKUP_BAD. */
function readJsonFile(folder: string, name: string, bytesMax: number): unknown {
  let descriptor: number;
  try {
    descriptor = openSync(join(folder, name), 'r');
  } catch (error) {
    const isMissing =
      error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
    if (isMissing) return undefined;
    throw badBackup(folder, `${name} cannot be read: ${messageOf(error)}`);
  }
  try {
    const { size } = fstatSync(descriptor);
    if (size > bytesMax) throw badBackup(folder, `${name} has ${size} octets`);
    const text = Buffer.alloc(size);
    readSync(descriptor, text, 0, size, 0);
    return JSON.parse(text.toString('utf8')) as unknown;
  } catch (error) {
    if (error instanceof StoreFailure) throw error;
    throw badBackup(folder, `${name} is not JSON: ${messageOf(error)}`);
  } finally {
    closeSync(descriptor);
  }
}

function isNewer(version: unknown): boolean {
  return typeof version === 'number' && version > MANIFEST_VERSION;
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean';
}

function isManifest(value: unknown): value is BackupManifest {
  return hasFields(value, {
    product: (product) => product === 'waxseal',
    kind: (kind) => kind === 'backup',
    version: (version) => version === MANIFEST_VERSION,
    name: (name) => isString(name) && isBackupName(name),
    createdAtMs: 'number',
    isScheduled: isBoolean,
    productVersion: 'string',
    storeFormat: 'number',
    generation: 'number',
    installation: 'string',
    host: 'string',
    kekFiles: isArrayOf(isString),
    zoneCount: 'number',
    files: isArrayOf(isBackupFile),
    mac: 'string',
  });
}

function isBackupFile(value: unknown): value is BackupFile {
  const isKnown = (name: unknown) => name === BACKUP_FILES.data || name === BACKUP_FILES.zones;
  return hasFields(value, { name: isKnown, bytes: 'number', sha256: 'string' });
}

function isBackupZone(value: unknown): value is BackupZone {
  const isState = (dnssec: unknown) => dnssec === 'on' || dnssec === 'off';
  return hasFields(value, { name: 'string', serial: 'number', dnssec: isState, nodes: 'number' });
}

function isVerifiedNote(value: unknown): value is VerifiedNote {
  return hasFields(value, { atMs: 'number', productVersion: 'string' });
}

/** Octets of all its files. */
export function sizeOfBackup({ files }: Pick<BackupManifest, 'files'>): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
