/**
 * Steps of key rollovers as due work: the parent and the zone's name servers are asked for what a rollover waits for,
 * then its next step is taken.
 * Not here: when this happens (control/lifecycle/scheduler.ts), what an answer proves (parent.ts), the step
 * (steps.ts).
 */
import { type Clock } from '#base/clock.ts';
import { LIFECYCLE_ZONES_AT_ONCE } from '#base/limits/lifecycle.ts';
import { OBSERVATION_CHARACTERS_MAX } from '#base/limits/outside.ts';
import { type Problem, type Result, ok } from '#base/problem.ts';
import { type Name, lowerName } from '#dns/name.ts';
import { type Resolver } from '#dns/resolver.ts';
import { keysForParent } from '#dnssec/rollover/step.ts';
import { needsParent } from '#dnssec/rollover/machine.ts';
import { rolloversOf } from '#dnssec/rollover/state.ts';
import { type LifecycleObservation } from '#lifecycle/state.ts';
import { DNSSEC_KIND } from '#store/dnssec/rollovers.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Actor, type Command, type Outcome, type RunOptions } from '#control/api/control.ts';
import { type ServedZone } from '#control/commands/table.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { type DueSource, dueZones } from '#control/lifecycle/due-source.ts';
import { type OutsideWitnesses, isLookable, lookAtAll, lookPlaces, ownServer } from '#control/outside/evidence.ts';
import { type Publisher } from '#control/publish/publisher.ts';
import { type ParentLook, type ParentServers, dsTtlOf, judgeDs } from './parent.ts';
import { ParentAlarms, ParentWatch, parentKeysAfter, parentProblem } from './parent-watch.ts';
import { type DnssecSteps, parentEveryMs } from './steps.ts';

export interface DnssecUpkeepOptions {
  readonly steps: DnssecSteps;
  readonly parents: ParentServers;
  readonly writer: StoreWriter;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly time: CountedTime;
  readonly witnesses: OutsideWitnesses;
  readonly alert: (zone: string, problems: readonly Problem[]) => Promise<void>;
  /** Our own zones from the store, the rest from outside. */
  readonly resolver: Resolver;
  readonly run: (command: Command, options: RunOptions) => Promise<Result<Outcome>>;
  readonly funnel: Funnel;
  /** A zone's parent was looked at, or might have been. */
  readonly onLooked?: (zone: Name) => void;
}

const SCHEDULER: Actor = { kind: 'system', id: 'dnssec', from: '' };

export function dnssecUpkeep(options: DnssecUpkeepOptions): DueSource {
  const { writer, funnel, run, alert } = options;
  const alarms = new ParentAlarms(alert);
  const stored = dueZones(writer, DNSSEC_KIND);
  const { steps, time } = options;
  const watch = new ParentWatch({
    writer,
    policyOf: (record) => steps.policyOf(record),
    nowMs: () => time.nowMs(),
  });
  return {
    due(untilMs, limit) {
      const due = stored.due(untilMs, limit);
      return due.length >= limit ? due : [...due, ...watch.due(untilMs, limit - due.length)];
    },
    nextDueMs() {
      const next = [stored.nextDueMs(), watch.nextDueMs()].filter((each) => each !== undefined);
      return next.length === 0 ? undefined : Math.min(...next);
    },
    name: 'dnssec',
    zonesAtOnce: LIFECYCLE_ZONES_AT_ONCE,
    refused: { event: 'dnssec.refused', text: 'a step of a key rollover is not possible' },
    alert,
    work: (zone) =>
      funnel.guard(async () => {
        const seen = await look(zone, options, alarms, watch);
        const command = { kind: 'dnssec.tick', zone, ...seen } as const;
        const ticked = await run(command, { actor: SCHEDULER, dryRun: false });
        options.onLooked?.(zone);
        return ticked.ok ? ok([]) : ticked;
      }),
  };
}

interface Seen {
  readonly observations: readonly LifecycleObservation[];
  readonly dsTtlSeconds?: number;
  readonly parentKeys?: readonly string[];
}

