/**
 * What keeps the SPF of zones looked at: which zones are due, the looks themselves, and times for zones that have none yet.
 * Not here: when this happens (spf-scheduler.ts), what a look finds (mail/spf/upkeep.ts).
 */
import { type Clock } from '#base/clock.ts';
import { MAIL_DUE_AT_ONCE } from '#base/limits/limits.ts';
import { type Problem, type Result, fail, ok } from '#base/problem.ts';
import { SPF_REFRESH_MS_DEFAULT } from '#base/limits/spf.ts';
import { type Name, lowerName, nameOf } from '#dns/name.ts';
import { type Resolver } from '#dns/resolver.ts';
import { NEW_SPF_WATCH, type SpfLook, isWatched, spreadOf } from '#mail/spf/upkeep.ts';
import { StoreFailure } from '#store/failure.ts';
import { type DocumentWrite, type StoreWriter } from '#store/writer.ts';
import { type Actor, type Command, type Outcome, type RunOptions } from '#control/api/control.ts';
import { zoneNotServed } from '#control/zone/decide.ts';
import { readMailPolicy } from '#store/mail/policy.ts';
import { dueSpfZones, nextSpfDueMs, readSpfWatch, spfWatchWrite } from '#store/mail/spf-watch.ts';
import { type MailRoom, noPolicy } from './decide.ts';
import { type SpfUpkeep } from './spf-scheduler.ts';
import { type Publisher } from '#control/publish/publisher.ts';

export interface SpfUpkeepOptions {
  readonly room: MailRoom;
  readonly writer: StoreWriter;
  readonly publisher: Publisher;
  readonly clock: Clock;
  /** Our own zones from the store, the rest from outside. */
  readonly resolver: Resolver;
  readonly run: (command: Command, options: RunOptions) => Promise<Result<Outcome>>;
  /** Tells that somebody should look. */
  readonly alert: (zone: string, problems: readonly Problem[]) => Promise<void>;
  /** Runs a job between commands. */
  readonly inQueue: (job: () => Promise<void>) => Promise<void>;
}

const SCHEDULER: Actor = { kind: 'system', id: 'spf', from: '' };

/** What the store refuses, a full disk or damage at one zone, is a problem of that moment or zone. */
async function guarded<T>(job: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await job();
  } catch (error) {
    if (!(error instanceof StoreFailure)) throw error;
    return fail(error.problem);
  }
}

export class StoredSpfUpkeep implements SpfUpkeep {
  readonly #options: SpfUpkeepOptions;

  constructor(options: SpfUpkeepOptions) {
    this.#options = options;
  }

  countedNowMs(): number {
    return this.#options.room.nowMs();
  }

  dueSpf(limit: number): readonly Name[] {
    const { writer } = this.#options;
    return dueSpfZones(writer, this.countedNowMs(), limit).flatMap((id) => {
      const record = writer.zoneById(id);
      return record === undefined ? [] : [nameOf(record.name)];
    });
  }

  nextSpfDueMs(): number | undefined {
    return nextSpfDueMs(this.#options.writer);
  }

  lookAtSpf(zone: Name): Promise<Result<SpfLook>> {
    return guarded(() => this.#look(zone));
  }

  async #look(zone: Name): Promise<Result<SpfLook>> {
    const { writer, room, resolver, run, alert } = this.#options;
    const record = writer.zoneByName(lowerName(zone));
    if (record === undefined) return fail(zoneNotServed(zone));
    const policy = readMailPolicy(writer, record);
    if (policy === undefined) return fail(noPolicy(record.name));
    const look = await room.lookAtSpf(record, policy, resolver);
    const taken = await run({ kind: 'spf.take', zone: nameOf(record.name), look }, { actor: SCHEDULER, dryRun: false });
    if (!taken.ok) return taken;
    if (look.alerts.length > 0) await alert(record.name, look.alerts);
    return ok(look);
  }

  begin(): Promise<Result<void>> {
    const { writer } = this.#options;
    const ids = writer.zones().map(({ id }) => id);
    return guarded(async () => {
      // Some at a time, and each again in its turn: other changes go on in between.
      for (let at = 0; at < ids.length; at += MAIL_DUE_AT_ONCE) await this.#begin(ids.slice(at, at + MAIL_DUE_AT_ONCE));
      return ok(undefined);
    });
  }

  async #begin(ids: readonly number[]): Promise<void> {
    const { writer, publisher, room, clock, inQueue } = this.#options;
    if (this.#missing(ids).length === 0) return;
    await inQueue(async () => {
      const documents = [...this.#missing(ids), room.timeline()];
      const { generation } = await writer.commit({ audit: { atMs: clock.nowMs() }, documents, upkeep: true });
      publisher.publish(generation);
    });
  }

  /** First times of zones that should have one and do not. */
  #missing(ids: readonly number[]): DocumentWrite[] {
    const { writer } = this.#options;
    const nowMs = this.countedNowMs();
    return ids.flatMap((id) => {
      const record = writer.zoneById(id);
      if (record === undefined || readSpfWatch(writer, id) !== undefined) return [];
      const policy = readMailPolicy(writer, record);
      if (policy === undefined || !isWatched(policy.spf)) return [];
      return [spfWatchWrite(id, { ...NEW_SPF_WATCH, nextMs: nowMs + Math.round(SPF_REFRESH_MS_DEFAULT * spreadOf(record.name)) })];
    });
  }
}
