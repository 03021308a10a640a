/**
 * How a process ends: exit codes that more than one process has to know, and the last line of one that fails.
 * Not here: the exit code of each problem (problem-codes.ts), what V8 says when memory is exhausted, which cannot be
 * caught.
 */

/** What a shell reports of a program that Ctrl-C ended. */
export const EXIT_INTERRUPTED = 130;

/** sysexits EX_CONFIG: starting the process again cannot help; systemd's RestartPreventExitStatus has the same number. */
export const EXIT_CONFIGURATION = 78;

const EXIT_FAILED = 1;

export type CrashEvent = 'process.failed' | 'process.warned';
/** Writes before it returns: the process may end right after. */
export type SayCrash = (level: 'fatal' | 'warn', event: CrashEvent, message: string, fields: Readonly<Record<string, unknown>>) => void;

/**
 * What Node itself would write on stderr, as lines of the log: an exception that no code catches, and Node's warnings.
 * For a log of JSON lines; at a terminal Node's own form reads better. From now on, in this thread. The process still
 * ends with an exception, and with the same exit code.
 */
export function logCrashes(own: NodeJS.Process, say: SayCrash): void {
  own.on('uncaughtException', (error: unknown) => {
    const isError = error instanceof Error;
    say('fatal', 'process.failed', isError ? error.message : String(error), isError ? { stack: error.stack } : {});
    own.exit(EXIT_FAILED);
  });
  own.removeAllListeners('warning');
  own.on('warning', ({ name, message }) => say('warn', 'process.warned', message, { name }));
}
