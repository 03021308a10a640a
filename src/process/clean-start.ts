/**
 * The start of `waxseal serve`: none of its processes opens a debugger, whatever the environment or a signal says.
 * Not here: the options of its children (base/ipc/node-options.ts).
 */
import { NO_SIGNAL, safeNodeOptions } from '#base/ipc/node-options.ts';

/**
 * Starts this process anew, in its place, with such options and without NODE_OPTIONS, unless it has been started so. Where a process
 * cannot be replaced, USR1 does nothing from now on.
 */
export function startClean(own: NodeJS.Process): void {
  const options = safeNodeOptions(own.execArgv);
  const { NODE_OPTIONS: inherited, ...environment } = own.env;
  if (inherited === undefined && own.execArgv.length === options.length && own.execArgv.includes(NO_SIGNAL)) return;
  try {
    // From here on it is the same process, and another program.
    own.execve?.(own.execPath, [own.execPath, ...options, ...own.argv.slice(1)], environment);
  } catch {
    // Not on this system.
  }
  own.on('SIGUSR1', () => undefined);
}
