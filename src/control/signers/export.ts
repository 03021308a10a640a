/**
 * Keeps the files of signers as their keys are: looks after each change of the store, writes what differs, runs the signer's command,
 * then tells the key's life that this signer has switched. What fails is told, and tried again; until then the old files stay in use and
 * the old key stays published, because nobody has said that it is not needed.
 * Not here: what is in the files (export-files.ts), which keys (signers.ts).
 */
import { type Clock } from '#base/clock.ts';
import { SIGNER_EXPORT_LOOK_MS, SIGNER_EXPORT_RETRY_MS_MAX, SIGNER_EXPORT_RETRY_MS_MIN } from '#base/limits/limits.ts';
import { type Log } from '#base/log.ts';
import { atObject } from '#base/place.ts';
import { type Result, fail, formatProblem, ok, problem } from '#base/problem.ts';
import { StoreFailure } from '#store/failure.ts';
import { type ExportStatus, type SignerFiles, type SignerRecord } from '#control/api/signers.ts';
import { runAfterExport } from './export-command.ts';
import { type DomainKeys, describeFiles, signerFiles } from './export-files.ts';
import { currentFiles, doneVersion, finishFiles, placeFiles } from './export-folder.ts';
import { type SignerFilesRoom } from './signers.ts';

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
  readonly run?: typeof runAfterExport;
}

interface Life {
  readonly status: ExportStatus;
  readonly failures: number;
}

type FileSigner = SignerRecord & { readonly files: SignerFiles };

/** Without a change of the store: windows of keys begin and end by themselves. */
const LOOK_ANYWAY_MS = 30_000;

export class SignerExporter implements SignerFilesRoom {
  readonly #settings: ExporterSettings;
  readonly #lives = new Map<string, Life>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> = Promise.resolve();
  readonly #stopping = new AbortController();
  #seenGeneration = -1;
  #lookedAtMs = -Infinity;

  constructor(settings: ExporterSettings) {
    this.#settings = settings;
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
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  get #isStopped(): boolean {
    return this.#stopping.signal.aborted;
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
    const isMoved = generation() !== this.#seenGeneration || Math.abs(nowMs - this.#lookedAtMs) >= LOOK_ANYWAY_MS;
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
    const { clock, log } = this.#settings;
    try {
      const status = await this.#write(signer, isForced);
      this.#lives.set(signer.name, { status, failures: 0 });
      return ok(status);
    } catch (error) {
      const failures = (this.#lives.get(signer.name)?.failures ?? 0) + 1;
      const waitMs = Math.min(SIGNER_EXPORT_RETRY_MS_MAX, SIGNER_EXPORT_RETRY_MS_MIN * 2 ** (failures - 1));
      const failure = error instanceof Error ? error.message : String(error);
      const before = currentFiles(signer.files.folder);
      const status: ExportStatus = {
        state: 'failing',
        failure,
        nextTryAtMs: clock.nowMs() + waitMs,
        ...(before === undefined ? {} : { version: before.version }),
      };
      this.#lives.set(signer.name, { status, failures });
      log.error(
        'signer.export-failed',
        `the DKIM keys of signer ${signer.name} were not exported, next try in ${waitMs / 1000} s: ${failure}`,
        {
          signer: signer.name,
          failures,
        },
      );
      const code = error instanceof CommandFailed ? 'SIGNER_COMMAND' : 'SIGNER_FOLDER';
      return fail(
        problem(code, atObject(signer.name), failure, {
          fix: `it is tried again in ${waitMs / 1000} s, and by: waxseal dkim signer export ${signer.name}`,
        }),
      );
    }
  }

  async #write(signer: FileSigner, isForced: boolean): Promise<ExportStatus> {
    const { signers, clock, random, log, run = runAfterExport } = this.#settings;
    const { files } = signer;
    const domains = signers.filesOf(signer);
    const description = describeFiles(files, domains);
    const before = currentFiles(files.folder);
    let version = before?.version;
    const isSame = before?.description === description && !isForced;
    if (version === undefined || !isSame) {
      const signing = domains.flatMap((each) => each.signing.map((selector) => `${selector}._domainkey.${each.domain}`));
      const noted = await signers.noteExport(signer, `files with ${signing.join(', ') || 'no key that signs'} to ${files.folder}`);
      if (!noted.ok) throw new Error(noted.problems.map(formatProblem).join('; '));
      version = placeFiles(files.folder, signerFiles(files, domains), description, clock.nowMs(), random);
    } else if (doneVersion(files.folder) === version) return { ...this.status(signer.name), state: 'current', version };
    const failure = await run(files.command, files.folder, this.#stopping.signal);
    if (failure !== undefined) throw new CommandFailed(failure);
    finishFiles(files.folder, version, random);
    log.info('signer.exported', `DKIM keys of signer ${signer.name} exported as ${version}`, { signer: signer.name, version });
    // OpenDKIM reads its tables when it is told to: without a command nobody knows that it was.
    if (files.form !== 'opendkim' || files.command.length > 0) await signers.noteFilesInUse(signer);
    return { state: 'current', version, exportedAtMs: clock.nowMs() };
  }
}

class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

function isFileSigner(signer: SignerRecord): signer is FileSigner {
  return signer.files !== undefined;
}
