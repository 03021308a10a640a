/**
 * Options of Node for every process that a server starts, and for itself. A debugger is a door to everything that a
 * process holds, and Node opens one when it gets USR1, or when an option says so.
 * Not here: NODE_OPTIONS, which no process inherits (process/clean-start.ts, and `env` of who starts one).
 */
export const NO_SIGNAL = '--disable-sigusr1';
const INSPECT = /^--(?:inspect|debug)/;

/** Options that `given` keeps, without those that open a debugger, and with the one that keeps USR1 from it. */
export function safeNodeOptions(given: readonly string[] = []): string[] {
  return [NO_SIGNAL, ...given.filter((option) => option !== NO_SIGNAL && !INSPECT.test(option))];
}
