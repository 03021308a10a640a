/** Data of any type as octets: `\# length hex`. Implements: RFC 3597 §5. */
import { toHex } from '#base/bytes.ts';
import { RDATA_BYTES_MAX } from '#base/limits/dns.ts';
import { type Parse, type RdataForm, putBytes, refuse, takeRest, takeWord } from './field.ts';
import { takeNumber } from './field-number.ts';

/** Takes the whole of `\# length hex…`. */
export function parseUnknown(parse: Parse): void {
  const rfc = 'RFC 3597 §5';
  const marker = takeWord(parse, '\\#');
  if (marker === undefined) return;
  if (marker.text !== '\\#')
    return refuse(parse, marker, 'RDATA_SYNTAX', 'this type has no text form of its own', { rfc, fix: 'write \\# LENGTH HEX' });
  const length = takeNumber(parse, 'length', RDATA_BYTES_MAX);
  const at = parse.tokens[parse.next] ?? marker;
  const hex = takeRest(parse, 'data')
    .map((token) => token.text)
    .join('');
  if (length === undefined) return;
  if (!/^(?:[0-9a-f]{2})*$/i.test(hex)) return refuse(parse, at, 'RDATA_SYNTAX', 'the data is not whole octets in hexadecimal', { rfc });
  if (hex.length !== length * 2)
    return refuse(parse, at, 'RDATA_VALUE', `${length} octets are announced, ${hex.length / 2} are there`, { rfc });
  putBytes(parse, Buffer.from(hex, 'hex'));
}

export function formatUnknown(rdata: Uint8Array): string {
  return rdata.length === 0 ? '\\# 0' : `\\# ${rdata.length} ${toHex(rdata)}`;
}

/** RFC 1035 §3.3.10: anything at all, and no text form. */
export const NULL: RdataForm = {
  fields: [{ label: 'data', parse: parseUnknown, end: (_octets, _at, limit) => limit, format: () => undefined }],
};
