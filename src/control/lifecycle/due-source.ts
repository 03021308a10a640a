/**
 * Where due work comes from: the zones of one subject, each with its time in the store's table of due times, and what
 * is done for a zone when its time has come. Mail and the looks at SPF are the first; DNSSEC keys and certificates join
 * them.
 * Not here: waking (scheduler.ts), counted time (clock.ts).
 */
import { type LogEvent } from '#base/log/events.ts';
import { type Problem, type Result } from '#base/problem.ts';
import { type Name, nameOf } from '#dns/name.ts';
import { type StoreReader } from '#store/reader.ts';

/** A line for the log. */
export interface Notice {
  readonly level: 'info' | 'warn' | 'error';
  readonly event: LogEvent;
  readonly text: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** What stands in the way of a zone's work. In memory: a full disk takes no note of it. Counted time. */
export interface Refusal {
  readonly problems: readonly Problem[];
  readonly sinceMs: number;
  readonly retryAtMs: number;
}

export interface DueSource {
  readonly name: string;
  /** Zones that are worked on at the same time. */
  readonly zonesAtOnce: number;
  /** How the log calls it when the work for a zone is not possible. */
  readonly refused: Pick<Notice, 'event' | 'text'>;
  /** Called once, before the first work: zones that have no time yet get one. */
  begin?(): Promise<Result<unknown>>;
  /** Zones that are due at `untilMs`, counted time, soonest first. */
  due(untilMs: number, limit: number): readonly Name[];
  nextDueMs(): number | undefined;
  /** Does what is due for a zone; what the store or the world does is a problem. */
  work(zone: Name): Promise<Result<readonly Notice[]>>;
  /** Work that was possible before is not. */
  alert?(zone: string, problems: readonly Problem[]): Promise<void>;
  /** Called after each work: what stands in its way now, undefined when nothing does. */
  noted?(zone: string, refusal: Refusal | undefined): void;
  /** True when the operator wants the zone's work to be tried now, whatever stood in its way. */
  isHurried?(zone: string): boolean;
}

/** The zones whose documents of one kind are due. */
export function dueZones(reader: StoreReader, kind: string): Pick<DueSource, 'due' | 'nextDueMs'> {
  return {
    due: (untilMs, limit) =>
      reader.due(untilMs, limit, kind).flatMap(({ zoneId }) => {
        const record = reader.zoneById(zoneId);
        return record === undefined ? [] : [nameOf(record.name)];
      }),
    nextDueMs: () => reader.due(Number.MAX_SAFE_INTEGER - 1, 1, kind)[0]?.dueAtMs,
  };
}
