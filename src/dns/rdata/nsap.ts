/**
 * Addresses and locators of other networks, in hexadecimal.
 * Implements: RFC 1706 §5 (NSAP), af-saa-0069.000 §5.2 (ATMA); EID and NIMLOC of draft-ietf-nimrod-dns-02 §4.
 */
import { latin1 } from '#base/bytes.ts';
import { type Field, type RdataForm, putBytes, putNumber, refuse, takeWord } from './field.ts';
import { hexOctets, hexRest } from './field-binary.ts';

/** `0x47.0005.80…`: dots anywhere between octets are for the reader's eye (RFC 1706 §5). */
const nsap: Field = {
  label: 'NSAP',
  parse(parse) {
    const token = takeWord(parse, 'NSAP');
    if (token === undefined) return;
    const octets = /^0x/i.test(token.text) ? hexOctets(token.text.slice(2).replaceAll('.', '')) : undefined;
    if (octets === undefined || octets.length === 0)
      return refuse(parse, token, 'RDATA_SYNTAX', `NSAP ${JSON.stringify(token.text)} is not 0x and hexadecimal digits`, {
        rfc: 'RFC 1706 §5',
      });
    putBytes(parse, octets);
  },
  end: (_octets, at, limit) => (at < limit ? limit : -1),
  format: (octets, at, end) => `0x${Buffer.from(octets.subarray(at, end)).toString('hex').toUpperCase()}`,
};

export const NSAP: RdataForm = { fields: [nsap] };
export const EID: RdataForm = { fields: [hexRest('end-point identifier')] };
export const NIMLOC: RdataForm = { fields: [hexRest('locator')] };

/** Format octet 0: an AESA in hexadecimal; 1: an E.164 number, written with `+`. */
const atma: Field = {
  label: 'ATM address',
  parse(parse) {
    const token = takeWord(parse, 'ATM address');
    if (token === undefined) return;
    const number = /^\+[0-9.]*[0-9][0-9.]*$/.test(token.text) ? token.text.slice(1).replaceAll('.', '') : undefined;
    const octets = number === undefined ? hexOctets(token.text.replaceAll('.', '')) : Buffer.from(number, 'latin1');
    if (octets === undefined || octets.length === 0)
      return refuse(parse, token, 'RDATA_SYNTAX', `ATM address ${JSON.stringify(token.text)} is neither hexadecimal nor + and digits`);
    putNumber(parse, number === undefined ? 0 : 1, 1);
    putBytes(parse, octets);
  },
  end(octets, at, limit) {
    if (at + 1 >= limit || octets[at]! > 1) return -1;
    return octets[at] === 0 || octets.subarray(at + 1, limit).every((octet) => octet >= 0x30 && octet <= 0x39) ? limit : -1;
  },
  format: (octets, at, end) =>
    octets[at] === 1
      ? `+${latin1(octets.subarray(at + 1, end))}`
      : Buffer.from(octets.subarray(at + 1, end))
          .toString('hex')
          .toUpperCase(),
};

export const ATMA: RdataForm = { fields: [atma] };
