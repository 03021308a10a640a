/**
 * Restores a backup into a data directory without a store. Everything that can be known before is looked at first: the
 * backup is good, the key-encryption key opens it, no server runs there, no store is in the way, there is space. The
 * store is then made ready in a folder beside its place, and put there last: a restore that is broken off leaves the
 * data directory without a store, as it was.
 * Not here: what is done to the restored store (control/backup/restored.ts).
 */
import { randomBytes } from 'node:crypto';
import { constants, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { makeFolder, syncPath } from '#base/folder.ts';
import { RESTORE_ASKED_AT_ONCE } from '#base/limits/backup.ts';
import { REFRESH_SLICE_NODES } from '#base/limits/changes.ts';
import { atPath } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { productVersion } from '#base/version.ts';
import { type Config } from '#config/config.ts';
import { secondarySerials } from '#control/backup/review.ts';
import { type RaisedZone, type SettledStore } from '#control/backup/restored.ts';
import { Control } from '#control/control.ts';
import { readUptime } from '#control/lifecycle/boot-time.ts';
import { Publisher } from '#control/publish/publisher.ts';
import { type Serial } from '#dns/serial.ts';
import { nameOf } from '#dns/name.ts';
import { BACKUP_FILES, type BackupManifest, hashFile } from '#store/backup/manifest.ts';
import { StoreFailure, messageOf } from '#store/failure.ts';
import { freeSpace, mebibytes } from '#store/free-space.ts';
import { SERVER_LOCK, acquireLock } from '#store/process-lock.ts';
import { storeExists } from '#store/store.ts';
import { type OpenedStore, openStore, rememberKek } from '#process/open-store.ts';
import { checkBackup } from './backup.ts';

export interface RestoreOptions {
  /** Of the backup. */
  readonly folder: string;
  /** Undefined: as the configuration names it, or as the backup remembers it. */
  readonly kekFile: string | undefined;
  /** A store that is there is put aside, under another name. */
  readonly replace: boolean;
  /** Ask the secondaries of each zone which serial they have. */
  readonly askSecondaries: boolean;
  readonly dryRun: boolean;
}

export interface RestoreOutcome {
  readonly manifest: BackupManifest;
  readonly kekFile: string;
  readonly storeDir: string;
  /** Where the store is that was there before. */
  readonly putAside?: string;
  readonly raised: readonly RaisedZone[];
  readonly heldMail: number;
  readonly warnings: readonly Problem[];
  /** Secondaries that did not say which serial they have. */
  readonly silent: readonly string[];
}

const STAGING = 'restoring-';

/** The problem: nothing in the data directory was changed. */
export async function restoreBackup(config: Config, options: RestoreOptions): Promise<Result<RestoreOutcome>> {
  const { folder, dryRun } = options;
  const checked = await checkBackup(config, folder, { signatures: 'sample', kekFile: options.kekFile });
  if (!checked.ok) return checked;
  const { verdict, kekFile } = checked.value;
  const [first] = verdict.problems;
  if (first !== undefined)
    return fail(
      problem('BACKUP_BAD', atPath(folder, 'the backup'), `the backup is not good: ${first}`, {
        fix: 'use another one; waxseal backup verify names all that is wrong',
      }),
    );
  const storeDir = join(config.data, 'store');
  const inTheWay = storeInTheWay(storeDir, options.replace);
  if (inTheWay !== undefined) return fail(inTheWay);
  try {
    makeFolder(config.data);
    const lock = acquireLock(SERVER_LOCK, config.data, systemClock.nowMs());
    try {
      removeStaging(config.data);
      checkSpace(config.data, verdict.manifest);
      const staging = join(config.data, `${STAGING}${randomBytes(4).toString('hex')}`);
      try {
        copyInto(staging, folder, verdict.manifest);
        const settled = await settle(
          { ...config, data: staging, keys: { kekFile, isKekFileGiven: true } },
          verdict.manifest,
          options,
        );
        if (!settled.ok) return settled;
        const putAside = dryRun ? undefined : putInPlace(staging, storeDir);
        return ok({
          manifest: verdict.manifest,
          kekFile,
          storeDir,
          ...settled.value,
          ...(putAside === undefined ? {} : { putAside }),
        });
      } finally {
        rmSync(staging, { recursive: true, force: true });
      }
    } finally {
      lock.release();
    }
  } catch (error) {
    if (error instanceof StoreFailure) return fail(error.problem);
    if (!(error instanceof Error && ('syscall' in error || error instanceof RestoreFailure))) throw error;
    return fail(target(config.data, messageOf(error)));
  }
}

class RestoreFailure extends Error {}

function target(path: string, why: string, fix = 'name another data directory: --data DIR'): Problem {
  return problem(
    'BACKUP_TARGET',
    atPath(path, 'the data directory'),
    `not restored into ${path}: ${why}. Nothing was changed`,
    { fix },
  );
}

function storeInTheWay(storeDir: string, replace: boolean): Problem | undefined {
  if (!storeExists(storeDir) || replace) return undefined;
  return target(
    dirname(storeDir),
    `there is a store in ${storeDir}`,
    'name another data directory (--data DIR), or put that store aside: --replace',
  );
}

/** What restores that were broken off have left. Under the lock: no other one is under way. */
function removeStaging(data: string): void {
  for (const entry of readdirSync(data, { withFileTypes: true }))
    if (entry.isDirectory() && new RegExp(`^${STAGING}[0-9a-f]{8}$`).test(entry.name))
      rmSync(join(data, entry.name), { recursive: true });
}

/** The copy, and what changes of the serials take beside it. */
function checkSpace(data: string, { files }: BackupManifest): void {
  const bytes = files.reduce((sum, each) => sum + each.bytes, 0);
  const { freeBytes, reserveBytes } = freeSpace(data);
  if (freeBytes >= bytes + reserveBytes) return;
  throw new RestoreFailure(
    `${mebibytes(freeBytes)} MiB are free there, ${mebibytes(bytes + reserveBytes)} MiB are needed`,
  );
}

function copyInto(staging: string, folder: string, { files }: BackupManifest): void {
  const store = join(staging, 'store');
  mkdirSync(staging, { mode: 0o700 });
  mkdirSync(store, { mode: 0o700 });
  copyFileSync(
    join(folder, BACKUP_FILES.data),
    join(store, BACKUP_FILES.data),
    constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE,
  );
  // What was checked is what is used, whatever happened to the backup meanwhile.
  const { sha256 } = hashFile(store, BACKUP_FILES.data);
  if (files.find(({ name }) => name === BACKUP_FILES.data)?.sha256 !== sha256)
    throw new RestoreFailure('the backup changed while it was copied');
}

type Settled = Pick<RestoreOutcome, 'raised' | 'heldMail' | 'warnings' | 'silent'>;

/** Makes the store ready, in its own folder still. A dry run does it too, and its folder goes. */
async function settle(config: Config, manifest: BackupManifest, options: RestoreOptions): Promise<Result<Settled>> {
  const random = (bytes: number): Uint8Array => new Uint8Array(randomBytes(bytes));
  const opened = openStore(config, { random, nowMs: systemClock.nowMs() });
  if (!opened.ok) return opened;
  const control = offlineControl(opened.value, random);
  try {
    await rememberKek(opened.value, systemClock.nowMs());
    const { seen, silent } = options.askSecondaries
      ? await askSecondaries(opened.value)
      : { seen: new Map(), silent: [] };
    const { name: backup, createdAtMs } = manifest;
    const settled = await control.backups.restored.settle({ backup, createdAtMs, seen });
    if (!settled.ok) return settled;
    const { raised, heldMail, warnings }: SettledStore = settled.value;
    return ok({ raised, heldMail, silent, warnings: [...warnings, ...(await renewSignatures(control))] });
  } finally {
    await control.close();
  }
}

function offlineControl({ writer }: OpenedStore, random: (bytes: number) => Uint8Array): Control {
  return new Control({
    writer,
    publisher: new Publisher(() => {}),
    clock: systemClock,
    random,
    // Nothing is looked up: what follows from the world waits until an operator has looked.
    outside: { lookup: () => Promise.resolve({ kind: 'servfail' }) },
    uptime: readUptime,
    onFatal: (failure) => {
      throw failure;
    },
    version: productVersion(),
    adminListener: '',
    socketPath: '',
    counterTable: {},
  });
}

/** Those of an old backup have ended: no server gives them out before they are made again. */
async function renewSignatures({ refreshable }: Control): Promise<readonly Problem[]> {
  const warnings: Problem[] = [];
  for (const { name, dnssec, presigned } of refreshable.zones()) {
    if (dnssec === 'off' || presigned !== undefined) continue;
    for (let from: string | undefined = ''; from !== undefined;) {
      const slice = await refreshable.refreshSlice(nameOf(name), from, REFRESH_SLICE_NODES);
      if (!slice.ok) warnings.push(...slice.problems.map((each) => ({ ...each, severity: 'warning' as const })));
      from = slice.ok ? slice.value.next : undefined;
    }
  }
  return warnings;
}

async function askSecondaries({ writer }: OpenedStore) {
  const seen = new Map<number, readonly Serial[]>();
  const silent: string[] = [];
  const waiting = [...writer.zones()];
  const work = async (): Promise<void> => {
    for (let zone = waiting.shift(); zone !== undefined; zone = waiting.shift()) {
      const answers = await secondarySerials(zone, { writer });
      seen.set(
        zone.id,
        answers.flatMap(({ answer }) => (typeof answer === 'number' ? [answer] : [])),
      );
      for (const { server, answer } of answers)
        if (typeof answer === 'string') silent.push(`${zone.name} ${server}: ${answer}`);
    }
  };
  await Promise.all(Array.from({ length: RESTORE_ASKED_AT_ONCE }, work));
  return { seen, silent };
}

/** One rename puts the store's folder in its place; returns where the store before is now. */
function putInPlace(staging: string, storeDir: string): string | undefined {
  syncPath(join(staging, 'store'));
  let putAside: string | undefined;
  if (existsSync(storeDir)) {
    const time = new Date(systemClock.nowMs()).toISOString().replaceAll(/[-:]|\.\d+/g, '');
    putAside = `${storeDir}-before-${time}`;
    renameSync(storeDir, putAside);
  }
  try {
    renameSync(join(staging, 'store'), storeDir);
  } catch (error) {
    if (putAside !== undefined) renameSync(putAside, storeDir);
    throw error;
  }
  syncPath(dirname(storeDir));
  return putAside;
}
