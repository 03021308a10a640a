/**
 * What keeps the SPF of zones looked at: which zones are due, the looks themselves, and times for zones that have none yet.
 * Not here: when this happens (spf-scheduler.ts), what a look finds (mail/spf/upkeep.ts).
 */
import { MAIL_DUE_AT_ONCE } from '#base/limits/limits.ts';
import { type Problem, type Result, fail, ok } from '#base/problem.ts';
import { SPF_REFRESH_MS_DEFAULT } from '#base/limits/spf.ts';
import { type Name, lowerName, nameOf } from '#dns/name.ts';
import { type Resolver } from '#dns/resolver.ts';
import { NEW_SPF_WATCH, type SpfLook, isWatched, spreadOf } from '#mail/spf/upkeep.ts';
import { type DocumentWrite, type StoreWriter } from '#store/writer.ts';
import { type Actor, type Command, type Outcome, type RunOptions } from '#control/api/control.ts';
import { readMailPolicy } from '#store/mail/policy.ts';
import { dueSpfZones, nextSpfDueMs, readSpfWatch, spfWatchWrite } from '#store/mail/spf-watch.ts';
import { noPolicy, zoneNotServed } from '#control/commands/absent.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type MailSteps } from './steps.ts';
import { type SpfUpkeep } from './spf-scheduler.ts';

export interface SpfUpkeepOptions {
  readonly steps: MailSteps;
  readonly writer: StoreWriter;
  /** Our own zones from the store, the rest from outside. */
  readonly resolver: Resolver;
  readonly run: (command: Command, options: RunOptions) => Promise<Result<Outcome>>;
  /** Tells that somebody should look. */
  readonly alert: (zone: string, problems: readonly Problem[]) => Promise<void>;
  readonly funnel: Funnel;
}

const SCHEDULER: Actor = { kind: 'system', id: 'spf', from: '' };

export class StoredSpfUpkeep implements SpfUpkeep {
  readonly #options: SpfUpkeepOptions;

  constructor(options: SpfUpkeepOptions) {
    this.#options = options;
  }

  countedNowMs(): number {
    return this.#options.steps.nowMs();
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
    return this.#options.funnel.guard(() => this.#look(zone));
  }

  async #look(zone: Name): Promise<Result<SpfLook>> {
    const { writer, steps, resolver, run, alert } = this.#options;
    const record = writer.zoneByName(lowerName(zone));
    if (record === undefined) return fail(zoneNotServed(zone));
    const policy = readMailPolicy(writer, record);
    if (policy === undefined) return fail(noPolicy(record.name));
    const look = await steps.lookAtSpf(record, policy, resolver);
    const taken = await run({ kind: 'spf.take', zone: nameOf(record.name), look }, { actor: SCHEDULER, dryRun: false });
    if (!taken.ok) return taken;
    if (look.alerts.length > 0) await alert(record.name, look.alerts);
    return ok(look);
  }

  begin(): Promise<Result<void>> {
    const { writer, funnel } = this.#options;
    const ids = writer.zones().map(({ id }) => id);
    return funnel.guard(async () => {
      // Some at a time, and each again in its turn: other changes go on in between.
      for (let at = 0; at < ids.length; at += MAIL_DUE_AT_ONCE) {
        const begun = await this.#begin(ids.slice(at, at + MAIL_DUE_AT_ONCE));
        if (!begun.ok) return begun;
      }
      return ok(undefined);
    });
  }

  async #begin(ids: readonly number[]): Promise<Result<unknown>> {
    const { steps, funnel } = this.#options;
    if (this.#missing(ids).length === 0) return ok(undefined);
    const turn = { actor: SCHEDULER, action: 'spf.begin', upkeep: true };
    return funnel.change(turn, () => ok({ documents: [...this.#missing(ids), steps.timeline()], isChanged: true }));
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
