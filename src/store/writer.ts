/**
 * The one writer of a store. A commit is one transaction, on disk and visible to readers when it resolves, or it did not happen.
 *
 * Why `transactionSync`: throwing inside the binding's `transaction` does not roll back, and its background thread tells a failed
 * commit only on the console. The synchronous one rolls back and throws the system's error number. It blocks this process for the
 * time of one flush; DNS is answered by another.
 *
 * After a failed flush nobody knows what is on the disk, and a second try may well "succeed" without it: the writer is then broken,
 * refuses everything, and the process has to end; the next start reads what there is. A full disk is no such failure as long as the
 * generation shows that nothing was committed.
 */
import { chmodSync, mkdirSync, statSync } from 'node:fs';

import { AssertionFailure, assert } from '#base/assert.ts';

import { type CommitOutcome, type NodeWrite, type StoreWrite, applyWrite, nextZoneId } from './apply.ts';
import { type AuditVerdict, verifyAudit } from './audit.ts';
import { asDamage, checkDataFile, damaged, dataFile } from './data-file.ts';
import { StoreFailure, messageOf } from './failure.ts';
import { type FreeSpace, freeSpace, meansNoRoom } from './free-space.ts';
import { JOURNAL_LIMITS, type JournalLimits } from './journal.ts';
import { StoreReader } from './reader.ts';
import { decodeJson, encodeJson, isString } from './json.ts';
import { type FormatMark, META, STORE_FORMAT, textKey } from './schema.ts';
import { type SealLabel, type Sealer, createSealer } from './seal.ts';
import { type Environment, existingDatabase, makeDatabase, openDatabases, openRoot, readFormat } from './store.ts';
import { verifyStore } from './verify.ts';
import { type LockHolder, type WriterLock, acquireWriterLock } from './writer-lock.ts';
import { readGeneration } from './zone-table.ts';

export type { CommitOutcome, NodeWrite, SecretWrite, StoreWrite } from './apply.ts';

export interface WriterOptions {
  /** 32 octets (kek.ts). */
  readonly kek: Uint8Array;
  readonly random: (bytes: number) => Uint8Array;
  readonly nowMs: number;
  readonly journal?: JournalLimits;
  /** Free space of the store's file system; a test gives its own. */
  readonly space?: (dir: string) => FreeSpace;
}

/** Octets that a commit may add to the file for each octet given: copied branch pages, free space in new ones. */
const GROWTH = 2;

/**
 * Opens the store for writing and makes it when there is none. Throws STORE_LOCKED when another process writes it, STORE_FORMAT when it is
 * newer than this version, KEK_WRONG when its secrets were sealed under another key; the store is unchanged then.
 */
export function openWriter(dir: string, options: WriterOptions): StoreWriter {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  const lock = acquireWriterLock(dir, options.nowMs);
  try {
    const state = checkDataFile(dir, true);
    const environment = openEnvironment(dir, options);
    try {
      const writer = new StoreWriter(environment, lock, options);
      if (state === 'extended') assertWhole(writer);
      return writer;
    } catch (error) {
      void environment.root.close();
      throw error;
    }
  } catch (error) {
    lock.release();
    throw asDamage(dir, error);
  }
}

export class StoreWriter extends StoreReader {
  readonly #environment: Environment;
  readonly #lock: WriterLock;
  readonly #options: WriterOptions;
  #broken: StoreFailure | undefined;
  #closed = false;
  /** Seals and opens the secrets that the store keeps. */
  readonly sealer: Sealer;

  /** Use `openWriter`. */
  constructor(environment: Environment, lock: WriterLock, options: WriterOptions) {
    super(environment, false);
    this.#environment = environment;
    this.#lock = lock;
    this.#options = options;
    this.sealer = createSealer(options.kek, options.random);
    this.#checkKek();
    this.dropDeadReaders();
  }

  /** Set after a failed flush: every further commit throws it, and the process has to end. */
  get broken(): StoreFailure | undefined {
    return this.#broken;
  }

  /** The writer before this one, when it died without closing the store. */
  get abandonedBy(): LockHolder | undefined {
    return this.#lock.abandonedBy;
  }

