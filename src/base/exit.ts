/** Exit codes that more than one process has to know. Not here: the exit code of each problem (problem-codes.ts). */

/** What a shell reports of a program that Ctrl-C ended. */
export const EXIT_INTERRUPTED = 130;

/** sysexits EX_CONFIG: starting the process again cannot help; systemd's RestartPreventExitStatus has the same number. */
export const EXIT_CONFIGURATION = 78;
