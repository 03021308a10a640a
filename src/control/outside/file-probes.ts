/**
 * Fetches what mail servers fetch by HTTPS: an MTA-STS policy body as a server that sends mail would, a hosted logo or
 * its evidence as a receiver would.
 * Implements: RFC 8461 §3.3 (HTTPS, certificate, no redirects, no caching, media type, size, time).
 * Not here: how it is fetched (https-probe.ts), which body or file is waited for (mail/mta-sts/lifecycle.ts,
 * mail/bimi/files.ts).
 */
import { BIMI_EVIDENCE_BYTES_MAX, STS_POLICY_BYTES_MAX } from '#base/limits/mail.ts';
import { mediaTypeOf } from '#mail/bimi/hosted-file.ts';
import { httpsProbe, type HttpsProbeOptions } from './https-probe.ts';

const STS_BODY = { mediaType: 'text/plain', bytesMax: STS_POLICY_BYTES_MAX, readers: 'senders' } as const;

/** Fetches the body at a URL; `certificateEnds` hears when each certificate that was shown ends, wall time. */
export type StsProbe = (url: string, certificateEnds?: (atMs: number) => void) => Promise<string>;

/** A function that fetches the body at a URL from every address of its host; rejects with a ProbeFailure. */
export function stsProbe(options: HttpsProbeOptions): StsProbe {
  const probe = httpsProbe(options);
  return async (url, certificateEnds) => (await probe(url, { ...STS_BODY, certificateEnds })).toString('utf8');
}

/** A function that fetches the hosted file of that name at a URL; rejects with a ProbeFailure. */
export type BimiProbe = (url: string, name: string) => Promise<Uint8Array>;

export function bimiProbe(options: HttpsProbeOptions): BimiProbe {
  const probe = httpsProbe(options);
  return (url, name) =>
    probe(url, { mediaType: mediaTypeOf(name), bytesMax: BIMI_EVIDENCE_BYTES_MAX, readers: 'receivers' });
}
