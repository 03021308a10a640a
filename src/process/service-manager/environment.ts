/**
 * Where the service manager (systemd) hears about the server, and how often it wants to hear that the server lives:
 * from the environment.
 * Implements: sd_notify(3) (NOTIFY_SOCKET), sd_watchdog_enabled(3) (WATCHDOG_USEC, WATCHDOG_PID).
 * Not here: sockets that it has opened (process/sockets/), what it hears (notifier.ts).
 */
import { SOCKET_PATH_BYTES_MAX } from '#base/limits/process.ts';
import { atVariable } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';

export interface ManagerSocket {
  /** A path, or `@` and a name without a file. */
  readonly address: string;
  /** It ends the server when it has heard nothing for so long; absent: it does not. */
  readonly watchdogMs?: number;
}

type Environment = Record<string, string | undefined>;

const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const;

/** Undefined: no service manager wants to hear anything. */
export function managerSocket(env: Readonly<Environment>, pid: number): Result<ManagerSocket | undefined> {
  const { NOTIFY_SOCKET: address, WATCHDOG_USEC: wait, WATCHDOG_PID: watched } = env;
  if (address === undefined || address === '') return ok(undefined);
  const bytes = Buffer.byteLength(address);
  if (!/^[/@]./.test(address) || bytes > SOCKET_PATH_BYTES_MAX) {
    const why = `NOTIFY_SOCKET is "${address}": neither a path nor @NAME of ${SOCKET_PATH_BYTES_MAX} octets at most`;
    return fail(problem('SOCKET_TYPE', atVariable('NOTIFY_SOCKET'), why, { fix: 'Type=exec in the unit' }));
  }
  const isForUs = watched === undefined || Number(watched) === pid;
  const watchdogMs = wait === undefined || !isForUs ? 0 : Number(wait) / 1000;
  return ok(watchdogMs > 0 ? { address, watchdogMs } : { address });
}

/** Taken once: no process that is started here speaks for the service. */
export function forgetManager(env: Environment): void {
  for (const name of VARIABLES) delete env[name];
}
