/**
 * Certificates as due work: what is due is asked of CAs and name servers beside the queue of changes, and what came
 * back is taken in by a
 * command before the next thing is asked. So a process that dies at any moment continues where it was.
 * Not here: when this happens (control/lifecycle/scheduler.ts), what is asked (certificate/actions.ts, asking.ts).
 */
import { CERTIFICATE_REQUESTS_AT_ONCE, CERTIFICATE_ROUNDS_MAX, CERTIFICATE_ZONES_AT_ONCE } from '#base/limits/acme.ts';
import { type Clock } from '#base/clock.ts';
import { LIFECYCLE_DUE_AT_ONCE } from '#base/limits/lifecycle.ts';
import { type Problem, type Result, ok } from '#base/problem.ts';
import { type CertificateAction, dueActions } from '#certificate/actions.ts';
import { type CertificatesState } from '#certificate/state.ts';
import { type Name, formatName, lowerName, nameOf } from '#dns/name.ts';
import { type Resolver } from '#dns/resolver.ts';
import { findObject } from '#lifecycle/state.ts';
import { CERTIFICATES_KIND, readCertificatesState } from '#store/tls/certificates.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type StoreWriter } from '#store/writer.ts';
import { type Actor, type Command, type Outcome, type RunOptions } from '#control/api/control.ts';
import { type ServedZone } from '#control/commands/table.ts';
import { type Funnel } from '#control/funnel/funnel.ts';
import { type CountedTime } from '#control/lifecycle/counted-time.ts';
import { type DueSource, type Refusal, dueZones } from '#control/lifecycle/due-source.ts';
import { type OutsideWitnesses, isLookable, lookAtAll, lookPlaces, ownServer } from '#control/outside/evidence.ts';
import { type Publisher } from '#control/publish/publisher.ts';
import { type Asked, type AskingOptions, askCa } from './asking.ts';
import { type CertificateSteps } from './steps.ts';
import { type WantedHosts } from './wanted.ts';

export interface CertificateUpkeepOptions {
  readonly steps: CertificateSteps;
  readonly wanted: WantedHosts;
  readonly writer: StoreWriter;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly time: CountedTime;
  readonly witnesses: OutsideWitnesses;
  readonly resolver: Resolver;
  readonly alert: (zone: string, problems: readonly Problem[]) => Promise<void>;
  readonly run: (command: Command, options: RunOptions) => Promise<Result<Outcome>>;
  readonly funnel: Funnel;
  /** Absent: no CA is configured. */
  readonly asking?: AskingOptions;
}

export interface CertificateUpkeep extends DueSource {
  /** Other hosts of the zone may want certificates now than before. */
  notice(zone: Name): void;
  /** What stood in the way is tried again at once: the operator has put it right. */
  hurry(zone: string): void;
  /** Why the last step of the zone's certificates was not possible; undefined: it was. */
  refusal(zone: string): Refusal | undefined;
}

const SCHEDULER: Actor = { kind: 'system', id: 'certificate', from: '' };

export function certificateUpkeep(options: CertificateUpkeepOptions): CertificateUpkeep {
  const { writer, funnel, alert } = options;
  const stored = dueZones(writer, CERTIFICATES_KIND);
  /** Zones whose hosts changed; after a restart `begin` finds them again. */
  const noticed = new Map<string, Name>();
  const refusals = new Map<string, Refusal>();
  const hurried = new Set<string>();
  const add = ({ name }: ZoneRecord) => void noticed.set(keyOf(nameOf(name)), nameOf(name));
  return {
    name: 'certificate',
    zonesAtOnce: CERTIFICATE_ZONES_AT_ONCE,
    refused: { event: 'certificate.refused', text: 'a step of the certificates is not possible' },
    alert,
    notice(zone) {
      const record = writer.zoneByName(lowerName(zone));
      if (record !== undefined && hasOtherHosts(record, options)) add(record);
    },
    hurry: (zone) => void hurried.add(zone),
    isHurried: (zone) => hurried.has(zone),
    refusal: (zone) => refusals.get(zone),
    noted(zone, refusal) {
      if (refusal === undefined) refusals.delete(zone);
      else refusals.set(zone, refusal);
    },
    begin() {
      for (const record of writer.zones()) if (hasOtherHosts(record, options)) add(record);
      return Promise.resolve(ok(undefined));
    },
    due: (untilMs, limit) => {
      const found = new Map([...noticed].slice(0, LIFECYCLE_DUE_AT_ONCE));
      for (const zone of stored.due(untilMs, limit)) found.set(keyOf(zone), zone);
      return [...found.values()].slice(0, limit);
    },
    nextDueMs: () => (noticed.size > 0 ? 0 : stored.nextDueMs()),
    work: (zone) =>
      funnel.guard(async () => {
        noticed.delete(keyOf(zone));
        hurried.delete(formatName(zone));
        return work(zone, options);
      }),
  };
}

