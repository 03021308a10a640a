/**
 * The one writer of a store. A commit is one transaction, on disk and visible to readers when it resolves, or it did not happen.
 *
 * Why `transactionSync`: throwing inside the binding's `transaction` does not roll back, and its background thread tells a failed
 * commit only on the console. The synchronous one rolls back and throws the system's error number. It blocks this process for the
 * time of one flush; DNS is answered by another.
 *
 * After a failed write or flush it is unknown what is on the disk, a second try may well "succeed" without it, and
 * LMDB's own memory is not to be trusted: the writer is then broken, rejects everything, and the process has to end;
 * the next start reads what there is. A full disk is kept from being such a failure by making space in the file before
 * LMDB writes to it (data-file.ts).
 */
import { atPath } from '#base/place.ts';
import { chmodSync } from 'node:fs';

import { AssertionFailure, assert } from '#base/assert.ts';
import { type Result } from '#base/problem.ts';
import { makeFolder } from '#base/folder.ts';
import { EVENTS_KEPT_MAX } from '#base/limits/events.ts';
import { STORE_SLACK_BYTES } from '#base/limits/store.ts';

import { type CommitOutcome, type StoreWrite, applyWrite, nextZoneId } from './apply.ts';
import { type AuditVerdict, verifyAudit } from '#store/audit/chain.ts';
import { asDamage, checkDataFile, damaged, dataFileUse, makeRoom, trimRoom } from './data-file.ts';
import { type DueDocument } from '#store/due/documents.ts';
import { DueIndex } from '#store/due/due-index.ts';
import { type EventShares } from './event-shares.ts';
import { readEventShares } from './events.ts';
import { StoreFailure, asFolderFailure, folderFailure, messageOf } from './failure.ts';
import { type FreeSpace, type WrittenTogether, freeSpace, roomFor, sumOf } from './free-space.ts';
import { fullFailure, isOutOfSpace, mebibytes } from './free-space.ts';
import { JOURNAL_LIMITS, type JournalLimits } from './journal.ts';
import { StoreReader } from './reader.ts';
import { type MakingOptions, openEnvironment } from './open-environment.ts';
import { type KekChange } from './schema.ts';
import { countOfPolicyHost, readKekChange, settleKek } from '#store/kek/change.ts';
import { type ResealSlice, resealSlice } from '#store/kek/change.ts';
import { type ChangingSealer, type SealLabel, type Sealer, changingSealer, createSealer } from './seal.ts';
import { type Environment } from './store.ts';
import { verifyStore } from './verify.ts';
import { type LockHolder, type ProcessLock, WRITER_LOCK, acquireLock } from './process-lock.ts';

export type { BesideWrite, CommitOutcome, FilledZone, NodeWrite, SecretWrite, StoreWrite } from './apply.ts';
export type { DocumentWrite, DueDocument } from '#store/due/documents.ts';
export type { EventWrite, StoredEvent } from './events.ts';
export type { FindKek } from './open-environment.ts';

export interface WriterOptions extends MakingOptions {
  /** Gives the key in a file, of a store whose key-encryption key was changing when its last writer ended. Throws. */
  readonly otherKek?: (file: string) => Uint8Array;
  readonly journal?: JournalLimits;
  /** Of the store's folder; 0700 when absent. */
  readonly folderMode?: number;
  /** Events kept; a test makes it small. */
  readonly eventsKept?: number;
  /** Free space of the store's file system; a test gives its own. */
  readonly space?: (dir: string) => FreeSpace;
}

/**
 * Opens the store for writing and makes it when there is none. Throws STORE_LOCKED when another process writes it,
 * STORE_FORMAT when it is newer than this version, KEK_WRONG when its secrets were sealed under another key; the store
 * is unchanged then.
 */
export function openWriter(dir: string, options: WriterOptions): StoreWriter {
  prepareFolder(dir, options.folderMode ?? 0o700);
  const lock = acquireLock(WRITER_LOCK, dir, options.nowMs);
  try {
    const state = checkDataFile(dir, true);
    // LMDB itself makes the file: see data-file.ts for what happens when there is no space for it.
    const { freeBytes } = (options.space ?? freeSpace)(dir);
    if (state === 'absent' && freeBytes < STORE_SLACK_BYTES) throw fullFailure(dir, `${mebibytes(freeBytes)} MiB are free`);
    const { environment, kek } = openEnvironment(dir, options);
    try {
      const writer = new StoreWriter(environment, lock, { ...options, kek });
      if (state === 'extended') assertWhole(writer);
      return writer;
    } catch (error) {
      void environment.root.close();
      throw error;
    }
  } catch (error) {
    lock.release();
    throw asFolderFailure(dir, asDamage(dir, error));
  }
}

