/**
 * Hosts BIMI logos and their evidence: `https://bimi.<zone>/bimi/<hash>.svg` is a file that the zone's life of logos
 * serves now, octet for octet. An SVG is a document that browsers run, so it is sent with a policy that lets it do
 * nothing.
 * Implements: draft-brand-indicators-for-message-identification-12 §4.3 (HTTPS), RFC 8555 §9.1 (media type of
 * evidence), Content Security Policy 3 ("sandbox").
 * Not here: which files those are (mail/bimi/files.ts), HTTP (request.ts).
 */
import { HTTPS_ANSWERS_BYTES_MAX } from '#base/limits/https.ts';
import { servedFiles } from '#mail/bimi/files.ts';
import { BIMI_HOST_LABEL, hostedFileOfPath, mediaTypeOf } from '#mail/bimi/hosted-file.ts';
import { readHostedFile } from '#store/hosted/files.ts';
import { readMailState } from '#store/mail/state.ts';
import { type StoreReader } from '#store/reader.ts';
import { type HostedResource, type HostedSource, WEB_HEADERS } from './hosted.ts';
import { zonesOf } from './zone-of-host.ts';

const PREFIX = `${BIMI_HOST_LABEL}.`;
const HEADERS = {
  // Another logo has another URL. A day: after that, what is no longer served is no longer shown from caches.
  'cache-control': 'public, max-age=86400, immutable',
  ...WEB_HEADERS,
  // No script, no style sheet, no font, no request, no frame around it, no origin.
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  // Mail programs on the web show it as an image in their own pages.
  'cross-origin-resource-policy': 'cross-origin',
  'referrer-policy': 'no-referrer',
} as const;

/** Over the snapshot of `reader`: what was found is kept until it moves. */
export function bimiFiles(reader: StoreReader, answersBytesMax = HTTPS_ANSWERS_BYTES_MAX): HostedSource {
  const kept = new Map<string, HostedResource>();
  let keptBytes = 0;
  let generation = -1;
  return {
    find(host, path) {
      const file = host.startsWith(PREFIX) ? hostedFileOfPath(path) : undefined;
      if (file === undefined) return undefined;
      if (reader.generation() !== generation || keptBytes > answersBytesMax) {
        kept.clear();
        keptBytes = 0;
        generation = reader.generation();
      }
      const key = `${host} ${file}`;
      const known = kept.get(key);
      if (known !== undefined) return known;
      const body = bodyOf(reader, host, file);
      if (body === undefined) return undefined;
      const headers = { ...HEADERS, 'content-type': mediaTypeOf(file), etag: `"${file}"` };
      const found = { get: { status: 200, headers, body } };
      kept.set(key, found);
      keptBytes += body.length;
      return found;
    },
  };
}

/** Of the zone above the host alone: one of this very name is another domain. */
function bodyOf(reader: StoreReader, host: string, file: string): Uint8Array | undefined {
  const [zone] = zonesOf(reader, host);
  if (zone?.name !== `${host.slice(PREFIX.length)}.`) return undefined;
  const hosted = readMailState(reader, zone.id)?.bimi;
  if (hosted === undefined || !servedFiles(hosted).includes(file)) return undefined;
  return readHostedFile(reader, zone.id, file);
}
