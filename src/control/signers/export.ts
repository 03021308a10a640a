/**
 * Keeps the files of signers as their keys are: looks after each change of the store, has written what differs and the
 * signer's command run, then notes in the key's life that this signer has switched. A failure is shown, and the export
 * is tried again later; until then the old files stay in use and the old key stays published.
 * Not here: what is in the files (export-files.ts), which keys (signers.ts), the process that touches the disk
 * (folder-processes.ts).
 */
import { type Clock } from '#base/clock.ts';
import { assert } from '#base/assert.ts';
import {
  SIGNER_EXPORT_CHECK_MS,
  SIGNER_EXPORT_LOOK_ANYWAY_MS,
  SIGNER_EXPORT_LOOK_MS,
  SIGNER_EXPORT_RETRY_MS_MAX,
  SIGNER_EXPORT_RETRY_MS_MIN,
} from '#base/limits/signers.ts';
import { type Log } from '#base/log.ts';
import { atObject, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, formatProblem, ok, problem, withoutPath } from '#base/problem.ts';
import { StoreFailure } from '#store/failure.ts';
import { type ExportStatus, type SignerFiles, type SignerRecord } from '#control/api/signers.ts';
import { type DomainKeys, describeFiles, signerFiles } from './export-files.ts';
import { FolderRefusal, type OtherFolder } from './export-folder.ts';
import { type FolderWork } from './folder-jobs.ts';
import { FolderProcesses, FolderTimeout } from './folder-processes.ts';
import { type SignerFolders } from './signers.ts';

/** What it needs of the register. */
export interface ExportSource {
  records(): readonly SignerRecord[];
  filesOf(record: SignerRecord): readonly DomainKeys[];
  noteExport(record: SignerRecord, detail: string): Promise<Result<unknown>>;
  noteFilesInUse(record: SignerRecord): Promise<void>;
}

export interface ExporterSettings {
  readonly signers: ExportSource;
  readonly clock: Clock;
  readonly random: (bytes: number) => Uint8Array;
  readonly log: Log;
  /** Moves with every change of the store. */
  readonly generation: () => number;
  /** Of the store: the mark of its folders. */
  readonly installation: string;
  /** Where folders are touched; processes of their own unless a test gives something else. */
  readonly folders?: () => FolderWork;
}

interface Life {
  readonly status: ExportStatus;
  readonly failures: number;
  /** What is in place, and when the disk was last looked at; absent after a failure. */
  readonly seen?: { readonly description: string; readonly atMs: number };
}

type FileSigner = SignerRecord & { readonly files: SignerFiles };

export class SignerExporter implements SignerFolders {
  readonly #settings: ExporterSettings;
  readonly #lives = new Map<string, Life>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> = Promise.resolve();
  readonly #folders: FolderWork;
  /** Another one: who registers a signer does not wait for the exports of others. */
  readonly #preparing: FolderWork;
  #isStopped = false;
  #seenGeneration = -1;
  #lookedAtMs = -Infinity;

  constructor(settings: ExporterSettings) {
    this.#settings = settings;
    const { folders = () => new FolderProcesses() } = settings;
    this.#folders = folders();
    this.#preparing = folders();
  }

  /** Looks now and then once a second. */
  start(): void {
    const look = (): void => {
      void this.lookDue().finally(() => {
        if (!this.#isStopped) this.#timer = setTimeout(look, SIGNER_EXPORT_LOOK_MS);
      });
    };
    look();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#folders.stop();
    this.#preparing.stop();
    clearTimeout(this.#timer);
    await this.#running;
  }

  /**
   * Makes the folder of a signer that is not registered yet, or only looks whether it could. Returns its path without
   * links.
   */
  async prepare(files: SignerFiles, others: readonly SignerRecord[], isDryRun: boolean): Promise<Result<string | undefined>> {
    const otherFolders = others.flatMap(({ name, files: other }): OtherFolder[] => {
      if (other === undefined) return [];
      const { folder, realFolder } = other;
      return [{ signer: name, folder, ...(realFolder === undefined ? {} : { realFolder }) }];
    });
    try {
      const { realFolder } = await this.#preparing.run({
        kind: 'prepare',
        owner: this.#ownerOf(files),
        others: otherFolders,
        command: files.command,
        isDryRun,
      });
      return ok(realFolder);
    } catch (error) {
      return fail(prepareProblem(files.folder, error));
    }
  }

