/** What `waxseal serve` is given: where its configuration comes from, so that each process, and HUP, can read it again. */
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
}

/** The configuration as it is now in file, environment and flags. */
export function readServeConfig({ configFile, flags }: ServeOptions): Result<Config> {
  return loadConfig({ file: configFile, environment: process.env, flags, workingDirectory: process.cwd() });
}
