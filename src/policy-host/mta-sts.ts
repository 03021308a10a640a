/**
 * Hosts the policies of MTA-STS: `https://mta-sts.<zone>/.well-known/mta-sts.txt` is the body that the zone's life of
 * MTA-STS serves now, octet for octet.
 * Implements: RFC 8461 §3.2 (body, CRLF), §3.3 (path, media type).
 * Not here: which body that is (mail/mta-sts/lifecycle.ts), HTTP (request.ts).
 */
import { HTTPS_ANSWERS_BYTES_MAX } from '#base/limits/https.ts';
import { servedBody } from '#mail/mta-sts/lifecycle.ts';
import { formatStsPolicy } from '#mail/mta-sts/record.ts';
import { readMailState } from '#store/mail/state.ts';
import { type StoreReader } from '#store/reader.ts';
import { type HostedResource, type HostedSource, WEB_HEADERS } from './hosted.ts';
import { zoneNamed } from './zone-of-host.ts';

const PREFIX = 'mta-sts.';
const PATH = '/.well-known/mta-sts.txt';
/**
 * RFC 8461 §3.3: `text/plain`. Senders do not cache by HTTP; `no-store` keeps whatever stands between from doing so,
 * because the id in DNS says when a body has changed.
 */
const HEADERS = {
  'content-type': 'text/plain; charset=utf-8',
  'cache-control': 'no-store',
  ...WEB_HEADERS,
} as const;

/** Over the snapshot of `reader`: what was found is kept until it moves. */
export function mtaStsPolicies(reader: StoreReader, answersBytesMax = HTTPS_ANSWERS_BYTES_MAX): HostedSource {
  const kept = new Map<string, HostedResource>();
  let keptBytes = 0;
  let generation = -1;
  return {
    find(host, path) {
      if (path !== PATH || !host.startsWith(PREFIX)) return undefined;
      if (reader.generation() !== generation || keptBytes > answersBytesMax) {
        kept.clear();
        keptBytes = 0;
        generation = reader.generation();
      }
      const known = kept.get(host);
      if (known !== undefined) return known;
      const body = bodyOf(reader, host.slice(PREFIX.length));
      if (body === undefined) return undefined;
      const found = { get: { status: 200, headers: HEADERS, body } };
      kept.set(host, found);
      keptBytes += body.length;
      return found;
    },
  };
}

function bodyOf(reader: StoreReader, zone: string): Uint8Array | undefined {
  const record = zoneNamed(reader, zone);
  const mail = record === undefined ? undefined : readMailState(reader, record.id);
  const served = mail === undefined ? undefined : servedBody(mail.mtaSts);
  return served === undefined ? undefined : Buffer.from(formatStsPolicy(served.data.policy), 'utf8');
}