  status(name: string): ExportStatus {
    return this.#lives.get(name)?.status ?? { state: 'waiting' };
  }

  forget(name: string): void {
    this.#lives.delete(name);
  }

  exportNow(signer: SignerRecord): Promise<Result<ExportStatus>> {
    return this.#alone(() => (isFileSigner(signer) ? this.#export(signer, true) : Promise.resolve(ok(this.status(signer.name)))));
  }

  /** Brings every signer's files up to date that may not be, and those whose next try is due. */
  async lookDue(): Promise<void> {
    const { generation, clock, signers } = this.#settings;
    const nowMs = clock.nowMs();
    const isMoved = generation() !== this.#seenGeneration || Math.abs(nowMs - this.#lookedAtMs) >= SIGNER_EXPORT_LOOK_ANYWAY_MS;
    const isDue = ({ status }: Life) => status.nextTryAtMs !== undefined && status.nextTryAtMs <= nowMs;
    if (!isMoved && ![...this.#lives.values()].some(isDue)) return;
    // Before they are looked at: what changes meanwhile is looked at again.
    this.#seenGeneration = generation();
    this.#lookedAtMs = nowMs;
    await this.#alone(async () => {
      for (const signer of this.#recordsOrNone(signers)) {
        const life = this.#lives.get(signer.name);
        const isWaiting = life?.status.nextTryAtMs !== undefined && !isDue(life);
        if (!this.#isStopped && isFileSigner(signer) && !isWaiting) await this.#export(signer, false);
      }
    });
  }

  #recordsOrNone(signers: ExportSource): readonly SignerRecord[] {
    try {
      return signers.records();
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      this.#settings.log.error('signer.register', `the register of mail signers cannot be read: ${error.message}`);
      return [];
    }
  }

