/** Host identity. Implements: RFC 8005 §5 (wire), §6 (presentation). */
import { type Field, type NameSpan, type RdataForm, numberAt, hasMore, putBytes, putNumber, refuse, takeWord } from './field.ts';
import { BASE64, decode, HEX } from './field-binary.ts';
import { takeName } from './field-name.ts';
import { takeNumber } from './field-number.ts';
import { formatName, nameLengthAt } from '#dns/name.ts';

/** HIT length, PK algorithm, PK length. */
const HEAD_BYTES = 4;

const hip: Field = {
  label: 'host identity',
  parse(parse) {
    const algorithm = takeNumber(parse, 'PK algorithm', 255) ?? 0;
    const hitToken = takeWord(parse, 'HIT');
    const hit = hitToken === undefined ? undefined : decode(parse, hitToken, 'HIT', HEX);
    const keyToken = takeWord(parse, 'public key');
    const key = keyToken === undefined ? undefined : decode(parse, keyToken, 'public key', BASE64);
    if (hit !== undefined && (hit.length === 0 || hit.length > 255))
      refuse(parse, hitToken, 'RDATA_VALUE', `HIT has ${hit.length} octets instead of 1…255`, { rfc: 'RFC 8005 §5.1' });
    if (key !== undefined && (key.length === 0 || key.length > 0xffff))
      refuse(parse, keyToken, 'RDATA_VALUE', 'public key is empty or too long');
    putBytes(parse, [(hit?.length ?? 0) & 0xff, algorithm]);
    putNumber(parse, key?.length ?? 0, 2);
    putBytes(parse, hit ?? []);
    putBytes(parse, key ?? []);
    while (hasMore(parse)) takeName(parse, 'rendezvous server');
  },
  end(octets, at, limit) {
    if (at + HEAD_BYTES > limit) return -1;
    const hitLength = octets[at]!;
    const keyLength = numberAt(octets, at + 2, 2);
    let end = at + HEAD_BYTES + hitLength + keyLength;
    if (hitLength === 0 || keyLength === 0 || end > limit) return -1;
    while (end < limit) {
      const length = nameLengthAt(octets, end);
      if (length === 0 || end + length > limit) return -1;
      end += length;
    }
    return end;
  },
  format(octets, at, end) {
    const keyAt = at + HEAD_BYTES + octets[at]!;
    const keyEnd = keyAt + numberAt(octets, at + 2, 2);
    const servers = serverSpans(octets, at, end).map(({ offset, length }) => formatName(octets.subarray(offset, offset + length)));
    return [
      octets[at + 1],
      HEX.write(octets.subarray(at + HEAD_BYTES, keyAt)),
      BASE64.write(octets.subarray(keyAt, keyEnd)),
      ...servers,
    ].join(' ');
  },
  names: serverSpans,
};

function serverSpans(octets: Uint8Array, at: number, end: number): NameSpan[] {
  const spans: NameSpan[] = [];
  for (let offset = at + HEAD_BYTES + octets[at]! + numberAt(octets, at + 2, 2); offset < end;) {
    const length = nameLengthAt(octets, offset);
    spans.push({ offset, length, compressible: false });
    offset += length;
  }
  return spans;
}

export const HIP: RdataForm = { fields: [hip] };
