/**
 * `waxseal serve`: the supervisor process. Reads the configuration, settles the addresses, starts the control and the
 * answer process and keeps both alive. Not here: what they do (control-process.ts, answer-process.ts).
 */
import { join } from 'node:path';
import { makeFolder } from '#base/folder.ts';
import { type Result, fail, ok } from '#base/problem.ts';
import { siblingModule } from '#base/sibling.ts';
import { readCookieSecrets } from '#server/cookie-keeper.ts';
import { settleAddresses } from '#server/listen.ts';
import { StoreFailure, folderFailure } from '#store/failure.ts';
import { type ProcessLock, SERVER_LOCK, acquireLock } from '#store/process-lock.ts';
import { answerSettings } from './answer-settings.ts';
import { answerEnvironment, controlEnvironment } from './child-environment.ts';
import { safeNodeOptions } from './clean-start.ts';
import { reportNotStarted } from './not-started.ts';
import { type ServeOptions, readServeConfig } from './serve-options.ts';
import { Supervisor, obeySignals } from './supervisor.ts';

/** What a start does not separate yet; SECURITY.md says the same. */
const ONE_USER =
  `all processes run as one user (uid ${process.getuid?.() ?? 'unknown'}): code that took over the answer process could ` +
  'read the key-encryption key, write the store and use admin.sock (SECURITY.md)';

/**
 * Runs until a signal stops it; resolves to the exit code: 0 drained, 1 killed, 78 bad configuration, or that of what
 * keeps it from listening.
 */
export async function serve(options: ServeOptions): Promise<number> {
  const loaded = readServeConfig(options);
  if (!loaded.ok) return reportNotStarted(loaded.problems);
  const config = loaded.value;
  if (config.cookies?.secretFile !== undefined) {
    const secrets = readCookieSecrets(config.cookies);
    if (!secrets.ok) return reportNotStarted(secrets.problems);
  }
  const addresses = await settleAddresses(config.dns.listen);
  if (!addresses.ok) return reportNotStarted(addresses.problems);
  // Whatever any of the processes makes is its owner's alone, also what a library makes (the compile cache's folders).
  process.umask(0o077);
  process.stderr.write(`waxseal: warning: ${ONE_USER}\n`);
  const lock = lockData(config.data);
  if (!lock.ok) return reportNotStarted(lock.problems);
  // For both children and their threads: a restart is back in half the time. The data directory is ours alone.
  process.env['NODE_COMPILE_CACHE'] ??= join(config.data, 'compile-cache');
  const nodeOptions = safeNodeOptions(process.execArgv);
  const supervisor = new Supervisor({
    control: {
      script: siblingModule(import.meta.url, 'control-process'),
      args: [JSON.stringify(options)],
      nodeOptions,
      environment: controlEnvironment(process.env),
    },
    answer: {
      script: siblingModule(import.meta.url, 'answer-process'),
      args: [],
      nodeOptions,
      environment: answerEnvironment(process.env),
    },
    settings: answerSettings(config, addresses.value),
    log: (text) => process.stderr.write(`waxseal: ${text}\n`),
  });
  obeySignals(process, supervisor);
  process.title = 'waxseal';
  supervisor.start();
  const exitCode = await supervisor.exitCode;
  lock.value.release();
  return exitCode;
}

/**
 * The data directory for this server alone, made if it is not there: from here on nothing of it is in another server's
 * hands.
 */
function lockData(data: string): Result<ProcessLock> {
  try {
    makeFolder(data);
    return ok(acquireLock(SERVER_LOCK, data, Date.now()));
  } catch (error) {
    const failure = error instanceof StoreFailure ? error : folderFailure(data, error, `${data} cannot be made`);
    return fail(failure.problem);
  }
}
