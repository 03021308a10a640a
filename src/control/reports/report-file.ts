/**
 * Takes a report out of what it was sent in: gzip, zip or nothing. Small files that unpack to large ones are refused before they do.
 * Implements: RFC 9990 §3.5.2 (gzip), RFC 8460 §5.2 (gzip). Zip is what drafts before RFC 7489 had; some receivers never changed.
 * Not here: zip archives (zip-file.ts), what reports say (mail/reports/dmarc-aggregate.ts, mail/reports/tls-report.ts).
 */
import { gunzipSync } from 'node:zlib';
import { REPORT_BYTES_MAX, REPORT_PACKED_BYTES_MAX } from '#base/limits/reports.ts';
import { WHOLE } from '#base/place.ts';
import { type Result, fail, ok, problem } from '#base/problem.ts';
import { unzipOnly } from './zip-file.ts';

export type ReportPacking = 'none' | 'gzip' | 'zip';

/** What `octets` begin like: for files, whose names say what they like. */
export function packingOf(octets: Uint8Array): ReportPacking {
  if (octets[0] === 0x1f && octets[1] === 0x8b) return 'gzip';
  return octets[0] === 0x50 && octets[1] === 0x4b && octets[2] === 3 && octets[3] === 4 ? 'zip' : 'none';
}

/** The report's own octets, REPORT_BYTES_MAX at most, or why there are none. */
export function unpackReport(octets: Uint8Array, packing: ReportPacking): Result<Uint8Array> {
  if (packing === 'none') return octets.length > REPORT_BYTES_MAX ? tooLarge() : ok(octets);
  if (octets.length > REPORT_PACKED_BYTES_MAX)
    return fail(problem('REPORT_SIZE', WHOLE, `packed it has more than ${REPORT_PACKED_BYTES_MAX} octets`));
  try {
    return ok(
      packing === 'gzip'
        ? gunzipSync(octets, { maxOutputLength: REPORT_BYTES_MAX })
        : unzipOnly(Buffer.from(octets.buffer, octets.byteOffset, octets.length), REPORT_BYTES_MAX),
    );
  } catch (error) {
    if (error instanceof RangeError) return tooLarge();
    const why = error instanceof Error ? error.message : String(error);
    return fail(problem('REPORT_PACKED', WHOLE, `it cannot be unpacked as ${packing}: ${why}`));
  }
}

function tooLarge(): Result<never> {
  return fail(problem('REPORT_SIZE', WHOLE, `unpacked it has more than ${REPORT_BYTES_MAX} octets`));
}
