/**
 * Takes a report out of what it was sent in: gzip, zip, a mail message, one in the other, or nothing. What the octets
 * begin with decides, not what their sender calls them. Small files that unpack to large ones are rejected before they
 * do.
 * Implements: RFC 9990 §3.5.2 (gzip), RFC 8460 §5.2 (gzip). Zip is what drafts before RFC 7489 had; some receivers
 * never changed.
 * Not here: zip archives (zip-file.ts), messages (mail-message.ts), what reports say (mail/reports/).
 */
import { REPORT_BYTES_MAX, REPORT_PACKED_BYTES_MAX, REPORT_PACKINGS_MAX } from '#base/limits/reports.ts';
import { WHOLE } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { gunzip, isGzip } from '#mail/reports/gzip-file.ts';
import { type Attachment, attachmentsOf, isMessage } from './mail-message.ts';
import { isZip, unzipOnly } from './zip-file.ts';

export type ReportPacking = 'none' | 'gzip' | 'zip' | 'message';

/** What `octets` begin like: names and media types say what they like. */
export function packingOf(octets: Uint8Array): ReportPacking {
  if (isGzip(octets)) return 'gzip';
  if (isZip(octets)) return 'zip';
  return isMessage(octets) ? 'message' : 'none';
}

/** The report's own octets, REPORT_BYTES_MAX at most, or why there are none. */
export function unpackReport(octets: Uint8Array, depth = 0): Result<Uint8Array> {
  const packing = packingOf(octets);
  if (packing === 'none') return octets.length > REPORT_BYTES_MAX ? tooLarge() : ok(octets);
  if (depth >= REPORT_PACKINGS_MAX) return packed(`it is packed more than ${REPORT_PACKINGS_MAX} times`);
  if (packing !== 'message' && octets.length > REPORT_PACKED_BYTES_MAX)
    return fail(problem('REPORT_SIZE', WHOLE, `packed it has more than ${REPORT_PACKED_BYTES_MAX} octets`));
  const archive = Buffer.from(octets.buffer, octets.byteOffset, octets.length);
  if (packing === 'message') return unpackMessage(archive, depth);
  try {
    const inner = packing === 'gzip' ? gunzip(archive, REPORT_BYTES_MAX) : unzipOnly(archive, REPORT_BYTES_MAX);
    return unpackReport(inner, depth + 1);
  } catch (error) {
    // What zlib throws for more than it may write is one too.
    if (error instanceof RangeError) return tooLarge();
    return packed(`it cannot be unpacked as ${packing}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const REPORT_TYPE = /^(?:application|text)\/(?:(?:x-)?gzip|x-gunzip|zip|x-zip(?:-compressed)?|xml|json|tlsrpt\+(?:gzip|json))$/;
const REPORT_NAME = /\.(?:xml|json|gz|gzip|zip)$/i;

function isReport({ type, name, octets }: Attachment): boolean {
  return REPORT_TYPE.test(type) || REPORT_NAME.test(name) || isGzip(octets) || isZip(octets);
}

/** The one report that is attached to a message. */
function unpackMessage(message: Buffer, depth: number): Result<Uint8Array> {
  const reports = attachmentsOf(message).filter(isReport);
  const [report] = reports;
  if (report === undefined)
    return packed('it is a mail message without a report attached', 'give the report itself, or the whole message with its attachment');
  if (reports.length > 1) {
    const names = reports.map(({ name, type }) => (name === '' ? type : name)).join(', ');
    return packed(`it is a mail message with ${reports.length} reports: ${names.slice(0, 200)}`, 'give them one by one');
  }
  return unpackReport(report.octets, depth + 1);
}

function packed(message: string, fix?: string): Result<never> {
  return fail(problem('REPORT_PACKED', WHOLE, message, fix === undefined ? {} : { fix }));
}

function tooLarge(): Result<never> {
  return fail(problem('REPORT_SIZE', WHOLE, `unpacked it has more than ${REPORT_BYTES_MAX} octets`));
}
