/**
 * `waxseal serve`: the supervisor process. Reads the configuration, settles the addresses, starts the control and the
 * answer process and keeps both alive. Not here: what they do (control-process.ts, answer-process.ts).
 */
import { makeFolder } from '#base/folder.ts';
import { type Result, fail, ok } from '#base/problem.ts';
import { type NoticeLevel, writeNotice } from '#base/notice.ts';
import { formatPlace } from '#base/place.ts';
import { type Config } from '#config/config.ts';
import { settleAddresses } from '#server/listen.ts';
import { StoreFailure, folderFailure } from '#store/failure.ts';
import { type ProcessLock, SERVER_LOCK, acquireLock } from '#store/process-lock.ts';
import { answerSettings } from './answer-settings.ts';
import { childPrograms } from './child-programs.ts';
import { readCookieSecrets } from './cookie-files.ts';
import { reportNotStarted } from './not-started.ts';
import { type ServeOptions, readServeConfig } from './serve-options.ts';
import { Supervisor, obeySignals } from './supervisor.ts';

type Say = (level: NoticeLevel, event: string, message: string) => void;

/**
 * Runs until a signal stops it; resolves to the exit code: 0 drained, 1 killed, 78 bad configuration, or that of what
 * keeps it from listening.
 */
export async function serve(options: ServeOptions): Promise<number> {
  const loaded = readServeConfig(options);
  if (!loaded.ok) return reportNotStarted(loaded.problems);
  const config = loaded.value;
  const secrets = config.cookies?.secretFile === undefined ? ok(undefined) : readCookieSecrets(config.cookies);
  if (!secrets.ok) return reportNotStarted(secrets.problems);
  const addresses = await settleAddresses(config.dns.listen);
  if (!addresses.ok) return reportNotStarted(addresses.problems);
  // Whatever any of the processes makes is its owner's alone, also what a library makes (the compile cache's folders).
  process.umask(0o077);
  const lock = lockData(config.data);
  if (!lock.ok) return reportNotStarted(lock.problems);
  const say = (level: NoticeLevel, event: string, message: string) =>
    writeNotice(config.log.format, { level, process: 'supervisor', event, message });
  const settings = answerSettings(config, addresses.value, secrets.value);
  const supervisor = new Supervisor({
    ...childPrograms(options, config, settings),
    settings,
    log: (event, text) => say('warn', event, text),
  });
  obeySignals(process, supervisor);
  process.on('SIGHUP', () => rereadCookieSecrets(config, supervisor, say));
  process.title = 'waxseal';
  supervisor.start();
  const exitCode = await supervisor.exitCode;
  lock.value.release();
  return exitCode;
}

/** HUP: the files that the start named are read again. Bad ones change nothing. */
function rereadCookieSecrets({ cookies }: Config, supervisor: Supervisor, say: Say): void {
  if (cookies?.secretFile === undefined) return;
  const read = readCookieSecrets(cookies);
  if (read.ok) supervisor.useCookieSecrets(read.value);
  else
    for (const each of read.problems)
      say('error', 'cookies.refused', `cookie secrets stay as they are: ${formatPlace(each.at)}: ${each.message}`);
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
