/**
 * The watch over mail hosts as due work: looks at the hosts of zones with TLSA records, tells the operator when senders
 * that go by DANE do not deliver, and hands what was seen to the records that are on their way out.
 * Not here: when this happens (control/lifecycle/scheduler.ts), what follows from a look (mail/dane/watch.ts).
 */
import { DANE_HOSTS_AT_ONCE, DANE_ZONES_AT_ONCE } from '#base/limits/dane.ts';
import { LIFECYCLE_DUE_AT_ONCE } from '#base/limits/lifecycle.ts';
import { type Result, fail, ok } from '#base/problem.ts';
import { type Name, lowerName, nameOf } from '#dns/name.ts';
import { type HostSeen, judgeNotServed } from '#mail/dane/live.ts';
import { type TlsaHost, notServedExpectation } from '#mail/dane/lifecycle.ts';
import { SMTP_PORT } from '#mail/dane/record.ts';
import { type WatchedLook, hostsInTurn, takeLook } from '#mail/dane/watch.ts';
import { type LifecycleObservation } from '#lifecycle/state.ts';
import { type MailState } from '#mail/state.ts';
import { DANE_KIND, daneWatchWrite, readDaneWatch } from '#store/mail/dane-watch.ts';
import { readMailState } from '#store/mail/state.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type Actor } from '#control/api/control.ts';
import { noPolicy, zoneNotServed } from '#control/commands/absent.ts';
import { type DueSource, type Notice, dueZones } from '#control/lifecycle/due-source.ts';
import { type StarttlsLook } from '#control/outside/starttls-look.ts';
import { daneWatchSteps } from './dane-watch-steps.ts';
import { judgeSeen, tlsaHosts } from './live-tlsa.ts';
import { type UpkeepOptions } from './upkeep.ts';

const SCHEDULER: Actor = { kind: 'system', id: 'dane', from: '' };

/** Undefined where no place looks at mail hosts. */
export function daneUpkeep(options: UpkeepOptions): DueSource | undefined {
  const [place] = options.witnesses.liveChecks ?? [];
  if (place === undefined) return undefined;
  return {
    ...dueZones(options.writer, DANE_KIND),
    name: 'dane',
    zonesAtOnce: DANE_ZONES_AT_ONCE,
    refused: { event: 'mail.refused', text: 'what mail hosts present cannot be taken in' },
    begin: () => options.funnel.guard(() => begin(options)),
    work: (zone) => options.funnel.guard(() => look(zone, place, options)),
  };
}

interface Seen {
  readonly host: TlsaHost;
  readonly seen: HostSeen;
}

async function look(zone: Name, [place, lookAt]: readonly [string, StarttlsLook], options: UpkeepOptions) {
  const { writer, clock, time, alert } = options;
  const record = writer.zoneByName(lowerName(zone));
  if (record === undefined) return fail(zoneNotServed(zone));
  const before = readMailState(writer, record.id);
  if (before === undefined) return fail(noPolicy(record.name));
  const seen: Seen[] = [];
  const hosts = hostsInTurn(readDaneWatch(writer, record.id), watchedHosts(before));
  for (let at = 0; at < hosts.length; at += DANE_HOSTS_AT_ONCE) {
    const some = hosts.slice(at, at + DANE_HOSTS_AT_ONCE);
    const looks = some.map(async (host) => ({ host, seen: await lookAt(host.host.replace(/\.$/, '')) }));
    seen.push(...(await Promise.all(looks)));
  }
  // It may have changed, or gone, in the meantime.
  const state = readMailState(writer, record.id);
  if (state === undefined) return ok([]);
  const looks = seen.map((each) => judgeSeen(state, each.host, each.seen, record.name, clock.nowMs()));
  const told = await hand(record, observationsOf(state, record, seen, place, options), options);
  if (!told.ok) return told;
  return note(record, looks, watchedHosts(state), { writer, time, alert, funnel: options.funnel });
}

function watchedHosts(state: MailState): TlsaHost[] {
  return tlsaHosts(state).filter(({ port }) => port === SMTP_PORT);
}

/** What was seen of records that are on their way out. */
function observationsOf(
  state: MailState,
  { name }: ZoneRecord,
  seen: readonly Seen[],
  place: string,
  { clock, time }: UpkeepOptions,
): LifecycleObservation[] {
  const leaving = state.tlsa.lifecycle.objects.filter(({ stage }) => stage === 'withdrawing');
  return leaving.flatMap(({ id, data }) => {
    const there = seen.find(({ host }) => host.host === data.host && host.port === data.port);
    const expect = notServedExpectation(state.tlsa, id, nameOf(name));
    if (there === undefined || expect === undefined) return [];
    const judged = judgeNotServed(expect, there.seen, clock.nowMs());
    return [{ object: id, what: 'not-served', place, atMs: time.nowMs(), ...judged }];
  });
}

async function hand(record: ZoneRecord, observations: readonly LifecycleObservation[], { run }: UpkeepOptions) {
  if (observations.length === 0) return ok(undefined);
  const command = { kind: 'lifecycle.tick', zone: nameOf(record.name), observations } as const;
  return run(command, { actor: SCHEDULER, dryRun: false });
}

/** Writes down what was seen, and tells the operator. */
async function note(
  record: ZoneRecord,
  looks: readonly WatchedLook[],
  all: readonly TlsaHost[],
  { writer, time, alert, funnel }: Pick<UpkeepOptions, 'writer' | 'time' | 'alert' | 'funnel'>,
): Promise<Result<readonly Notice[]>> {
  const before = readDaneWatch(writer, record.id);
  const step = takeLook({ before, looks, all, nowMs: time.nowMs() });
  const turn = { actor: SCHEDULER, action: 'dane.look', upkeep: true };
  const noted = await funnel.change(turn, () => {
    const isGone = readDaneWatch(writer, record.id) === undefined;
    return ok({ documents: isGone ? [] : [daneWatchWrite(record.id, step.watch), time.write()], isChanged: !isGone });
  });
  if (!noted.ok) return noted;
  if (step.alerts.length > 0) await alert(record.name, step.alerts);
  const alerts = step.alerts.map(({ code, message }): Notice => ({
    level: 'error',
    event: 'mail.tlsa-alert',
    text: message,
    fields: { code },
  }));
  return ok([...alerts, ...step.notices.map((each): Notice => ({ level: 'info', fields: {}, ...each }))]);
}

/** Zones with TLSA records from before there was a watch get their first look. */
async function begin({ writer, time, funnel }: UpkeepOptions): Promise<Result<unknown>> {
  const ids = writer.zones().map(({ id }) => id);
  const firsts = (some: readonly number[]) =>
    some.flatMap((id) => {
      const state = readMailState(writer, id);
      if (state === undefined) return [];
      return daneWatchSteps(writer, { zoneId: id, state, isMoved: false, nowMs: time.nowMs() });
    });
  // Some at a time, and each again in its turn: other changes run in between.
  for (let at = 0; at < ids.length; at += LIFECYCLE_DUE_AT_ONCE) {
    const some = ids.slice(at, at + LIFECYCLE_DUE_AT_ONCE);
    if (firsts(some).length === 0) continue;
    const turn = { actor: SCHEDULER, action: 'dane.begin', upkeep: true };
    const documents = () => [...firsts(some), time.write()];
    const begun = await funnel.change(turn, () => ok({ documents: documents(), isChanged: true }));
    if (!begun.ok) return begun;
  }
  return ok(undefined);
}
