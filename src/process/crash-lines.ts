/**
 * What Node itself would write on stderr, as lines of the log: an exception that no code catches, and Node's
 * warnings. For a log of JSON lines; at a terminal Node's own form reads better.
 * Not here: what V8 says when memory is exhausted, which cannot be caught.
 */
const EXIT_FAILED = 1;

export type CrashEvent = 'process.failed' | 'process.warned';
/** Writes before it returns: the process may end right after. */
export type SayCrash = (level: 'fatal' | 'warn', event: CrashEvent, message: string, fields: Readonly<Record<string, unknown>>) => void;

/** From now on, in this thread. The process still ends with an exception, and with the same exit code. */
export function logCrashes(own: NodeJS.Process, say: SayCrash): void {
  own.on('uncaughtException', (error: unknown) => {
    const isError = error instanceof Error;
    say('fatal', 'process.failed', isError ? error.message : String(error), isError ? { stack: error.stack } : {});
    own.exit(EXIT_FAILED);
  });
  own.removeAllListeners('warning');
  own.on('warning', ({ name, message }) => say('warn', 'process.warned', message, { name }));
}