function prepareFolder(dir: string, mode: number): void {
  try {
    makeFolder(dir);
    chmodSync(dir, mode);
  } catch (error) {
    throw folderFailure(dir, error, `the store's directory ${dir} cannot be made or used`);
  }
}

/** The writes of one transaction that were applied. */
interface CommitGroup {
  readonly writes: StoreWrite[];
  written: WrittenTogether;
  hasMadeRoom: boolean;
}

export class StoreWriter extends StoreReader {
  readonly #environment: Environment;
  readonly #lock: ProcessLock;
  readonly #options: WriterOptions;
  readonly #eventListeners: (() => void)[] = [];
  readonly #commitListeners: ((writes: readonly StoreWrite[]) => void)[] = [];
  /** Read from the store when events are written. */
  #eventShares: EventShares | undefined;
  /** Read from the store when it is asked for, also what the running transaction has written. */
  #dueIndex: DueIndex | undefined;
  #broken: StoreFailure | undefined;
  #closed = false;
  /** Seals and opens the secrets that the store keeps. */
  readonly sealer: ChangingSealer;

  /** Use `openWriter`. */
  constructor(environment: Environment, lock: ProcessLock, options: WriterOptions & { readonly kek: Uint8Array }) {
    super(environment);
    this.#environment = environment;
    this.#lock = lock;
    this.#options = options;
    const { otherKek } = options;
    const sealerOf = (kek: Uint8Array) => createSealer(kek, options.random);
    const other = otherKek === undefined ? undefined : (file: string) => sealerOf(otherKek(file));
    const { current, next } = settleKek(environment, sealerOf(options.kek), this.installation(), other);
    this.sealer = changingSealer(current);
    if (next !== undefined) this.sealer.begin(next);
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

  /** Called after each commit with events. */
  onEvents(listener: () => void): void {
    this.#eventListeners.push(listener);
  }

  /** Called after each commit with what it wrote, before the change is answered. It must not throw. */
  onCommit(listener: (writes: readonly StoreWrite[]) => void): void {
    this.#commitListeners.push(listener);
  }

  get isClosed(): boolean {
    return this.#closed;
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
    let outcome: CommitOutcome | undefined;
    await this.#transaction((group) => (outcome = this.#apply(write, group)));
    assert(outcome !== undefined, 'a commit without an outcome');
    return outcome;
  }

  /**
   * The same for several writes, in one transaction with one flush. `collect` gets a function that applies a write, of
   * which it then reads the effect; it throws STORE_FULL or STORE_LIMIT when this write alone was undone. `collect` runs
   * without a pause. Rejects when nothing of all was written.
   */
  async commitTogether(collect: (apply: (write: StoreWrite) => CommitOutcome) => void): Promise<void> {
    await this.#transaction((group) =>
      collect((write) => {
        try {
          const outcome = this.#environment.root.transactionSync(() => this.#apply(write, group));
          // The next write is decided on what this one left.
          this.refresh();
          return outcome;
        } catch (error) {
          this.#forgetRolledBack();
          throw this.#failure(error);
        }
      }),
    );
  }

