/**
 * Looks at what zones' SPF depends on outside, as due work: the looks themselves, and times for zones that have none
 * yet.
 * Not here: when this happens (control/lifecycle/scheduler.ts), what a look finds (mail/spf/upkeep.ts).
 */
import { LIFECYCLE_DUE_AT_ONCE } from '#base/limits/lifecycle.ts';
import { SPF_LOOKS_AT_ONCE, SPF_REFRESH_MS_DEFAULT } from '#base/limits/spf.ts';
import { type Result, fail, ok } from '#base/problem.ts';
import { type Name, lowerName, nameOf } from '#dns/name.ts';
import { NEW_SPF_WATCH, type SpfLook, isWatched, spreadOf } from '#mail/spf/upkeep.ts';
import { type DocumentWrite, type StoreWriter } from '#store/writer.ts';
import { readMailPolicy } from '#store/mail/policy.ts';
import { SPF_KIND, readSpfWatch, spfWatchWrite } from '#store/mail/spf-watch.ts';
import { type Actor } from '#control/api/control.ts';
import { noPolicy, zoneNotServed } from '#control/commands/absent.ts';
import { type DueSource, type Notice, dueZones } from '#control/lifecycle/due-source.ts';
import { type UpkeepOptions } from './upkeep.ts';

const SCHEDULER: Actor = { kind: 'system', id: 'spf', from: '' };

export function spfUpkeep(options: UpkeepOptions): DueSource {
  const { writer, funnel } = options;
  return {
    ...dueZones(writer, SPF_KIND),
    name: 'spf',
    zonesAtOnce: SPF_LOOKS_AT_ONCE,
    refused: { event: 'mail.refused', text: 'what SPF needs cannot be published' },
    begin: () => funnel.guard(() => begin(options)),
    work: (zone) => funnel.guard(() => look(zone, options)),
  };
}

async function look(zone: Name, options: UpkeepOptions): Promise<Result<readonly Notice[]>> {
  const { writer, steps, resolver, run, alert } = options;
  const record = writer.zoneByName(lowerName(zone));
  if (record === undefined) return fail(zoneNotServed(zone));
  const policy = readMailPolicy(writer, record);
  if (policy === undefined) return fail(noPolicy(record.name));
  const found = await steps.lookAtSpf(record, policy, resolver);
  const command = { kind: 'spf.take', zone: nameOf(record.name), look: found } as const;
  const taken = await run(command, { actor: SCHEDULER, dryRun: false });
  if (!taken.ok) return taken;
  if (found.alerts.length > 0) await alert(record.name, found.alerts);
  return ok(noticesOf(found));
}

function noticesOf({ alerts, recovered }: SpfLook): Notice[] {
  return [
    ...alerts.map(({ code, message, severity }): Notice => ({
      level: severity === 'error' ? 'error' : 'warn',
      event: code.startsWith('SPF_DRIFT') ? 'mail.spf-drift' : 'mail.spf-kept',
      text: message,
      fields: { code },
    })),
    ...recovered.map((include): Notice => ({
      level: 'info',
      event: 'mail.spf-recovered',
      text: `include:${include} can be read again`,
      fields: { include },
    })),
  ];
}

/** Zones that were never looked at get their times, spread over the usual interval. */
async function begin({ writer, time, funnel }: UpkeepOptions): Promise<Result<unknown>> {
  const ids = writer.zones().map(({ id }) => id);
  // Some at a time, and each again in its turn: other changes run in between.
  for (let at = 0; at < ids.length; at += LIFECYCLE_DUE_AT_ONCE) {
    const some = ids.slice(at, at + LIFECYCLE_DUE_AT_ONCE);
    if (firstTimes(writer, some, time.nowMs()).length === 0) continue;
    const turn = { actor: SCHEDULER, action: 'spf.begin', upkeep: true };
    const documents = () => [...firstTimes(writer, some, time.nowMs()), time.write()];
    const begun = await funnel.change(turn, () => ok({ documents: documents(), isChanged: true }));
    if (!begun.ok) return begun;
  }
  return ok(undefined);
}

/** Of zones that should have a time and do not. */
function firstTimes(writer: StoreWriter, ids: readonly number[], nowMs: number): DocumentWrite[] {
  return ids.flatMap((id) => {
    const record = writer.zoneById(id);
    if (record === undefined || readSpfWatch(writer, id) !== undefined) return [];
    const policy = readMailPolicy(writer, record);
    if (policy === undefined || !isWatched(policy.spf)) return [];
    const nextMs = nowMs + Math.round(SPF_REFRESH_MS_DEFAULT * spreadOf(record.name));
    return [spfWatchWrite(id, { ...NEW_SPF_WATCH, nextMs })];
  });
}
