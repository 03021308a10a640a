/**
 * Denial and child synchronisation: what has a type bitmap.
 * Implements: RFC 4034 §4 with RFC 6840 §5.1 (NSEC), RFC 5155 §3–4 (NSEC3, NSEC3PARAM), RFC 7477 §2.1 (CSYNC), RFC 2535 §5 (NXT).
 */
import { nsec3HashAlgorithm } from './algorithm.ts';
import { type Field, type RdataForm, putBytes, refuse, takeRest } from './field.ts';
import { countedBase32Hex, countedHexOrDash } from './field-binary.ts';
import { name, NAME_LEGACY, NAME_PLAIN } from './field-name.ts';
import { decimal, u16, u32, u8 } from './field-number.ts';
import { typeBitmap } from './field-types.ts';
import { typeCode, typeName } from './mnemonic.ts';

/** RFC 4034 §4.1.2: the RRSIG and NSEC bits of an NSEC are set, so its bitmap is never empty. */
export const NSEC: RdataForm = { fields: [name('next domain name', NAME_PLAIN), typeBitmap('types', false)] };

export const NSEC3: RdataForm = {
  fields: [
    nsec3HashAlgorithm('hash algorithm'),
    u8('flags'),
    u16('iterations'),
    countedHexOrDash('salt'),
    countedBase32Hex('next hashed owner name'),
    typeBitmap('types', true),
  ],
  // RFC 5155 §3.2, §11: algorithm 1 is SHA-1, 20 octets.
  check: (rdata) =>
    rdata[0] === 1 && rdata[5 + rdata[4]!] !== 20 ? `a SHA-1 hash has 20 octets, here are ${rdata[5 + rdata[4]!]}` : undefined,
};

export const NSEC3PARAM: RdataForm = {
  fields: [nsec3HashAlgorithm('hash algorithm'), u8('flags'), u16('iterations'), countedHexOrDash('salt')],
};

export const CSYNC: RdataForm = { fields: [u32('SOA serial'), u16('flags'), typeBitmap('types', true)] };

/** RFC 2535 §5.2: one bit for each type up to 127, no trailing zero octets; bit 0 set means a format that was never made. */
const nxtBitmap: Field = {
  label: 'types',
  parse(parse) {
    const bits = new Uint8Array(16);
    for (const token of takeRest(parse, 'types')) {
      // BIND writes a type without a name as its bare number here.
      const type = typeCode(token.text) ?? decimal(token.text, 127);
      if (type === undefined || type === 0 || type > 127)
        refuse(parse, token, 'TYPE_UNKNOWN', `types: ${JSON.stringify(token.text)} has no bit in an NXT`);
      else bits[type >> 3]! |= 0x80 >> (type & 7);
    }
    putBytes(parse, bits.subarray(0, bits.findLastIndex((octet) => octet !== 0) + 1));
  },
  end: (octets, at, limit) => (limit - at <= 16 && (limit === at || (octets[limit - 1] !== 0 && (octets[at]! & 0x80) === 0)) ? limit : -1),
  format(octets, at, end) {
    const names: string[] = [];
    for (let bit = 0; bit < (end - at) * 8; bit++) if ((octets[at + (bit >> 3)]! & (0x80 >> (bit & 7))) !== 0) names.push(typeName(bit));
    return names.join(' ');
  },
};

export const NXT: RdataForm = { fields: [name('next domain name', NAME_LEGACY), nxtBitmap] };
