/** Certificates as numbers for Prometheus, with a bounded number of labels. Not here: printing (admin/v1/health.ts). */
import { CERTIFICATE_METRIC_ZONES_MAX } from '#base/limits/acme.ts';
import { METRIC_ZONES_MAX } from '#base/limits/admin.ts';
import { type MetricFamily } from '#control/api/control.ts';
import { currentCertificate } from '#certificate/state.ts';
import { CERTIFICATES_KIND, readCertificatesState } from '#store/tls/certificates.ts';
import { type StoreReader } from '#store/reader.ts';

/** Of certificates from CAs: when each ends, how many are in each stage, and how many cannot continue. */
export function certificateFamilies(reader: StoreReader): MetricFamily[] {
  const stages = new Map<string, number>();
  const ends: { readonly zone: string; readonly host: string; readonly notAfterMs: number }[] = [];
  let failing = 0;
  for (const { zoneId } of reader.due(Number.MAX_SAFE_INTEGER - 1, CERTIFICATE_METRIC_ZONES_MAX, CERTIFICATES_KIND)) {
    const zone = reader.zoneById(zoneId)?.name;
    if (zone === undefined) continue;
    const state = readCertificatesState(reader, zoneId);
    if (state === undefined) continue;
    for (const { id, stage, data } of state.lifecycle.objects) {
      stages.set(stage, (stages.get(stage) ?? 0) + 1);
      if (data.failure !== undefined) failing += 1;
      const notAfterMs = currentCertificate(state, data.host)?.id === id ? data.issued?.notAfterMs : undefined;
      if (notAfterMs !== undefined) ends.push({ zone, host: data.host, notAfterMs });
    }
  }
  // Those that end first: an alert looks at the smallest.
  const soonest = ends.toSorted((a, b) => a.notAfterMs - b.notAfterMs).slice(0, METRIC_ZONES_MAX);
  const sorted = [...stages].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [
    {
      name: 'waxseal_certificate_expiry_timestamp_seconds',
      help: `When certificates from CAs end, the ${METRIC_ZONES_MAX} that end first.`,
      type: 'gauge',
      samples: soonest.map(({ zone, host, notAfterMs }) => ({ labels: { zone, host }, value: notAfterMs / 1000 })),
    },
    {
      name: 'waxseal_certificates',
      help: 'Certificates from CAs by stage.',
      type: 'gauge',
      samples: sorted.map(([stage, value]) => ({ labels: { stage }, value })),
    },
    {
      name: 'waxseal_certificates_failing',
      help: 'Certificates whose order does not continue now.',
      type: 'gauge',
      samples: [{ labels: {}, value: failing }],
    },
  ];
}
