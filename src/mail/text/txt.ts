/**
 * One logical text as TXT RDATA and back: mail records are longer than the 255 octets that one character-string holds.
 * Implements: RFC 1035 §3.3.14, RFC 7208 §3.3 and RFC 6376 §3.6.2.2 (strings are joined with nothing between them).
 * Not here: presentation form (dns/rdata/field-text.ts).
 */
import { assert } from '#base/assert.ts';
import { fromLatin1, latin1 } from '#base/bytes.ts';
import { CHARACTER_STRING_BYTES_MAX, RDATA_BYTES_MAX } from '#base/limits/limits.ts';

/** The octets of `text` in pieces of at most 255; one empty piece for an empty text, since a TXT record has at least one string. */
export function splitStrings(text: string): Uint8Array[] {
  assert(!/[^\0-\u{ff}]/u.test(text), 'TXT data is one character per octet');
  const octets = fromLatin1(text);
  const strings: Uint8Array[] = [];
  for (let at = 0; at < octets.length; at += CHARACTER_STRING_BYTES_MAX) strings.push(octets.subarray(at, at + CHARACTER_STRING_BYTES_MAX));
  return strings.length === 0 ? [octets] : strings;
}

/** TXT RDATA in wire form that says `text` (one character per octet). Asserts that it fits into one record. */
export function txtRdata(text: string): Uint8Array {
  const strings = splitStrings(text);
  const rdata = new Uint8Array(strings.reduce((length, each) => length + 1 + each.length, 0));
  assert(rdata.length <= RDATA_BYTES_MAX, `TXT data of ${rdata.length} octets`);
  let at = 0;
  for (const each of strings) {
    rdata[at] = each.length;
    rdata.set(each, at + 1);
    at += 1 + each.length;
  }
  return rdata;
}

/** The text that well-formed TXT RDATA says: its strings joined, one character per octet. */
export function txtText(rdata: Uint8Array): string {
  let text = '';
  for (let at = 0; at < rdata.length; at += 1 + rdata[at]!) text += latin1(rdata.subarray(at + 1, at + 1 + rdata[at]!));
  return text;
}
