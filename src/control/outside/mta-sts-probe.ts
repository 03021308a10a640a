/**
 * Fetches an MTA-STS policy body as a server that sends mail would.
 * Implements: RFC 8461 §3.3 (HTTPS, certificate, no redirects, no caching, media type, size, time).
 * Not here: how it is fetched (https-probe.ts), which body is waited for (mail/mta-sts/lifecycle.ts).
 */
import { STS_POLICY_BYTES_MAX } from '#base/limits/mail.ts';
import { httpsProbe, type HttpsProbeOptions } from './https-probe.ts';

const WANTED = { mediaType: 'text/plain', bytesMax: STS_POLICY_BYTES_MAX, readers: 'senders' } as const;

/** Fetches the body at a URL; `certificateEnds` hears when each certificate that was shown ends, wall time. */
export type StsProbe = (url: string, certificateEnds?: (atMs: number) => void) => Promise<string>;

/** A function that fetches the body at a URL from every address of its host; rejects with a ProbeFailure. */
export function stsProbe(options: HttpsProbeOptions): StsProbe {
  const probe = httpsProbe(options);
  return async (url, certificateEnds) => (await probe(url, { ...WANTED, certificateEnds })).toString('utf8');
}
