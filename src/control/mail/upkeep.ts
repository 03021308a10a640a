/**
 * What keeps the mail of zones going: which zones are due, what can be seen of what they wait for, the counted time on disk.
 * Not here: when this happens (control/lifecycle/scheduler.ts), what a look is (control/outside/evidence.ts).
 */
import { MAIL_TIME_EVERY_MS } from '#base/limits/limits.ts';
import { type Clock } from '#base/clock.ts';
import { type Problem, type Result, ok } from '#base/problem.ts';
import { type Name, lowerName, nameOf } from '#dns/name.ts';
import { dkimQuietMs } from '#mail/dkim/lifecycle.ts';
import { type LifecycleCheck } from '#lifecycle/lives.ts';
import { type LifecycleObservation } from '#lifecycle/state.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Actor, type Command, type Outcome, type RunOptions } from '#control/api/control.ts';
import { readMailPolicy } from '#store/mail/policy.ts';
import { dueMailZones, nextMailDueMs } from '#store/mail/state.ts';
import { type OutsideWitnesses, type Witnesses } from '#control/outside/evidence.ts';
import { OWN_SERVER } from '#control/outside/name-server-place.ts';
import { isLookable, lookAt, lookPlaces } from '#control/outside/evidence.ts';
import { type MailSteps } from './steps.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type MailUpkeep } from '#control/lifecycle/scheduler.ts';
import { StoredSpfUpkeep } from './spf-upkeep.ts';
import { type Publisher } from '#control/publish/publisher.ts';
import { type SelectorQueries } from '#control/publish/selector-queries.ts';

export const NO_WITNESSES: OutsideWitnesses = { nameServers: new Map(), probes: new Map() };

export interface MailUpkeepOptions {
  readonly steps: MailSteps;
  readonly writer: StoreWriter;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly outside: OutsideWitnesses;
  readonly queries: SelectorQueries;
  readonly alert: (zone: string, problems: readonly Problem[]) => Promise<void>;
  /** Our own zones as they are in the store. */
  readonly store: Resolver;
  readonly run: (command: Command, options: RunOptions) => Promise<Result<Outcome>>;
  readonly funnel: Funnel;
}

const SCHEDULER: Actor = { kind: 'system', id: 'mail', from: '' };
/** A worker renews its snapshot within milliseconds; one that is gone for longer is seen at the next look. */
const SERVED_MS_MAX = 2000;

export class StoredMailUpkeep implements MailUpkeep {
  readonly #options: MailUpkeepOptions;
  readonly #listeners: (() => void)[] = [];
  #notedAtMs = 0;
  /** What SPF depends on outside has times of its own. */
  readonly spf: StoredSpfUpkeep;

  constructor(options: MailUpkeepOptions) {
    this.#options = options;
    this.spf = new StoredSpfUpkeep({ ...options, resolver: options.store });
  }

  countedNowMs(): number {
    return this.#options.steps.nowMs();
  }

  dueMail(limit: number): readonly Name[] {
    const { writer } = this.#options;
    return dueMailZones(writer, this.countedNowMs(), limit).flatMap((id) => {
      const record = writer.zoneById(id);
      return record === undefined ? [] : [nameOf(record.name)];
    });
  }

  nextMailDueMs(): number | undefined {
    return nextMailDueMs(this.#options.writer);
  }

  async lookAtMail(zone: Name, atOnce: number): Promise<readonly LifecycleObservation[]> {
    const { writer, steps, outside, store } = this.#options;
    const before = writer.zoneByName(lowerName(zone));
    if (before === undefined) return [];
    await outside.secondaries?.refresh(writer.view(before), store);
    // It may have changed, or gone, in the meantime.
    const record = writer.zoneById(before.id);
    if (record === undefined) return [];
    const view = writer.view(record);
    const step = steps.preview({ record, view });
    if (step === undefined) return [];
    const places = lookPlaces(outside, view);
    const checks = step.checks.filter((each) => isLookable(each, places) && each.dueMs <= this.countedNowMs());
    const observations = step.checks.flatMap((each) => this.#judgeQueries(each, record));
    for (let at = 0; at < checks.length; at += atOnce) {
      const some = checks.slice(at, at + atOnce);
      observations.push(
        ...(await Promise.all(
          some.map((each) => lookAt(each, nameOf(record.name), this.#witnesses(record.revision), this.countedNowMs())),
        )),
      );
    }
    return observations;
  }

  /** Whether a selector is still asked for at this server is known without a look. */
  #judgeQueries({ object, what, place, dueMs }: LifecycleCheck, record: ZoneRecord): LifecycleObservation[] {
    const { writer, clock, queries } = this.#options;
    const atMs = this.countedNowMs();
    const policy = what === 'queries' && place === OWN_SERVER && dueMs <= atMs ? readMailPolicy(writer, record) : undefined;
    if (policy === undefined) return [];
    const quietMs = dkimQuietMs(policy.dkim, policy.ttlSeconds.dkim * 1000);
    return [{ object, what, place, atMs, ...queries.judge(object, record.name, quietMs, clock.nowMs() - atMs) }];
  }

  #witnesses(revision: number): Witnesses {
    const { outside, publisher, store } = this.#options;
    const own: Resolver = {
      async lookup(name, type) {
        const isServed = await publisher.waitServed(revision, SERVED_MS_MAX);
        return isServed ? store.lookup(name, type) : { kind: 'timeout', reason: 'not every worker serves the newest records yet' };
      },
    };
    return {
      nameServer(place) {
        switch (place.kind) {
          case 'own':
            return own;
          case 'listed':
            return outside.nameServers.get(place.endpoint);
          case 'secondary':
            return outside.secondaries?.server(place);
        }
      },
      fetchBody: (place, url) => outside.probes.get(place)?.(url) ?? Promise.reject(new Error('there is no such probe')),
    };
  }

  tickMail(zone: Name, observations: readonly LifecycleObservation[]): Promise<Result<Outcome>> {
    return this.#options.run({ kind: 'lifecycle.tick', zone, observations }, { actor: SCHEDULER, dryRun: false });
  }

  alertMail(zone: string, problems: readonly Problem[]): Promise<void> {
    return this.#options.alert(zone, problems);
  }

  async noteTime(): Promise<void> {
    const { steps, funnel } = this.#options;
    const nowMs = this.countedNowMs();
    if (this.#notedAtMs === 0) this.#notedAtMs = nowMs;
    // Without anything that waits, there is nothing to count for.
    if (nowMs - this.#notedAtMs < MAIL_TIME_EVERY_MS || this.nextMailDueMs() === undefined) return;
    this.#notedAtMs = nowMs;
    const turn = { actor: SCHEDULER, action: 'lifecycle.time', upkeep: true };
    await funnel.change(turn, () => ok({ documents: [steps.timeline()], isChanged: true }));
  }

  onMailDue(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Something may have become due. */
  tellDue(): void {
    for (const listener of this.#listeners) listener();
  }
}
