/**
 * The store looked at and cared for from the command line. Looking is read-only and goes beside a running server too;
 * compacting needs the store for itself.
 * Not here: what is looked at (store/verify.ts, store/upkeep/).
 */
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { BACKUP_SIGNATURE_NODES } from '#base/limits/backup.ts';
import { INTEGRITY_PROBLEMS_MAX } from '#base/limits/store.ts';
import { atPath } from '#base/place.ts';
import { type Problem, type Result, fail, ok, problem } from '#base/problem.ts';
import { type Config } from '#config/config.ts';
import { sealerOfStore } from '#store/backup/copy.ts';
import { StoreFailure } from '#store/failure.ts';
import { SERVER_LOCK, WRITER_LOCK, acquireLock } from '#store/process-lock.ts';
import { type StoreReader, openReader } from '#store/reader.ts';
import { storeExists } from '#store/store.ts';
import { type Compacted, compactStore } from '#store/upkeep/compact.ts';
import { verifySecrets, verifySignatures } from '#store/upkeep/content.ts';
import { type StoreStats, storeStats } from '#store/upkeep/stats.ts';
import { type IntegrityReport, verifyStore } from '#store/verify.ts';
import { findKek } from './backup.ts';

type StoreConfig = Pick<Config, 'data' | 'keys'>;

export interface StoreCheck extends IntegrityReport {
  readonly generation: number;
  readonly signedNodes: number;
  /** Absent: the key-encryption key cannot be read here, and no secret was opened; `keyProblem` says why. */
  readonly secrets?: number;
  readonly keyProblem?: string;
}

export function statsOfStore(config: StoreConfig): Promise<Result<StoreStats>> {
  return withReader(config, (reader) => storeStats(reader));
}

/** Structure, references, journals, audit log, the table of what is due; secrets, and signatures as of now. */
export function checkStore(config: StoreConfig, signatures: 'all' | 'sample'): Promise<Result<StoreCheck>> {
  return withReader(config, (reader) => {
    const { problems: found, ...counts } = verifyStore(reader);
    const problems = [...found];
    const report = (where: string, what: string): void => {
      if (problems.length < INTEGRITY_PROBLEMS_MAX) problems.push(`${where}: ${what}`);
    };
    const nodes = signatures === 'all' ? 'all' : BACKUP_SIGNATURE_NODES;
    const signedNodes = verifySignatures(reader, { nodes, random: Math.random, atMs: systemClock.nowMs() }, report);
    const opened = openSecrets(config, reader, report);
    return { ...counts, ...opened, generation: reader.generation(), signedNodes, problems };
  });
}

function openSecrets(config: StoreConfig, reader: StoreReader, report: (where: string, what: string) => void) {
  try {
    const sealer = sealerOfStore(reader, findKek(config, reader.kekFile()));
    return { secrets: verifySecrets(reader, sealer, report).secrets };
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error;
    // Another key than the store's is a fault; a key that this user may not read is none of the store.
    if (error.code === 'KEK_WRONG') report('key', error.problem.message);
    return { keyProblem: error.problem.message };
  }
}

/** The file without its free pages. The problem: a server runs, or the store cannot be copied; nothing was changed. */
export async function compactOffline(config: StoreConfig, dryRun: boolean): Promise<Result<Compacted>> {
  const dir = join(config.data, 'store');
  const missing = missingStore(dir);
  if (missing !== undefined) return fail(missing);
  const nowMs = systemClock.nowMs();
  try {
    const server = acquireLock(SERVER_LOCK, config.data, nowMs);
    try {
      const writer = acquireLock(WRITER_LOCK, dir, nowMs);
      try {
        if (!dryRun) return ok(await compactStore(dir));
        const stats = await statsOfStore(config);
        if (!stats.ok) return stats;
        const { fileBytes, livePages, pageBytes } = stats.value;
        return ok({ beforeBytes: fileBytes, afterBytes: livePages * pageBytes });
      } finally {
        writer.release();
      }
    } finally {
      server.release();
    }
  } catch (error) {
    if (error instanceof StoreFailure) return fail(error.problem);
    throw error;
  }
}

async function withReader<T>(config: StoreConfig, use: (reader: StoreReader) => T): Promise<Result<T>> {
  const dir = join(config.data, 'store');
  const missing = missingStore(dir);
  if (missing !== undefined) return fail(missing);
  try {
    const reader = openReader(dir);
    try {
      return ok(use(reader));
    } finally {
      await reader.close();
    }
  } catch (error) {
    if (error instanceof StoreFailure) return fail(error.problem);
    throw error;
  }
}

function missingStore(dir: string): Problem | undefined {
  if (storeExists(dir)) return undefined;
  return problem('STORE_MISSING', atPath(dir, 'the store'), `there is no store in ${dir}`, {
    fix: 'name it with --data',
  });
}
