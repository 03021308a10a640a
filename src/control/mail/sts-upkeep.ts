/**
 * The watch over policy hosts of other servers as due work: the policy is fetched as a sender would, and the operator
 * hears of what has changed.
 * Not here: when this happens (control/lifecycle/scheduler.ts), what follows from a look (mail/mta-sts/watch.ts).
 */
import { STS_WATCH_ZONES_AT_ONCE } from '#base/limits/mail.ts';
import { type Result, ok } from '#base/problem.ts';
import { type Name, formatName, lowerName, nameOf } from '#dns/name.ts';
import { mailHosts } from '#mail/mail-hosts.ts';
import { stsHost } from '#mail/mta-sts/record.ts';
import { type StsSeen, takeStsLook, watchedSts } from '#mail/mta-sts/watch.ts';
import { readMailPolicy } from '#store/mail/policy.ts';
import { readMailState } from '#store/mail/state.ts';
import { STS_WATCH_KIND, readStsWatch, stsWatchWrite } from '#store/mail/sts-watch.ts';
import { type Actor } from '#control/api/control.ts';
import { type DueSource, type Notice, dueZones } from '#control/lifecycle/due-source.ts';
import { type StsProbe } from '#control/outside/file-probes.ts';
import { type UpkeepOptions } from './upkeep.ts';

const SCHEDULER: Actor = { kind: 'system', id: 'mta-sts', from: '' };

/** Undefined where no place fetches policies. */
export function stsUpkeep(options: UpkeepOptions): DueSource | undefined {
  const [probe] = options.witnesses.probes.values();
  if (probe === undefined) return undefined;
  return {
    ...dueZones(options.writer, STS_WATCH_KIND),
    name: 'mta-sts',
    zonesAtOnce: STS_WATCH_ZONES_AT_ONCE,
    refused: { event: 'mail.refused', text: 'what a policy host shows cannot be taken in' },
    work: (zone) => options.funnel.guard(() => look(zone, probe, options)),
  };
}

async function look(zone: Name, probe: StsProbe, options: UpkeepOptions): Promise<Result<readonly Notice[]>> {
  const { writer, time, alert, funnel } = options;
  const record = writer.zoneByName(lowerName(zone));
  const name = record === undefined ? undefined : stsHost(nameOf(record.name));
  if (record === undefined || name?.ok !== true) return ok([]);
  const host = formatName(name.value).slice(0, -1);
  const seen = await seenBy(probe, `https://${host}/.well-known/mta-sts.txt`);
  // It may have changed, or gone, in the meantime.
  const [policy, state] = [readMailPolicy(writer, record), readMailState(writer, record.id)];
  const before = readStsWatch(writer, record.id);
  const watched = policy === undefined || state === undefined ? undefined : watchedSts(state.mtaSts, policy.mtaSts);
  const { nowMs, wallOffsetMs } = time.read();
  const hosts = mailHosts(writer.view(record), nameOf(record.name));
  const step = before && watched && takeStsLook({ before, seen, watched, mailHosts: hosts, host, nowMs, wallOffsetMs });
  const turn = { actor: SCHEDULER, action: 'mta-sts.look', upkeep: true };
  const noted = await funnel.change(turn, () => {
    const isGone = readStsWatch(writer, record.id) === undefined;
    const documents = isGone ? [] : [stsWatchWrite(record.id, step?.watch ?? null), time.write()];
    return ok({ documents, isChanged: !isGone });
  });
  if (!noted.ok) return noted;
  if (step === undefined) return ok([]);
  if (step.alerts.length > 0) await alert(record.name, step.alerts);
  const alerts = step.alerts.map(({ code, message, severity }): Notice => {
    const level = severity === 'error' ? 'error' : 'warn';
    return { level, event: 'mail.sts-alert', text: `${host}: ${message}`, fields: { code } };
  });
  return ok([...alerts, ...step.notices.map((each): Notice => ({ level: 'info', fields: {}, ...each }))]);
}

async function seenBy(probe: StsProbe, url: string): Promise<StsSeen> {
  const ends: number[] = [];
  try {
    const body = await probe(url, (endMs) => void ends.push(endMs));
    return { body, ...(ends.length === 0 ? {} : { certificateEndMs: Math.min(...ends) }) };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}
