/**
 * HUP to the control process: the log level, and how zones publish the policy host, change at once; what needs a
 * restart is listed. A bad file changes nothing.
 */
import { type Log } from '#base/log.ts';
import { noteReload } from '#base/measure/own-process.ts';
import { type Result, formatProblem } from '#base/problem.ts';
import { type Config } from '#config/config.ts';
import { type ServeOptions, readServeConfig } from './serve-options.ts';

/** Sections that are read at the start only. */
const AT_START = ['data', 'dns', 'admin', 'https', 'acme', 'mail', 'process', 'keys', 'cookies', 'rrl'] as const;
const ALSO_AT_START = ['limits', 'audit'] as const;

/** What zones publish of the policy host. */
type Published = Pick<Config['https'], 'addresses' | 'host'>;

export interface ReloadOptions {
  readonly options: ServeOptions;
  /** The configuration of the start. */
  readonly running: Config;
  readonly log: Log;
  readonly publish: (found: Published) => Promise<Result<unknown>>;
}

/**
 * Reads the configuration again, compares it with that of the start, and does what can be done while running. False:
 * the configuration has errors, and nothing has changed.
 */
export async function reload({ options, running, log, publish }: ReloadOptions): Promise<boolean> {
  const loaded = readServeConfig(options);
  noteReload(loaded.ok, Date.now());
  if (!loaded.ok) {
    log.error('config.refused', 'the configuration has errors; the running one stays', {
      problems: loaded.problems.map(formatProblem),
    });
    return false;
  }
  const { level } = loaded.value.log;
  log.setLevel(level);
  const needsRestart = [...AT_START, ...ALSO_AT_START].filter(
    (section) => sectionText(loaded.value, section) !== sectionText(running, section),
  );
  const rest = needsRestart.length === 0 ? '' : `; a restart is needed for: ${needsRestart.join(', ')}`;
  log.info('config.reloaded', `configuration read again${rest}`, { logLevel: level, needsRestart });
  const { addresses, host } = loaded.value.https;
  const published = await publish({ addresses, host });
  if (published.ok) return true;
  const why = published.problems.map(formatProblem).join('; ');
  const text = `not every zone follows https.addresses and https.host: ${why}; tried again at the next HUP or start`;
  log.error('https.not-published', text, { problems: why });
  return true;
}

type Section = (typeof AT_START)[number] | (typeof ALSO_AT_START)[number];

/** A section without what changes while the server runs. */
function sectionText(config: Config, section: Section): string {
  const { addresses: _addresses, host: _host, ...https } = config.https;
  return JSON.stringify(section === 'https' ? https : config[section]);
}
