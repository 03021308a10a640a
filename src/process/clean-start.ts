/**
 * Options of Node for the processes of `waxseal serve`. A debugger is a door to everything that a process holds, and Node opens one
 * when it gets USR1, or when NODE_OPTIONS says so; none of these processes opens one for either.
 */
const NO_SIGNAL = '--disable-sigusr1';
const INSPECT = /^--(?:inspect|debug)/;

/** Options that `given` keeps, without those that open a debugger, and with the one that keeps USR1 from it. */
export function safeNodeOptions(given: readonly string[]): readonly string[] {
  return [NO_SIGNAL, ...given.filter((option) => option !== NO_SIGNAL && !INSPECT.test(option))];
}

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
