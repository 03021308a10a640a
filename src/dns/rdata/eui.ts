/** Identifiers in groups of hexadecimal digits. Implements: RFC 7043 §3–4 (EUI48, EUI64), RFC 6742 §2.1–2.3 (NID, L32, L64). */
import { type Field, type RdataForm, putBytes, refuse, takeWord } from './field.ts';
import { ipv4 } from './field-address.ts';
import { hexOctets } from './field-binary.ts';
import { u16 } from './field-number.ts';

/** `groups` of `digits` hexadecimal digits with `separator` between. */
function grouped(label: string, groups: number, digits: 2 | 4, separator: '-' | ':'): Field {
  const size = (groups * digits) / 2;
  const form = new RegExp(`^[0-9a-f]{${digits}}(?:${separator}[0-9a-f]{${digits}}){${groups - 1}}$`, 'i');
  // RFC 6742 §2.1.2: leading zeros of a group may be left out.
  const shortForm = new RegExp(`^[0-9a-f]{1,${digits}}(?:${separator}[0-9a-f]{1,${digits}}){${groups - 1}}$`, 'i');
  return {
    label,
    parse(parse) {
      const token = takeWord(parse, label);
      if (token === undefined) return;
      if (!(digits === 4 ? shortForm : form).test(token.text))
        return refuse(
          parse,
          token,
          'RDATA_SYNTAX',
          `${label} ${JSON.stringify(token.text)} is not ${groups} groups of hexadecimal digits with "${separator}" between`,
        );
      const hex = token.text
        .split(separator)
        .map((group) => group.padStart(digits, '0'))
        .join('');
      putBytes(parse, hexOctets(hex)!);
    },
    end: (_octets, at, limit) => (at + size <= limit ? at + size : -1),
    format(octets, at, end) {
      const hex = Buffer.from(octets.subarray(at, end)).toString('hex');
      return Array.from({ length: groups }, (_, group) => hex.slice(group * digits, (group + 1) * digits)).join(separator);
    },
  };
}

export const EUI48: RdataForm = { fields: [grouped('address', 6, 2, '-')] };
export const EUI64: RdataForm = { fields: [grouped('address', 8, 2, '-')] };
export const NID: RdataForm = { fields: [u16('preference'), grouped('NodeID', 4, 4, ':')] };
export const L64: RdataForm = { fields: [u16('preference'), grouped('Locator64', 4, 4, ':')] };
export const L32: RdataForm = { fields: [u16('preference'), ipv4('Locator32')] };
