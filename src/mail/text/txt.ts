/**
 * One logical text as TXT RDATA and back: mail records are longer than the 255 octets that one character-string holds.
 * Implements: RFC 1035 §3.3.14, RFC 7208 §3.3 and RFC 6376 §3.6.2.2 (strings are joined with nothing between them).
 * Not here: presentation form (dns/rdata/field-text.ts).
 */
import { assert } from '#base/assert.ts';
import { fromLatin1, latin1 } from '#base/bytes.ts';
import { RDATA_BYTES_MAX } from '#base/limits/dns.ts';
import { textRdata } from '#dns/rdata/txt.ts';

/** TXT RDATA in wire form that says `text` (one character per octet). Asserts that it fits into one record. */
export function txtRdata(text: string): Uint8Array {
  assert(!/[^\0-\u{ff}]/u.test(text), 'TXT data is one character per octet');
  const rdata = textRdata([fromLatin1(text)]);
  assert(rdata.length <= RDATA_BYTES_MAX, `TXT data of ${rdata.length} octets`);
  return rdata;
}

/** The text that well-formed TXT RDATA says: its strings joined, one character per octet. */
export function txtText(rdata: Uint8Array): string {
  let text = '';
  for (let at = 0; at < rdata.length; at += 1 + rdata[at]!) text += latin1(rdata.subarray(at + 1, at + 1 + rdata[at]!));
  return text;
}
