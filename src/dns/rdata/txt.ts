/**
 * Types whose data is one character-string or more.
 * Implements: RFC 1035 §3.3.14 (TXT), RFC 7208 §3.1 (SPF, type 99), RFC 9606 §4 (RESINFO); AVC, NINFO, WALLET by their IANA templates.
 */
import { CHARACTER_STRING_BYTES_MAX } from '#base/limits/dns.ts';
import { type RdataForm } from './field.ts';
import { characterStrings } from './field-text.ts';

/** TXT, SPF, AVC, NINFO: readers join the strings, so where one is cut does not matter. */
export const TXT: RdataForm = { fields: [characterStrings('text')] };
/** RESINFO, WALLET: each string says something of its own. */
export const STRINGS: RdataForm = { fields: [characterStrings('string')] };

/** Wire form of at least one string of any length; what is longer than a character-string is split. */
export function textRdata(strings: readonly Uint8Array[]): Uint8Array {
  const parts = strings.flatMap(splitString);
  const rdata = new Uint8Array(parts.reduce((length, part) => length + 1 + part.length, 0));
  let at = 0;
  for (const part of parts) {
    rdata[at] = part.length;
    rdata.set(part, at + 1);
    at += 1 + part.length;
  }
  return rdata;
}

/** Pieces of at most 255 octets; one empty piece of an empty string. */
export function splitString(octets: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < octets.length || at === 0; at += CHARACTER_STRING_BYTES_MAX)
    parts.push(octets.subarray(at, at + CHARACTER_STRING_BYTES_MAX));
  return parts;
}
