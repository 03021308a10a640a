/**
 * The certificates of all zones in short, for the state of the server: how many, which end first, and above all those
 * whose next step does not succeed.
 * Not here: the certificates of one zone (view.ts), numbers for Prometheus (counts.ts).
 */
import { CERTIFICATE_METRIC_ZONES_MAX, CERTIFICATE_STATUS_MAX } from '#base/limits/acme.ts';
import { comingCertificate } from '#certificate/state.ts';
import { readCertificatesState } from '#store/tls/certificates.ts';
import { hostCertificates } from '#store/tls/host-certificate.ts';
import { type StoreReader } from '#store/reader.ts';
import { type ZoneRecord } from '#store/schema.ts';
import { type CertificateBrief, type CertificateSummary } from '#control/api/certificates.ts';
import { type Refusal } from '#control/lifecycle/due-source.ts';

export interface SummaryOptions {
  readonly reader: StoreReader;
  /** Why the last step of a zone's certificates was not possible. */
  readonly refusal: (zone: string) => Refusal | undefined;
  /** Wall time. */
  readonly nowMs: number;
  /** Wall time minus counted time. */
  readonly wallOffsetMs: number;
}

/** Reads the documents of CERTIFICATE_METRIC_ZONES_MAX zones at most; `isPartial` says that there are more. */
export function certificateSummary(options: SummaryOptions): CertificateSummary {
  const zones = options.reader.zones();
  const all = zones.slice(0, CERTIFICATE_METRIC_ZONES_MAX).flatMap((record) => briefsOf(record, options));
  const served = all.filter(({ notAfterMs }) => notAfterMs !== undefined);
  const nextExpiryMs = served.reduce((least, { notAfterMs = Infinity }) => Math.min(least, notAfterMs), Infinity);
  return {
    count: served.length,
    inTrouble: all.filter(({ trouble }) => trouble !== undefined).length,
    ...(nextExpiryMs === Infinity ? {} : { nextExpiryMs }),
    first: all.toSorted(byUrgency).slice(0, CERTIFICATE_STATUS_MAX),
    isPartial: zones.length > CERTIFICATE_METRIC_ZONES_MAX,
  };
}

/** Those in trouble first; of both, those first that end first; a host without a certificate before those with one. */
function byUrgency(a: CertificateBrief, b: CertificateBrief): number {
  const rank = ({ trouble }: CertificateBrief) => (trouble === undefined ? 1 : 0);
  return rank(a) - rank(b) || (a.notAfterMs ?? 0) - (b.notAfterMs ?? 0);
}

function briefsOf({ id, name }: ZoneRecord, options: SummaryOptions): CertificateBrief[] {
  const { reader, refusal, nowMs, wallOffsetMs } = options;
  const state = readCertificatesState(reader, id);
  const served = new Map(hostCertificates(reader, id).map(({ host, notAfterMs }) => [host, notAfterMs]));
  const hosts = new Set([...served.keys(), ...(state?.lifecycle.objects.map(({ data }) => data.host) ?? [])]);
  const refused = refusal(name);
  return [...hosts].map((host) => {
    const notAfterMs = served.get(host);
    const coming = state && comingCertificate(state, host);
    const stopped = coming === undefined ? undefined : troubleOf(refused, coming.data, wallOffsetMs);
    const trouble = stopped ?? endedTrouble(notAfterMs, nowMs);
    const ends = notAfterMs === undefined ? {} : { notAfterMs };
    return { zone: name, host, ...ends, ...(trouble === undefined ? {} : { trouble }) };
  });
}

type Coming = NonNullable<ReturnType<typeof comingCertificate>>['data'];
type Trouble = CertificateBrief['trouble'];

function troubleOf(refused: Refusal | undefined, coming: Coming, wallOffsetMs: number): Trouble {
  const why = refused?.problems[0] ?? coming.failure;
  if (why === undefined) return undefined;
  const retryAtMs = refused?.retryAtMs ?? coming.retryAtMs;
  const again = retryAtMs === undefined ? {} : { retryAtMs: retryAtMs + wallOffsetMs };
  return { code: why.code, message: why.message, ...again };
}

function endedTrouble(notAfterMs: number | undefined, nowMs: number): Trouble {
  if (notAfterMs === undefined || notAfterMs > nowMs) return undefined;
  return { code: 'CERTIFICATE_EXPIRING', message: 'it has ended' };
}