  async #transaction(run: (group: CommitGroup) => void): Promise<void> {
    assert(!this.#closed, 'the store is closed');
    if (this.#broken !== undefined) throw this.#broken;
    const group: CommitGroup = { writes: [], written: { bytes: 0, entries: 0, commits: 0 }, hasMadeRoom: false };
    try {
      const { root } = this.#environment;
      root.transactionSync(() => {
        run(group);
        // A write that LMDB failed at may have broken more than itself.
        if (this.#broken !== undefined) throw this.#broken;
      });
      // Before any other code runs: it would find the records of now and the zones of before.
      this.refresh();
      // With `overlappingSync: false` it is flushed by now; this is the binding's documented word for it.
      await root.flushed;
      if (group.hasMadeRoom) trimRoom(this.dir);
    } catch (error) {
      // The zones may be those of generations that are not.
      this.#forgetRolledBack();
      const failure = this.#failure(error);
      if (group.writes.length > 0 && this.#broken === undefined) this.refresh();
      throw failure;
    }
    for (const { kek } of group.writes) {
      if (kek?.kind === 'begin') this.sealer.begin(kek.next);
      if (kek?.kind === 'end' && this.sealer.next !== undefined) this.sealer.end();
    }
    for (const listener of this.#commitListeners) listener(group.writes);
    const hasEvents = group.writes.some(({ events = [] }) => events.length > 0);
    if (hasEvents) for (const listener of this.#eventListeners) listener();
  }

  /** What is kept in memory may have counted what was rolled back. */
  #forgetRolledBack(): void {
    this.#eventShares = undefined;
    this.#dueIndex = undefined;
  }

  override due(untilMs: number, limit: number, kind?: string): readonly DueDocument[] {
    if (kind === undefined) return super.due(untilMs, limit);
    this.#dueIndex ??= new DueIndex(this.#environment.db, {});
    return this.#dueIndex.due(kind, untilMs, limit);
  }

  /** Inside a transaction. */
  #apply(write: StoreWrite, group: CommitGroup): CommitOutcome {
    const { upkeep = false } = write;
    this.#checkSpace(upkeep, 0);
    let own: WrittenTogether = { bytes: 0, entries: 0, commits: 1 };
    const outcome = applyWrite(this.#environment, write, {
      sealer: this.sealer,
      installation: this.installation(),
      limits: this.#options.journal ?? JOURNAL_LIMITS,
      eventsKept: this.#options.eventsKept ?? EVENTS_KEPT_MAX,
      eventShares: () => (this.#eventShares ??= readEventShares(this.#environment.db.events)),
      noteDue: (key, dueAtMs) => this.#dueIndex?.set(key, dueAtMs),
      makeRoom: (written) => {
        own = { ...written, commits: 1 };
        if (this.#makeRoom(sumOf(group.written, own), upkeep)) group.hasMadeRoom = true;
      },
    });
    group.writes.push(write);
    group.written = sumOf(group.written, own);
    return outcome;
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
    return verifyAudit(this.#environment.db, this.sealer);
  }

  /** Room on the disk. */
  space(): FreeSpace {
    return (this.#options.space ?? freeSpace)(this.dir);
  }

  /** A sealer for another key-encryption key. */
  sealerOf(kek: Uint8Array): Sealer {
    return createSealer(kek, this.#options.random);
  }

  /** The change of the key-encryption key that is under way. */
  kekChange(): KekChange | undefined {
    return readKekChange(this.#environment.db.meta);
  }

  /** The next part of the secrets that are not sealed under the next key-encryption key yet. */
  resealSlice(from: Uint8Array | undefined, limit: number): Result<ResealSlice> {
    return resealSlice(this.#environment.db.secrets, this.sealer, from, limit);
  }

  /** Secrets that are under the policy host's own key. */
  secretsOfPolicyHost(): number {
    return countOfPolicyHost(this.#environment.db.secrets);
  }

  /** Octets of the data file in use. */
  sizeBytes(): number {
    return dataFileUse(this.dir).usedBytes;
  }

  override async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await super.close();
    // Last: the next holder of the lock finds LMDB closed.
    this.#lock.release();
  }

  /** Throws STORE_FULL when a change other than upkeep would take the last free space. */
  #checkSpace(upkeep: boolean, moreBytes: number): void {
    if (upkeep) return;
    const { freeBytes, reserveBytes } = this.space();
    if (freeBytes < reserveBytes + moreBytes)
      throw fullFailure(this.dir, `${mebibytes(freeBytes)} MiB are free and ${mebibytes(reserveBytes)} MiB are kept for upkeep`);
  }

  /** Makes space in the file for all that the running transaction may write; see `roomFor`. True when it was made. */
  #makeRoom(written: WrittenTogether, upkeep: boolean): boolean {
    const use = dataFileUse(this.dir);
    const bytes = roomFor(written, use);
    const moreBytes = Math.max(0, use.usedBytes + bytes - use.sizeBytes);
    this.#checkSpace(upkeep, moreBytes);
    if (moreBytes === 0) return false;
    try {
      makeRoom(this.dir, bytes);
      return true;
    } catch (error) {
      if (!isOutOfSpace(error)) throw this.#breakBy(error);
      throw fullFailure(this.dir, `${mebibytes(moreBytes)} MiB cannot be had: ${messageOf(error)}`, error);
    }
  }

  /** What a failed commit means. Bugs and rejections have rolled back and are returned as they are. */
  #failure(error: unknown): unknown {
    if (error instanceof AssertionFailure || error instanceof StoreFailure) return error;
    // LMDB's and the system's errors come with a number. Anything else is from the caller's iterable: rolled back like the others.
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
    return typeof code === 'number' ? this.#breakBy(error) : error;
  }

  #breakBy(error: unknown): StoreFailure {
    this.#broken = new StoreFailure(
      'STORE_BROKEN',
      atPath(this.dir, 'the data directory'),
      `a write to the store in ${this.dir} failed (${messageOf(error)}); what is on the disk is not known until it is opened again`,
      'the process ends and reads the store anew; if this repeats, check the disk and its free space',
      error,
    );
    return this.#broken;
  }
}

/** For a file that was shorter than it should be. Throws STORE_DAMAGED unless nothing is missing from it. */
function assertWhole(writer: StoreWriter): void {
  const [first] = verifyStore(writer).problems;
  if (first !== undefined) throw damaged(writer.dir, `its file was cut short: ${first}`);
}
