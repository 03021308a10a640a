/**
 * The end of evidence for hosted logos as due work, and as numbers for Prometheus.
 * Not here: which alert comes when (mail/bimi/evidence-end.ts), uploads (bimi.ts).
 */
import { CERTIFICATE_METRIC_ZONES_MAX } from '#base/limits/acme.ts';
import { METRIC_ZONES_MAX } from '#base/limits/admin.ts';
import { BIMI_ZONES_AT_ONCE } from '#base/limits/mail.ts';
import { type Result, ok } from '#base/problem.ts';
import { type Name, lowerName } from '#dns/name.ts';
import { type EvidenceLook, lookAtEvidence } from '#mail/bimi/evidence-end.ts';
import { readMailPolicy } from '#store/mail/policy.ts';
import { BIMI_UPLOADS_KIND, type StoredBimiUpload } from '#store/hosted/bimi-uploads.ts';
import { bimiUploadsNoted, readBimiUploads } from '#store/hosted/bimi-uploads.ts';
import { type StoreReader } from '#store/reader.ts';
import { type Actor, type MetricFamily } from '#control/api/control.ts';
import { type DueSource, type Notice, dueZones } from '#control/lifecycle/due-source.ts';
import { type UpkeepOptions } from './upkeep.ts';

const SCHEDULER: Actor = { kind: 'system', id: 'bimi', from: '' };

export function bimiUpkeep(options: UpkeepOptions): DueSource {
  return {
    ...dueZones(options.writer, BIMI_UPLOADS_KIND),
    name: 'bimi',
    zonesAtOnce: BIMI_ZONES_AT_ONCE,
    refused: { event: 'mail.refused', text: 'the alert about the end of BIMI evidence cannot be noted' },
    work: (zone) => options.funnel.guard(() => look(zone, options)),
  };
}

async function look(zone: Name, { writer, time, alert, funnel }: UpkeepOptions): Promise<Result<readonly Notice[]>> {
  const record = writer.zoneByName(lowerName(zone));
  if (record === undefined) return ok([]);
  let seen: EvidenceLook<StoredBimiUpload> | undefined;
  const turn = { actor: SCHEDULER, action: 'bimi.look', upkeep: true };
  const noted = await funnel.change(turn, () => {
    const uploads = readBimiUploads(writer, record.id);
    if (Object.keys(uploads).length === 0) return ok({ documents: [], isChanged: false });
    const bimi = readMailPolicy(writer, record)?.bimi;
    const { nowMs, wallOffsetMs } = time.read();
    const name = record.name.replace(/(?<=.)\.$/, '');
    const selector = bimi?.isHosted === true ? bimi.selector : undefined;
    seen = lookAtEvidence(name, uploads, selector, nowMs + wallOffsetMs);
    const next = bimiUploadsNoted(record.id, seen.uploads, seen.nextMs - wallOffsetMs);
    return ok({ documents: [next, time.write()], isChanged: true });
  });
  if (!noted.ok) return noted;
  const alerts = seen?.alerts ?? [];
  if (alerts.length > 0) await alert(record.name, alerts);
  return ok(
    alerts.map(({ code, message, severity }): Notice => {
      const level = severity === 'error' ? 'error' : 'warn';
      return { level, event: 'mail.bimi-alert', text: `${record.name} ${message}`, fields: { code } };
    }),
  );
}

/** When evidence for hosted logos ends. */
export function bimiFamilies(reader: StoreReader): MetricFamily[] {
  const due = reader.due(Number.MAX_SAFE_INTEGER - 1, CERTIFICATE_METRIC_ZONES_MAX, BIMI_UPLOADS_KIND);
  const ends = due.flatMap(({ zoneId }) => {
    const zone = reader.zoneById(zoneId)?.name;
    if (zone === undefined) return [];
    return Object.entries(readBimiUploads(reader, zoneId)).flatMap(([selector, { evidenceEndsMs }]) =>
      evidenceEndsMs === undefined ? [] : [{ labels: { zone, selector }, value: evidenceEndsMs / 1000 }],
    );
  });
  return [
    {
      name: 'waxseal_bimi_evidence_expiry_timestamp_seconds',
      help: `When mark certificates of hosted BIMI logos end, the ${METRIC_ZONES_MAX} that end first.`,
      type: 'gauge',
      samples: ends.toSorted((a, b) => a.value - b.value).slice(0, METRIC_ZONES_MAX),
    },
  ];
}
