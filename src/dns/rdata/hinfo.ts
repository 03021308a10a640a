/** A few character-strings. Implements: RFC 1035 §3.3.2 (HINFO), RFC 1183 §3.1 (X25), §3.2 (ISDN), RFC 1712 §3 (GPOS). */
import { latin1 } from '#base/bytes.ts';
import { type RdataForm } from './field.ts';
import { characterString, optionalCharacterString } from './field-text.ts';

export const HINFO: RdataForm = { fields: [characterString('CPU'), characterString('OS')] };

export const X25: RdataForm = {
  fields: [characterString('PSDN-address')],
  // RFC 1183 §3.1: a PSDN address of X.121 begins with a four-digit DNIC.
  check: (rdata) => (/^[0-9]{4,}$/.test(latin1(rdata.subarray(1))) ? undefined : 'a PSDN-address is four digits or more'),
};

export const ISDN: RdataForm = { fields: [characterString('ISDN-address'), optionalCharacterString('sa')] };

export const GPOS: RdataForm = {
  fields: [characterString('longitude'), characterString('latitude'), characterString('altitude')],
  check(rdata) {
    const texts: string[] = [];
    for (let at = 0; at < rdata.length; at += 1 + rdata[at]!) texts.push(latin1(rdata.subarray(at + 1, at + 1 + rdata[at]!)));
    // Which of the first two is the longitude, RFC 1712 tells one way in its text and the other in its examples: no range is checked.
    return texts.every((text) => /^[+-]?[0-9]+(?:\.[0-9]*)?$/.test(text))
      ? undefined
      : 'longitude, latitude and altitude are decimal numbers';
  },
};