  /** One export at a time: two of the same signer would take each other's files away. */
  #alone<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#running.then(job);
    this.#running = result.catch(() => undefined);
    return result;
  }

  async #export(signer: FileSigner, isForced: boolean): Promise<Result<ExportStatus>> {
    try {
      const life = await this.#write(signer, isForced);
      if (this.#isRegistered(signer.name)) this.#lives.set(signer.name, life);
      return ok(life.status);
    } catch (error) {
      if (!this.#isRegistered(signer.name)) return this.#forgetRemoved(signer.name);
      const failure = this.#noteFailure(signer.name, error);
      // What keeps every change from being written is said of this one too.
      return fail(...(error instanceof StoreRejected ? error.problems : [failure]));
    }
  }

  /** True too when the register cannot be read: then it is not known that the signer was removed. */
  #isRegistered(name: string): boolean {
    try {
      return this.#settings.signers.records().some((each) => each.name === name);
    } catch (error) {
      if (error instanceof StoreFailure) return true;
      throw error;
    }
  }

  /** A signer that was removed in the middle of its export has no next try. */
  #forgetRemoved(name: string): Result<never> {
    this.#lives.delete(name);
    return fail(problem('SIGNER_NOT_FOUND', atObject(name), `the signer ${name} was removed, so nothing is exported`));
  }

  #noteFailure(name: string, error: unknown): Problem {
    const { clock, log } = this.#settings;
    const before = this.#lives.get(name);
    const failures = (before?.failures ?? 0) + 1;
    const waitMs = Math.min(SIGNER_EXPORT_RETRY_MS_MAX, SIGNER_EXPORT_RETRY_MS_MIN * 2 ** (failures - 1));
    const failure = error instanceof Error ? error.message : String(error);
    const version = before?.status.version;
    const status: ExportStatus = {
      state: 'failing',
      failure,
      nextTryAtMs: clock.nowMs() + waitMs,
      ...(version === undefined ? {} : { version }),
    };
    this.#lives.set(name, { status, failures });
    const told = `the DKIM keys of signer ${name} were not exported, next try in ${waitMs / 1000} s: ${failure}`;
    // A stop ends exports in the middle: the next start takes them up again.
    if (!this.#isStopped) log.error('signer.export-failed', told, { signer: name, failures });
    return problem(error instanceof CommandFailed ? 'SIGNER_COMMAND' : 'SIGNER_EXPORT', atObject(name), failure, {
      fix: `it is tried again in ${waitMs / 1000} s, and by: waxseal dkim signer export ${name}`,
    });
  }

  async #write(signer: FileSigner, isForced: boolean): Promise<Life> {
    const { signers, clock } = this.#settings;
    const { files, name } = signer;
    const domains = signers.filesOf(signer);
    const description = describeFiles(files, domains);
    const known = this.#lives.get(name);
    const seen = { description, atMs: clock.nowMs() };
    const isFresh = known?.seen !== undefined && Math.abs(seen.atMs - known.seen.atMs) < SIGNER_EXPORT_CHECK_MS;
    if (isFresh && known.seen?.description === description && !isForced) return known;
    const owner = this.#ownerOf(files);
    const { inPlace } = await this.#folders.run({ kind: 'look', owner });
    const isSame = inPlace?.description === description && !isForced;
    if (isSame && inPlace.isDone) {
      const status = { ...this.status(name), state: 'current', version: inPlace.version } as const;
      return { status, failures: 0, seen };
    }
    const version = isSame ? inPlace.version : await this.#place(signer, domains, description);
    this.#lives.set(name, { status: { ...this.status(name), version }, failures: known?.failures ?? 0 });
    const { failure } = await this.#folders.run({ kind: 'command', folder: files.folder, command: files.command });
    if (failure !== undefined) throw new CommandFailed(failure);
    await this.#folders.run({ kind: 'finish', owner, version });
    this.#settings.log.info('signer.exported', `DKIM keys of signer ${name} exported as ${version}`, { signer: name, version });
    // OpenDKIM reads its tables on a signal: without a command it is not known that it got one.
    if (files.form !== 'opendkim' || files.command.length > 0) await signers.noteFilesInUse(signer);
    return { status: { state: 'current', version, exportedAtMs: clock.nowMs() }, failures: 0, seen };
  }

  async #place(signer: FileSigner, domains: readonly DomainKeys[], description: string): Promise<string> {
    const { signers, clock, random } = this.#settings;
    const { files, name } = signer;
    const signing = domains.flatMap((each) => each.signing.map((selector) => `${selector}._domainkey.${each.domain}`));
    const noted = await signers.noteExport(signer, `files with ${signing.join(', ') || 'no key that signs'} to ${files.folder}`);
    if (!noted.ok) throw new StoreRejected(noted.problems);
    // It may have been removed while the disk was waited for.
    if (!this.#isRegistered(name)) throw new Error(`the signer ${name} was removed`);
    const fresh = {
      files: [...signerFiles(files, domains)],
      description,
      nowMs: clock.nowMs(),
      unique: Buffer.from(random(6)).toString('hex'),
    };
    const { version } = await this.#folders.run({ kind: 'place', owner: this.#ownerOf(files), fresh });
    assert(version !== undefined, 'files in place have a version');
    return version;
  }

  #ownerOf({ folder }: SignerFiles) {
    return { folder, installation: this.#settings.installation };
  }
}

function prepareProblem(folder: string, error: unknown): Problem {
  const at = inBody('/files/folder');
  if (error instanceof FolderRefusal)
    return problem(error.isTaken ? 'SIGNER_FOLDER_TAKEN' : 'SIGNER_FOLDER', at, error.message, { fix: error.fix });
  const why = error instanceof Error ? error.message : String(error);
  const code = error instanceof FolderTimeout ? 'SIGNER_FOLDER_SLOW' : 'SIGNER_FOLDER';
  return problem(code, at, `${folder} cannot be used: ${why}`, { fix: 'choose another folder; the signer is not registered' });
}

/** The entry of the audit log could not be written. */
class StoreRejected extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(withoutPath).map(formatProblem).join('; '));
    this.problems = problems;
  }
}

class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

function isFileSigner(signer: SignerRecord): signer is FileSigner {
  return signer.files !== undefined;
}