function keyOf(zone: Name): string {
  return Buffer.from(zone).toString('latin1');
}

/** True when the wanted hosts of a zone are not those that it has objects for. */
function hasOtherHosts(record: ZoneRecord, { writer, wanted, steps }: CertificateUpkeepOptions): boolean {
  const state = readCertificatesState(writer, record.id);
  const hosts = wanted({ record, view: writer.view(record) }, steps.stored(record)).map(({ host }) => host);
  const known = new Set(state?.lifecycle.objects.map(({ data }) => data.host));
  if (hosts.some((host) => !known.has(host)) || [...known].some((host) => !hosts.includes(host))) return true;
  // What the mail has done may be what a certificate waits for, or the other way round.
  const isWaiting = state?.lifecycle.objects.some(({ stage }) => stage === 'issued') ?? false;
  if (isWaiting || state === undefined) return isWaiting;
  return keyOrders({ record, view: writer.view(record) }, state, steps).length > 0;
}

/** Orders to the zone's mail about keys: records of those to come, and which are in use. */
function keyOrders({ record }: ServedZone, state: CertificatesState, { keyRecords }: CertificateSteps): Command[] {
  const { lifecycle, lost = [] } = state;
  const abandoned = lost.flatMap(({ host, pem }) => keyRecords.abandonments(record, host, pem));
  const others = lifecycle.objects.flatMap(({ stage, data: { host, issued } }) => {
    if (stage === 'issued' && issued?.pem !== undefined) return keyRecords.announcements(record, host, issued.pem);
    return stage === 'in-use' ? keyRecords.activations(record, host) : [];
  });
  return [...abandoned, ...others];
}

/** Asks what is due and takes it in, until nothing is due at once. */
async function work(zone: Name, options: CertificateUpkeepOptions): Promise<Result<readonly []>> {
  const { writer, run, witnesses, resolver, steps } = options;
  for (let round = 0; round < CERTIFICATE_ROUNDS_MAX; round++) {
    const before = writer.zoneByName(lowerName(zone));
    if (before === undefined) return ok([]);
    await witnesses.secondaries?.refresh(writer.view(before), resolver);
    // It may have changed, or gone, in the meantime.
    const record = writer.zoneById(before.id);
    if (record === undefined) return ok([]);
    const served = { record, view: writer.view(record) };
    const [asked, observations] = await Promise.all([askDue(served, options), look(served, options)]);
    if (round > 0 && asked.length === 0 && observations.length === 0) return ok([]);
    const results = asked.map(({ result }) => result);
    const secrets = asked.flatMap(({ secret }) => secret ?? []);
    const command = { kind: 'certificate.take', zone: nameOf(record.name), results, observations, secrets } as const;
    const taken = await run(command, { actor: SCHEDULER, dryRun: false });
    if (!taken.ok) return taken;
    for (const each of keyOrders(served, steps.stored(record), steps)) {
      const given = await run(each, { actor: SCHEDULER, dryRun: false });
      if (!given.ok) return given;
    }
  }
  return ok([]);
}

/** What CAs say to everything that is due now, some at the same time. */
async function askDue(zone: ServedZone, { steps, asking }: CertificateUpkeepOptions): Promise<readonly Asked[]> {
  if (asking === undefined) return [];
  const stored = steps.stored(zone.record);
  const next = steps.preview(zone, stored).state;
  // What a step would begin, move or end first is asked about when that is stored.
  const stageIn = (state: CertificatesState, id: string) => findObject(state.lifecycle, id)?.stage;
  const isSettled = ({ object }: CertificateAction) => stageIn(next, object) === stageIn(stored, object);
  const actions = dueActions(stored, steps.facts(zone.view)).filter(isSettled);
  const asked: Asked[] = [];
  const left = [...actions];
  const ask = async (): Promise<void> => {
    for (let due = left.shift(); due !== undefined; due = left.shift()) asked.push(await askCa(due, zone, asking));
  };
  await Promise.all(Array.from({ length: CERTIFICATE_REQUESTS_AT_ONCE }, ask));
  return asked;
}

/** What is seen now of the challenges that are waited for. */
async function look({ record, view }: ServedZone, options: CertificateUpkeepOptions) {
  const { steps, witnesses, resolver, publisher, time, clock } = options;
  const wallMs = () => clock.nowMs();
  const places = lookPlaces(witnesses, view);
  const { checks: all } = steps.preview({ record, view });
  const checks = all.filter((each) => each.dueMs <= time.nowMs() && isLookable(each, places));
  const own = ownServer(resolver, (timeoutMs) => publisher.waitServed(record.revision, timeoutMs));
  return lookAtAll(checks, nameOf(record.name), { ...witnesses, own, wallMs }, () => time.nowMs());
}
