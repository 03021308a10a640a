/** Backups as the API has them: which there are, and how one is made. Types only. */
import { type Problem, type Result } from '#base/problem.ts';
import { type ActorKind } from '#store/audit/entries.ts';

export interface BackupInfo {
  readonly name: string;
  readonly folder: string;
  readonly createdAtMs: number;
  readonly isScheduled: boolean;
  readonly productVersion: string;
  readonly generation: number;
  readonly zoneCount: number;
  readonly sizeBytes: number;
  readonly host: string;
  /** Files that the key-encryption key was in. */
  readonly kekFiles: readonly string[];
  /** False: it is of another installation. */
  readonly isOwn: boolean;
  readonly verifiedAtMs?: number;
}

/** What is there instead of a backup. */
export interface BadBackup {
  readonly name: string;
  readonly folder: string;
  readonly problem: string;
}

export interface BackupsView {
  readonly folder: string;
  /** Absent: none are made by themselves. */
  readonly schedule?: { readonly everyMs: number; readonly keep: number; readonly nextAtMs?: number };
  /** Since when one is being made; absent: none is. */
  readonly runningSinceMs?: number;
  /** The last one that was tried by this process. */
  readonly last?: { readonly atMs: number; readonly folder?: string; readonly problem?: Problem };
  readonly backups: readonly BackupInfo[];
  readonly bad: readonly BadBackup[];
}

export interface BackupPlan {
  readonly folder: string;
  /** Octets of the store in use: the backup has as many at most. */
  readonly sizeBytes: number;
  readonly kekFile: string;
}

export type BackupStart =
  | { readonly kind: 'planned'; readonly plan: BackupPlan }
  | { readonly kind: 'running' }
  | { readonly kind: 'created'; readonly backup: BackupInfo; readonly removed: readonly string[] };

/** Who asks, as in control.ts. */
interface BackupActor {
  readonly kind: ActorKind;
  readonly id: string;
  readonly from: string;
}

/** Something that is newer elsewhere than in the restored store. */
export interface ReviewFinding {
  readonly zone: string;
  readonly kind: 'serial' | 'ds' | 'mta-sts';
  readonly text: string;
  readonly fix: string;
}

export interface ReviewView {
  /** Absent: the store was not restored, or an operator has looked. */
  readonly restored?: { readonly backup: string; readonly createdAtMs: number; readonly restoredAtMs: number };
  /** Zones of the store. */
  readonly zones: number;
  readonly findings: readonly ReviewFinding[];
  /** Servers that did not say, and why: they prove nothing. */
  readonly unanswered: readonly string[];
}

export interface BackupsApi {
  /** Compares the store with the world, outside. */
  review(): Promise<ReviewView>;
  /** Key rollovers and mail of a restored store move again. Returns for how many zones; undefined: nothing was held. */
  resume(actor: BackupActor, dryRun: boolean): Promise<Result<number | undefined>>;
  list(): Promise<Result<BackupsView>>;
  /**
   * `running` when it takes longer than BACKUP_ANSWER_MS_MAX: then it continues. `folder`: elsewhere than configured,
   * for the Unix socket.
   */
  create(wanted: { readonly folder?: string }, actor: BackupActor, dryRun: boolean): Promise<Result<BackupStart>>;
}
