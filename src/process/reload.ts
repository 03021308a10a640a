/**
 * HUP to the control process: the log level changes at once; what needs a restart is listed. A bad file changes
 * nothing.
 */
import { type Log } from '#base/log.ts';
import { formatProblem } from '#base/problem.ts';
import { type Config } from '#config/config.ts';
import { type ServeOptions, readServeConfig } from './serve-options.ts';

/** Sections that are read at the start only. */
const AT_START = ['data', 'dns', 'admin', 'https', 'acme', 'mail', 'process', 'keys', 'cookies', 'rrl'] as const;
const ALSO_AT_START = ['limits', 'audit'] as const;

/** Reads the configuration again and compares it with `running`, that of the start. */
export function reload(options: ServeOptions, running: Config, log: Log): void {
  const loaded = readServeConfig(options);
  if (!loaded.ok) {
    log.error('config.refused', 'the configuration has errors; the running one stays', {
      problems: loaded.problems.map(formatProblem),
    });
    return;
  }
  const { level } = loaded.value.log;
  log.setLevel(level);
  const needsRestart = [...AT_START, ...ALSO_AT_START].filter(
    (section) => JSON.stringify(loaded.value[section]) !== JSON.stringify(running[section]),
  );
  const rest = needsRestart.length === 0 ? '' : `; a restart is needed for: ${needsRestart.join(', ')}`;
  log.info('config.reloaded', `configuration read again${rest}`, { logLevel: level, needsRestart });
}
