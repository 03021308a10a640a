/** Certificates as numbers for Prometheus, with a bounded number of labels. Not here: printing (admin/v1/health.ts). */
import { METRIC_ZONES_MAX } from '#base/limits/admin.ts';
import { type MetricFamily } from '#control/api/control.ts';
import { currentCertificate } from '#certificate/state.ts';
import { CERTIFICATES_KIND, readCertificatesState } from '#store/tls/certificates.ts';
import { type StoreReader } from '#store/reader.ts';
import { type StoreWriter } from '#store/writer.ts';
import { KeptByZone } from '#control/lifecycle/kept-by-zone.ts';

/** Of one zone. */
interface Certificates {
  /** The stage of each. */
  readonly stages: readonly string[];
  readonly ends: readonly { readonly host: string; readonly notAfterMs: number }[];
  readonly failing: number;
}

export class CertificateCounts {
  readonly #writer: StoreWriter;
  readonly #zones: KeptByZone<Certificates>;

  constructor(writer: StoreWriter) {
    this.#writer = writer;
    this.#zones = new KeptByZone(writer, { kinds: [CERTIFICATES_KIND], read: certificatesOf });
  }

  /** When each ends, how many are in each stage, and how many cannot continue. None until all zones were read. */
  families(): MetricFamily[] {
    const zones = this.#zones.now();
    return zones === undefined ? [] : familiesOf(zones, (id) => this.#writer.zoneById(id)?.name);
  }
}

function certificatesOf(reader: StoreReader, zoneId: number): Certificates | undefined {
  const state = readCertificatesState(reader, zoneId);
  if (state === undefined) return undefined;
  const { objects } = state.lifecycle;
  return {
    stages: objects.map(({ stage }) => stage),
    ends: objects.flatMap(({ id, data: { host, issued } }) =>
      issued !== undefined && currentCertificate(state, host)?.id === id
        ? [{ host, notAfterMs: issued.notAfterMs }]
        : [],
    ),
    failing: objects.filter(({ data }) => data.failure !== undefined).length,
  };
}

function familiesOf(
  zones: ReadonlyMap<number, Certificates>,
  nameOfZone: (id: number) => string | undefined,
): MetricFamily[] {
  const stages = new Map<string, number>();
  const ends: { readonly id: number; readonly host: string; readonly notAfterMs: number }[] = [];
  let failing = 0;
  for (const [id, each] of zones) {
    for (const stage of each.stages) stages.set(stage, (stages.get(stage) ?? 0) + 1);
    for (const end of each.ends) ends.push({ id, ...end });
    failing += each.failing;
  }
  // Those that end first: an alert looks at the smallest.
  const soonest = ends.toSorted((a, b) => a.notAfterMs - b.notAfterMs).slice(0, METRIC_ZONES_MAX);
  const sorted = [...stages].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [
    {
      name: 'waxseal_certificate_expiry_timestamp_seconds',
      help: `When certificates from CAs end, the ${METRIC_ZONES_MAX} that end first.`,
      type: 'gauge',
      samples: soonest.flatMap(({ id, host, notAfterMs }) => {
        const zone = nameOfZone(id);
        return zone === undefined ? [] : [{ labels: { zone, host }, value: notAfterMs / 1000 }];
      }),
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