async function look(name: Name, options: DnssecUpkeepOptions, alarms: ParentAlarms, watch: ParentWatch): Promise<Seen> {
  const { writer, witnesses, resolver } = options;
  const before = writer.zoneByName(lowerName(name));
  if (before === undefined || before.dnssec === 'off') return { observations: [] };
  await witnesses.secondaries?.refresh(writer.view(before), resolver);
  const looks = await lookUp(name, options, watch);
  // It may have changed, or gone, in the meantime.
  const record = writer.zoneById(before.id);
  if (record === undefined) return { observations: [] };
  const zone = { record, view: writer.view(record) };
  const parent = await judgeParent(zone, looks, options, alarms);
  const ttl = dsTtlOf(looks);
  const servers = await lookAtServers(zone, options);
  const parentKeys = parentKeysAfter(looks, zone.view.apex, record.keys, options.steps.stored(record));
  return {
    observations: [...parent, ...servers],
    ...(ttl === undefined ? {} : { dsTtlSeconds: ttl }),
    ...(parentKeys === undefined ? {} : { parentKeys }),
  };
}

/** Asks the parent when a rollover, or one that begins now, depends on it. */
async function lookUp(
  name: Name,
  { writer, steps, parents, time }: DnssecUpkeepOptions,
  watch: ParentWatch,
): Promise<readonly ParentLook[]> {
  const record = writer.zoneByName(lowerName(name))!;
  const zone = { record, view: writer.view(record) };
  const underWay = rolloversOf(steps.stored(record)).filter(({ kind }) => needsParent(kind));
  const wanted = steps.wanted(zone);
  const isBeginning = wanted !== undefined && needsParent(wanted.kind);
  const nowMs = time.nowMs();
  const policy = steps.policyOf(record);
  const isFast = nowMs - watch.lookedMs(zone.view.apex) >= parentEveryMs(policy);
  const isDue = steps.preview(zone).checks.some(({ what, dueMs }) => what === 'ds' && (dueMs <= nowMs || isFast));
  const isUnknown = underWay.length > 0 && parents.places(record === undefined ? name : zone.view.apex).length === 0;
  if (!isDue && !isBeginning && !isUnknown && !watch.isDue(zone.view.apex)) return [];
  watch.looked(zone.view.apex, policy);
  return parents.look(zone.view.apex, policy.parentServers);
}

async function judgeParent(
  { record, view }: ServedZone,
  looks: readonly ParentLook[],
  { steps, time, parents }: DnssecUpkeepOptions,
  alarms: ParentAlarms,
): Promise<LifecycleObservation[]> {
  const atMs = time.nowMs();
  if (looks.length === 0) {
    parents.noteUnfound(view.apex, atMs);
    return [];
  }
  const state = steps.stored(record);
  const observations = rolloversOf(state)
    .filter(({ kind }) => needsParent(kind))
    .flatMap(({ kind, object }) => {
      const wanted = keysForParent(kind, object, record.keys);
      // RFC 8901 §3.2: the parent has the DS records of all who sign the zone.
      const keys = wanted.length === 0 ? wanted : [...wanted, ...announcedOf(record)];
      return looks.map((each): LifecycleObservation => {
        const { isGood, text } = judgeDs(each, view.apex, keys);
        return {
          object: object.id,
          what: 'ds',
          place: each.place,
          isGood,
          text: text.slice(0, OBSERVATION_CHARACTERS_MAX),
          atMs,
        };
      });
    });
  const problems = new Map(
    looks.flatMap((each) => {
      const found = parentProblem(each, view.apex, record, state);
      return found === undefined ? [] : [[each.place, found] as const];
    }),
  );
  parents.noteFound(view.apex, looks, problems, atMs);
  await alarms.tell(record.name, [...problems.values()]);
  return observations;
}

/** Keys of others that CDS asks the parent for. */
function announcedOf({ foreignKeys = [] }: ServedZone['record']) {
  return foreignKeys.filter(({ isAnnounced }) => isAnnounced);
}

/** What the zone's own name servers show. */
async function lookAtServers(zone: ServedZone, options: DnssecUpkeepOptions): Promise<readonly LifecycleObservation[]> {
  const { steps, witnesses, resolver, publisher, time, clock } = options;
  const { record, view } = zone;
  const places = { ...lookPlaces(witnesses, view), liveChecks: [] };
  const checks = steps.preview(zone).checks.filter((each) => each.dueMs <= time.nowMs() && isLookable(each, places));
  const own = ownServer(resolver, (timeoutMs) => publisher.waitServed(record.revision, timeoutMs));
  return lookAtAll(checks, view.apex, { ...witnesses, own, wallMs: () => clock.nowMs() }, () => time.nowMs());
}
