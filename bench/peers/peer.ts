/** What every server under test has in common. */
import { spawnSync } from 'node:child_process';
import { type Daemon } from '../daemon.ts';
import { type Prepared } from '../prepared.ts';

export interface Start {
  /** Its own: configuration, databases, log. Empty at the first start, and as it was left at the next. */
  readonly folder: string;
  /** In the form of taskset. */
  readonly cores: string;
  readonly workers: number;
}

export interface Peer {
  readonly id: string;
  readonly label: string;
  /** `live`: it signs while it answers, from the zone without signatures; `served`: it gets what waxseal signed; `never`: not measured with signed zones. */
  readonly signing: 'served' | 'live' | 'never';
  /** Measured with unsigned zones too. */
  readonly plain: boolean;
  /** Zones of a set beyond which loading it takes longer than measuring it. */
  readonly zonesMax: number;
  readonly version: () => string;
  /** Starts it and does not wait for answers. Throws when it cannot be prepared. */
  readonly start: (prepared: Prepared, start: Start) => Promise<Daemon>;
  /** The process that answers, where another one brings it back when it dies. */
  readonly answering?: (daemon: Daemon) => number | undefined;
  /** Waits for what goes on starting after the first answer. */
  readonly settled?: (daemon: Daemon) => Promise<void>;
}

/** First line of what `program words…` says that matches, or all of the first line. */
export function versionLine(program: string, words: readonly string[], match = /.*/): string {
  const path = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
  const { stdout, stderr } = spawnSync(program, [...words], { encoding: 'utf8', env: { ...process.env, PATH: path } });
  const said = `${stdout ?? ''}\n${stderr ?? ''}`.trim();
  return (match.exec(said)?.[0] ?? 'not installed').trim();
}
