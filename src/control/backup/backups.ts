/**
 * Backups of this server: made on request or in turn, one at a time, each checked right after it was made, and what is
 * known of the newest ones, for metrics and alerts.
 * Not here: making one (store/backup/make.ts), the process that does it (backup-process.ts), restoring.
 */
import { dirname, isAbsolute, join } from 'node:path';
import { BACKUP_ANSWER_MS_MAX, BACKUP_KEEP_DEFAULT, BACKUP_LIST_MS_MAX, BACKUP_MS_MAX } from '#base/limits/backup.ts';
import { type Clock } from '#base/clock.ts';
import { WHOLE, atPath, inBody } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type BackupConfig } from '#config/backup.ts';
import { type ListedBackup } from '#store/backup/folder.ts';
import { sizeOfBackup } from '#store/backup/manifest.ts';
import { messageOf } from '#store/failure.ts';
import { type StoreWriter } from '#store/writer.ts';
import {
  type BackupInfo,
  type BackupStart,
  type BackupsApi,
  type BackupsView,
  type ReviewView,
} from '#control/api/backups.ts';
import { type Actor, type MetricFamily } from '#control/api/control.ts';
import { type RunBackupJob, runBackupProcess } from './backup-process.ts';
import { type BackupReply, type CreatedBackup } from './jobs.ts';
import { backupFamilies } from './metrics.ts';
import { Restored, type RestoredOptions } from './restored.ts';
import { type ReviewOptions, reviewStore } from './review.ts';

export interface BackupsOptions extends RestoredOptions, ReviewOptions {
  readonly writer: StoreWriter;
  readonly version: string;
  /** The section of the configuration; unless given: beside the data directory's store, on request. */
  readonly backup?: BackupConfig;
  readonly alert: (problems: readonly Problem[]) => Promise<void>;
  readonly runJob?: RunBackupJob;
  /** A test has a shorter one. */
  readonly answerMsMax?: number;
}

const SELF: Actor = { kind: 'system', id: 'backup', from: '' };

export class Backups implements BackupsApi {
  readonly #options: BackupsOptions;
  readonly #runJob: RunBackupJob;
  readonly #stopping = new AbortController();
  #running: { readonly sinceMs: number; readonly done: Promise<Result<CreatedBackup>> } | undefined;
  #last: BackupsView['last'];
  #failures = 0;
  #reviewing: ReturnType<typeof reviewStore> | undefined;
  #newest: BackupInfo | undefined;
  #verifiedAtMs: number | undefined;
  /** When the schedule makes the next one; it says so itself. */
  nextAtMs: number | undefined;

  /** What is held since the store was restored. */
  readonly restored: Restored;

  constructor(options: BackupsOptions) {
    this.#options = options;
    this.restored = new Restored(options);
    this.#runJob = options.runJob ?? runBackupProcess;
  }

