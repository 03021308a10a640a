/** What `waxseal serve` is given: where its configuration comes from, so that each process, and HUP, can read it again. */
import { readFileSync } from 'node:fs';
import { type NoticeFormat } from '#process/confine/notice.ts';
import { type Result } from '#base/problem.ts';
import { type Config, loadConfig } from '#config/config.ts';

/** Plain JSON: it goes to the control process as its argument. */
export interface ServeOptions {
  /** As `--config` names it. */
  readonly configFile?: string;
  /** By configuration key, `dns.listen`. */
  readonly flags: Readonly<Record<string, string | readonly string[]>>;
  /** Zone files in it are imported when the store does not have their zone yet. */
  readonly zonesFolder?: string;
  /** Of the control process: a descriptor that is open at `admin.listen` already. */
  readonly adminFd?: number | undefined;
}

/** The configuration as it is now in file, environment and flags. */
export function readServeConfig({ configFile, flags }: ServeOptions): Result<Config> {
  return loadConfig({ file: configFile, environment: process.env, flags, workingDirectory: process.cwd() });
}

/** `log.format` of a configuration that cannot be read as a whole, as far as it can be seen; the default otherwise. */
export function readLogFormat({ configFile }: ServeOptions): NoticeFormat {
  const { WAXSEAL_LOG__FORMAT: variable, WAXSEAL_CONFIG: named } = process.env;
  if (variable === 'json' || variable === 'text') return variable;
  try {
    const text = readFileSync(configFile ?? named ?? 'waxseal.toml', 'utf8');
    // No other section has a key of this name.
    return /^\s*(?:log\.)?format\s*=\s*["']text["']/m.test(text) ? 'text' : 'json';
  } catch {
    return 'json';
  }
}
