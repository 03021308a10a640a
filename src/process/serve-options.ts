/** What `waxseal serve` is given: where its configuration comes from, so that each process, and HUP, can read it again. Plain JSON. */

export interface ServeOptions {
  /** As `--config` names it. */
  readonly configFile?: string;
  /** By configuration key, `dns.listen`. */
  readonly flags: Readonly<Record<string, string | readonly string[]>>;
  /** Zone files in it are imported when the store does not have their zone yet. */
  readonly zonesFolder?: string;
}