  get settings(): BackupConfig {
    const { backup, writer } = this.#options;
    return backup ?? { folder: join(dirname(writer.dir), 'backups'), everyMs: undefined, keep: BACKUP_KEEP_DEFAULT };
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  /** Reports what needs a person. */
  get alert(): BackupsOptions['alert'] {
    return this.#options.alert;
  }

  async review(): Promise<ReviewView> {
    const mark = this.restored.mark();
    // Who gives up waiting and asks again waits for the same look: it asks every parent and every secondary.
    this.#reviewing ??= reviewStore(this.#options).finally(() => (this.#reviewing = undefined));
    const found = await this.#reviewing;
    if (mark === undefined) return found;
    const { backup, createdAtMs, restoredAtMs } = mark;
    return { restored: { backup, createdAtMs, restoredAtMs }, ...found };
  }

  resume(actor: Actor, dryRun: boolean): Promise<Result<number | undefined>> {
    return this.restored.resume(actor, dryRun);
  }

  async list(): Promise<Result<BackupsView>> {
    const { folder, everyMs, keep } = this.settings;
    const listed = await this.#job({ kind: 'list', folder }, BACKUP_LIST_MS_MAX);
    if (!listed.ok) return listed;
    const reply = listed.value;
    const all = reply.kind === 'listed' ? reply.backups : [];
    const backups = all.flatMap((each) => this.#infoOf(each) ?? []);
    this.#learn(backups);
    const nextAtMs = this.nextAtMs === undefined ? {} : { nextAtMs: this.nextAtMs };
    return ok({
      folder,
      ...(everyMs === undefined ? {} : { schedule: { everyMs, keep, ...nextAtMs } }),
      ...(this.#running === undefined ? {} : { runningSinceMs: this.#running.sinceMs }),
      ...(this.#last === undefined ? {} : { last: this.#last }),
      backups,
      bad: all.flatMap(({ name, folder: path, problem: why }) =>
        why === undefined ? [] : [{ name, folder: path, problem: why }],
      ),
    });
  }

  async create(
    { folder: given }: { readonly folder?: string },
    actor: Actor,
    dryRun: boolean,
  ): Promise<Result<BackupStart>> {
    const { writer, answerMsMax = BACKUP_ANSWER_MS_MAX } = this.#options;
    const elsewhere = given === undefined ? undefined : refuseFolder(given, actor);
    if (elsewhere !== undefined) return fail(elsewhere);
    if (this.#running !== undefined) return fail(runningProblem());
    const folder = given ?? this.settings.folder;
    const kekFile = writer.kekFile() ?? '';
    if (dryRun) return ok({ kind: 'planned', plan: { folder, sizeBytes: writer.sizeBytes(), kekFile } });
    const done = this.#begin({ folder, isScheduled: false, actor });
    const first = await Promise.race([done, after(answerMsMax)]);
    if (first === undefined) return ok({ kind: 'running' });
    if (!first.ok) return first;
    const { verdict, removed } = first.value;
    const backup = this.#infoOf({
      name: verdict.manifest.name,
      folder: first.value.folder,
      manifest: verdict.manifest,
    });
    return ok({ kind: 'created', backup: { ...backup!, verifiedAtMs: this.#options.clock.nowMs() }, removed });
  }

  /** One of the schedule; undefined: one is being made already. */
  async createScheduled(): Promise<Result<CreatedBackup> | undefined> {
    if (this.#running !== undefined) return undefined;
    return await this.#begin({ folder: this.settings.folder, isScheduled: true, actor: SELF });
  }

  /** When the newest good one of this installation was made, as far as is known. */
  get newestAtMs(): number | undefined {
    return this.#newest?.createdAtMs;
  }

  families(): readonly MetricFamily[] {
    return backupFamilies({
      newest: this.#newest,
      verifiedAtMs: this.#verifiedAtMs,
      failures: this.#failures,
      isRunning: this.#running !== undefined,
    });
  }

  /** One that is being made is broken off; what is left of it goes with the next one. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running?.done;
  }

  #begin(order: {
    readonly folder: string;
    readonly isScheduled: boolean;
    readonly actor: Actor;
  }): Promise<Result<CreatedBackup>> {
    const done = this.#make(order).finally(() => (this.#running = undefined));
    this.#running = { sinceMs: this.#options.clock.nowMs(), done };
    return done;
  }

  async #make({
    folder,
    isScheduled,
    actor,
  }: {
    readonly folder: string;
    readonly isScheduled: boolean;
    readonly actor: Actor;
  }) {
    const { settings } = this;
    const { writer, clock, version } = this.#options;
    const order = {
      storeDir: writer.dir,
      folder,
      kekFile: writer.kekFile() ?? '',
      isScheduled,
      productVersion: version,
      nowMs: clock.nowMs(),
    };
    const done = await this.#job({ kind: 'create', order, keep: settings.keep }, BACKUP_MS_MAX);
    const result = judge(done, folder);
    const atMs = clock.nowMs();
    if (!result.ok) {
      this.#failures++;
      this.#last = { atMs, problem: result.problems[0]! };
      return result;
    }
    const { manifest } = result.value.verdict;
    this.#last = { atMs, folder: result.value.folder };
    const info = this.#infoOf({ name: manifest.name, folder: result.value.folder, manifest, verifiedAtMs: atMs });
    // Elsewhere it may leave the machine on a stick: the schedule does not count on it.
    if (info !== undefined && folder === settings.folder) this.#learn([info]);
    await this.#note(result.value, actor);
    return result;
  }

  /** A full disk takes no entry: the backup is there all the same. */
  async #note({ folder, removed, verdict }: CreatedBackup, actor: Actor): Promise<void> {
    const gone = removed.length === 0 ? '' : `; removed: ${removed.join(', ')}`;
    const detail = `${folder}, ${verdict.zones} zones${gone}`;
    await this.#options.funnel.change({ actor, action: 'backup.create', upkeep: true }, () =>
      ok({ detail, isChanged: true }),
    );
  }

  async #job(
    request: Parameters<RunBackupJob>[0],
    limitMs: number,
  ): Promise<Result<Exclude<BackupReply, { kind: 'failed' }>>> {
    const folder = request.kind === 'list' ? request.folder : request.order.folder;
    try {
      const reply = await this.#runJob(request, { limitMs, signal: this.#stopping.signal });
      return reply.kind === 'failed' ? fail(reply.problem) : ok(reply);
    } catch (error) {
      const code = request.kind === 'list' ? 'BACKUP_FOLDER' : 'BACKUP_FAILED';
      const what = request.kind === 'list' ? 'the backups in' : 'the backup in';
      const not = request.kind === 'list' ? 'cannot be listed' : 'was not made';
      return fail(
        problem(code, atPath(folder, 'the folder of backups'), `${what} ${folder} ${not}: ${messageOf(error)}`),
      );
    }
  }

  #infoOf({ name, folder, manifest, verifiedAtMs }: ListedBackup): BackupInfo | undefined {
    if (manifest === undefined) return undefined;
    const { createdAtMs, isScheduled, productVersion, generation, zoneCount, host, kekFiles, installation } = manifest;
    return {
      name,
      folder,
      createdAtMs,
      isScheduled,
      productVersion,
      generation,
      zoneCount,
      sizeBytes: sizeOfBackup(manifest),
      host,
      kekFiles,
      isOwn: installation === this.#options.writer.installation(),
      ...(verifiedAtMs === undefined ? {} : { verifiedAtMs }),
    };
  }

  #learn(backups: readonly BackupInfo[]): void {
    // One that was not found good is not what an operator would go back to.
    for (const each of backups.filter(({ isOwn, verifiedAtMs }) => isOwn && verifiedAtMs !== undefined)) {
      if (each.createdAtMs >= (this.#newest?.createdAtMs ?? 0)) this.#newest = each;
      this.#verifiedAtMs = Math.max(this.#verifiedAtMs ?? 0, each.verifiedAtMs ?? 0);
    }
  }
}

/** A backup that was made and is not good is none. */
function judge(done: Result<Exclude<BackupReply, { kind: 'failed' }>>, folder: string): Result<CreatedBackup> {
  if (!done.ok) return done;
  if (done.value.kind !== 'created')
    return fail(problem('SERVER_BUG', WHOLE, 'the process for backups did another job'));
  const { created } = done.value;
  const [first] = created.verdict.problems;
  if (first === undefined) return ok(created);
  const at = atPath(created.folder, 'the backup');
  return fail(
    problem('BACKUP_BAD', at, `the backup in ${folder} was made and is not good: ${first}`, {
      fix: 'the store itself may be damaged: waxseal store check; keep the backups of before',
    }),
  );
}

function refuseFolder(folder: string, { kind }: Actor): Problem | undefined {
  if (!isAbsolute(folder))
    return problem('BACKUP_FOLDER', inBody('/folder'), 'the folder of a backup is an absolute path');
  // A client on the network must not write anywhere on this machine.
  if (kind === 'socket') return undefined;
  return problem(
    'BACKUP_FOLDER',
    inBody('/folder'),
    'another folder than the configured one is taken over the Unix socket only',
    {
      fix: 'leave it out, or set backup.folder',
    },
  );
}

function runningProblem(): Problem {
  return problem('BACKUP_RUNNING', WHOLE, 'a backup is being made already; nothing was begun', {
    fix: 'waxseal backup list says when it has ended',
  });
}

function after(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms).unref());
}
