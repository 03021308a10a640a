/**
 * Steps of zones' mail as due work: what can be seen of what a zone waits for, then its next step.
 * Not here: when this happens (control/lifecycle/scheduler.ts), what a look is (control/outside/evidence.ts), the step
 * itself (steps.ts).
 */
import { type Clock } from '#base/clock.ts';
import { DANE_HOSTS_MAX } from '#base/limits/dane.ts';
import { LIFECYCLE_ZONES_AT_ONCE } from '#base/limits/lifecycle.ts';
import { type Problem, type Result, ok } from '#base/problem.ts';
import { type Name, lowerName, nameOf } from '#dns/name.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type LifecycleCheck } from '#lifecycle/lives.ts';
import { type LifecycleObservation } from '#lifecycle/state.ts';
import { dkimQuietMs } from '#mail/dkim/lifecycle.ts';
import { readMailPolicy } from '#store/mail/policy.ts';
import { MAIL_KIND } from '#store/mail/state.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Actor, type Command, type Outcome, type RunOptions } from '#control/api/control.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { type DueSource, dueZones } from '#control/lifecycle/due-source.ts';
import { type OutsideWitnesses, isLookable, lookAtAll, lookPlaces, ownServer } from '#control/outside/evidence.ts';
import { OWN_SERVER } from '#control/outside/name-server-place.ts';
import { type Publisher } from '#control/publish/publisher.ts';
import { type SelectorQueries } from '#control/publish/selector-queries.ts';
import { type PolicyHostSettings, wakeForPolicyHost } from './policy-host.ts';
import { type MailSteps } from './steps.ts';

export interface UpkeepOptions {
  readonly steps: MailSteps;
  readonly writer: StoreWriter;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly time: CountedTime;
  readonly witnesses: OutsideWitnesses;
  readonly queries: SelectorQueries;
  readonly alert: (zone: string, problems: readonly Problem[]) => Promise<void>;
  /** Our own zones from the store, the rest from outside. */
  readonly resolver: Resolver;
  readonly run: (command: Command, options: RunOptions) => Promise<Result<Outcome>>;
  readonly funnel: Funnel;
  /** As it is configured now. */
  readonly policyHost: () => PolicyHostSettings;
}

const SCHEDULER: Actor = { kind: 'system', id: 'mail', from: '' };

export function mailUpkeep(options: UpkeepOptions): DueSource {
  const { writer, funnel, run, alert } = options;
  return {
    ...dueZones(writer, MAIL_KIND),
    name: 'mail',
    begin: () => wakeForPolicyHost(options),
    zonesAtOnce: LIFECYCLE_ZONES_AT_ONCE,
    refused: { event: 'mail.refused', text: 'a step of the mail policy is not possible' },
    alert,
    work: (zone) =>
      funnel.guard(async () => {
        const observations = await look(zone, options);
        const ticked = await run({ kind: 'lifecycle.tick', zone, observations }, { actor: SCHEDULER, dryRun: false });
        return ticked.ok ? ok([]) : ticked;
      }),
  };
}

/** What is seen now of what the zone's mail waits for. */
async function look(zone: Name, options: UpkeepOptions): Promise<readonly LifecycleObservation[]> {
  const { writer, steps, witnesses, resolver, publisher, clock, time } = options;
  const before = writer.zoneByName(lowerName(zone));
  if (before === undefined) return [];
  await witnesses.secondaries?.refresh(writer.view(before), resolver);
  // It may have changed, or gone, in the meantime.
  const record = writer.zoneById(before.id);
  if (record === undefined) return [];
  const view = writer.view(record);
  const checks = (steps.preview({ record, view })?.checks ?? []).filter(({ dueMs }) => dueMs <= time.nowMs());
  const places = lookPlaces(witnesses, view);
  const lookable = limited(checks.filter((each) => isLookable(each, places)));
  const own = ownServer(resolver, (timeoutMs) => publisher.waitServed(record.revision, timeoutMs));
  const asked = { ...witnesses, own, wallMs: () => clock.nowMs() };
  return [
    ...checks.flatMap((each) => judgeQueries(each, record, options)),
    ...(await lookAtAll(lookable, nameOf(record.name), asked, () => time.nowMs())),
  ];
}

/** Of looks at mail hosts a share: the others stay due, and other zones have their turn before. */
function limited(checks: readonly LifecycleCheck[]): LifecycleCheck[] {
  const isOfHost = ({ expect }: LifecycleCheck) => expect?.kind === 'not-served';
  const share = new Set(checks.filter(isOfHost).slice(0, DANE_HOSTS_MAX));
  return checks.filter((each) => !isOfHost(each) || share.has(each));
}

/** Whether a selector is still asked for at this server is known without a look. */
function judgeQueries(
  { object, what, place }: LifecycleCheck,
  record: ZoneRecord,
  { writer, clock, time, queries }: UpkeepOptions,
): LifecycleObservation[] {
  const policy = what === 'queries' && place === OWN_SERVER ? readMailPolicy(writer, record) : undefined;
  if (policy === undefined) return [];
  const atMs = time.nowMs();
  const quietMs = dkimQuietMs(policy.dkim, policy.ttlSeconds.dkim * 1000);
  return [{ object, what, place, atMs, ...queries.judge(object, record.name, quietMs, clock.nowMs() - atMs) }];
}