  /** The id for the next new zone. The same until a commit has used it. */
  nextZoneId(): number {
    return nextZoneId(this.#environment.db.meta);
  }

  /**
   * Writes everything in `write` in one transaction; durable and visible when it resolves, and the generation is one higher. Rejects with
   * STORE_FULL or STORE_LIMIT when nothing was written and a later try may succeed, with STORE_BROKEN when the process has to end.
   */
  async commit(write: StoreWrite): Promise<CommitOutcome> {
    assert(!this.#closed, 'the store is closed');
    if (this.#broken !== undefined) throw this.#broken;
    this.#checkSpace(write);
    const before = this.generation();
    try {
      const { root } = this.#environment;
      const outcome = root.transactionSync(() =>
        applyWrite(this.#environment, write, this.sealer, this.#options.journal ?? JOURNAL_LIMITS),
      );
      // With `overlappingSync: false` it is flushed by now; this is the binding's documented word for it.
      await root.flushed;
      this.refresh();
      return outcome;
    } catch (error) {
      throw this.#failure(error, before);
    }
  }

  /** The secret under `id`, opened; undefined when there is none. Throws SECRET_SEALED when it does not open. */
  secret(zoneId: number, label: SealLabel): Uint8Array | undefined {
    const sealed = this.sealedSecret(zoneId, label.id);
    if (sealed === undefined) return undefined;
    const opened = this.sealer.open(label, sealed);
    if (opened.ok) return opened.value;
    const [why] = opened.problems;
    throw new StoreFailure('SECRET_SEALED', why!.at, why!.message, why!.fix);
  }

  override verifyAudit(): AuditVerdict {
    return verifyAudit(this.#environment.db.audit, this.#environment.db.meta, this.sealer);
  }

  /** Room on the disk. */
  space(): FreeSpace {
    return (this.#options.space ?? freeSpace)(this.dir);
  }

  /** Octets of the data file. */
  sizeBytes(): number {
    return statSync(dataFile(this.dir)).size;
  }

  override async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await super.close();
    // Last: whoever takes the lock finds LMDB closed.
    this.#lock.release();
  }

  #checkSpace(write: StoreWrite): void {
    if (write.upkeep === true) return;
    const space = this.space();
    const needBytes = sizeOf(write) * GROWTH;
    if (space.freeBytes >= space.reserveBytes + needBytes) return;
    throw new StoreFailure(
      'STORE_FULL',
      this.dir,
      `not written: ${mebibytes(space.freeBytes)} MiB are free under ${this.dir}, the change needs ${mebibytes(needBytes)} MiB and ${mebibytes(space.reserveBytes)} MiB are kept for upkeep. Nothing was changed, DNS goes on`,
      'make room on that file system, then repeat the change',
    );
  }

  /** What a failed commit means. Bugs and refusals have rolled back and go on as they are. */
  #failure(error: unknown, before: number): unknown {
    if (error instanceof AssertionFailure || error instanceof StoreFailure) return error;
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    // Anything else thrown without a number is from the caller's iterable: rolled back like the others.
    if (typeof code !== 'number') return error;
    if (meansNoRoom(code, this.space().freeBytes) && this.#generationOnDisk() === before)
      return new StoreFailure(
        'STORE_FULL',
        this.dir,
        `not written: the file system under ${this.dir} is full. Nothing was changed, DNS goes on`,
        'make room on that file system, then repeat the change',
        error,
      );
    this.#broken = new StoreFailure(
      'STORE_BROKEN',
      this.dir,
      `a write to the store in ${this.dir} failed (${messageOf(error)}); what is on the disk is not known until it is opened again`,
      'the process ends and reads the store anew; if this repeats, check the disk',
      error,
    );
    return this.#broken;
  }

  #generationOnDisk(): number {
    try {
      this.#environment.root.resetReadTxn();
      return readGeneration(this.#environment.db.meta);
    } catch {
      return -1;
    }
  }

  #checkKek(): void {
    const bytes = this.#environment.db.meta.get(textKey(META.KEK_CHECK));
    assert(bytes !== undefined, 'a store without its key check');
    const sealed = Buffer.from(decodeJson(bytes, 'the key check', isString), 'base64');
    if (this.sealer.open(kekLabel(this.installation()), sealed).ok) return;
    throw new StoreFailure(
      'KEK_WRONG',
      this.dir,
      `the key-encryption key is not the one that the store in ${this.dir} was made with: its signing keys cannot be opened. Nothing was changed`,
      'put back the old key file (keys/kek, or what kek_file names), or restore store and key together',
    );
  }
}

/** For a file that was shorter than it should be. Throws STORE_DAMAGED unless nothing is missing from it. */
function assertWhole(writer: StoreWriter): void {
  const [first] = verifyStore(writer).problems;
  if (first !== undefined) throw damaged(writer.dir, `its file was cut short: ${first}`);
}

function openEnvironment(dir: string, options: WriterOptions): Environment {
  const root = openRoot(dir, false);
  try {
    const meta = existingDatabase(root, 'meta');
    const made = meta !== undefined && readFormat(meta, dir) !== undefined;
    // A foreign LMDB file is left alone; a store of ours whose making was interrupted has at most empty databases.
    if (!made && (meta === undefined ? root.getKeysCount() : meta.getKeysCount()) > 0)
      throw new StoreFailure('STORE_FORMAT', dir, `${dir} holds an LMDB database that is not waxseal's`, 'name another data directory');
    const db = openDatabases((name) => makeDatabase(root, name));
    if (!made) makeStore(root, db, options);
    return { dir, root, db };
  } catch (error) {
    void root.close();
    throw error;
  }
}

/** The first transaction. */
function makeStore(root: Environment['root'], { meta }: Environment['db'], { kek, random, nowMs }: WriterOptions): void {
  const installation = uuid(random(16));
  const check = createSealer(kek, random).seal(kekLabel(installation), Buffer.from('waxseal'));
  root.transactionSync(() => {
    meta.putSync(textKey(META.INSTALLATION), encodeJson(installation));
    meta.putSync(textKey(META.KEK_CHECK), encodeJson(Buffer.from(check).toString('base64')));
    meta.putSync(textKey(META.GENERATION), encodeJson(0));
    meta.putSync(textKey(META.NEXT_ZONE), encodeJson(1));
    meta.putSync(textKey(META.CLOCK), encodeJson(nowMs));
    meta.putSync(textKey(META.FORMAT), encodeJson({ product: 'waxseal', version: STORE_FORMAT, createdAtMs: nowMs } satisfies FormatMark));
  });
}

function kekLabel(installation: string): SealLabel {
  return { purpose: 'kek-check', id: installation, version: 1 };
}

/** A version 4 UUID of 16 random octets (RFC 9562 §5.4). */
function uuid(octets: Uint8Array): string {
  assert(octets.length === 16, 'a UUID has 16 octets');
  const bytes = Buffer.from(octets);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Octets given, as far as they are known before they are written. */
function sizeOf({ nodes, journal }: StoreWrite): number {
  let size = 0;
  const list: readonly NodeWrite[] = Array.isArray(nodes) ? nodes : [];
  for (const { key, value } of list) size += key.length + (value?.length ?? 0);
  for (const { changeset } of journal ?? []) size += changeset.length;
  return size;
}

function mebibytes(bytes: number): string {
  return (bytes / (1024 * 1024)).toFixed(1);
}
