/**
 * Fetches a hosted logo, or its evidence, as a receiver of mail would.
 * Not here: how it is fetched (https-probe.ts), which files are waited for (mail/bimi/files.ts).
 */
import { BIMI_EVIDENCE_BYTES_MAX } from '#base/limits/mail.ts';
import { mediaTypeOf } from '#mail/bimi/hosted-file.ts';
import { httpsProbe, type HttpsProbeOptions } from './https-probe.ts';

/** A function that fetches the hosted file of that name at a URL; rejects with a ProbeFailure. */
export type BimiProbe = (url: string, name: string) => Promise<Uint8Array>;

export function bimiProbe(options: HttpsProbeOptions): BimiProbe {
  const probe = httpsProbe(options);
  return (url, name) =>
    probe(url, { mediaType: mediaTypeOf(name), bytesMax: BIMI_EVIDENCE_BYTES_MAX, readers: 'receivers' });
}
