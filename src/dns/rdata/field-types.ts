/** Fields that hold RR types. Implements: RFC 4034 §3.1.1 (type covered), §4.1.2 (type bitmap), RFC 5155 §3.2.1, RFC 7477 §2.1.1.3. */
import { type Field, numberAt, putBytes, putNumber, refuse, takeRest, takeWord } from './field.ts';
import { decimal } from './field-number.ts';
import { typeCode, typeName } from './mnemonic.ts';
import { type RrType } from '#dns/types.ts';

/** One type by name; a bare number is read too. */
export function rrType(label: string): Field {
  return {
    label,
    parse(parse) {
      const token = takeWord(parse, label);
      if (token === undefined) return;
      const type = typeCode(token.text) ?? decimal(token.text, 0xffff);
      if (type === undefined) return refuse(parse, token, 'TYPE_UNKNOWN', `${label} ${JSON.stringify(token.text)} is no record type`);
      putNumber(parse, type, 2);
    },
    end: (_octets, at, limit) => (at + 2 <= limit ? at + 2 : -1),
    format: (octets, at) => typeName(numberAt(octets, at, 2)),
  };
}

/** The windows of RFC 4034 §4.1.2 for `types`, in any order, doubles allowed. */
export function encodeTypeBitmap(types: Iterable<RrType>): Uint8Array {
  const windows = new Map<number, Uint8Array>();
  const octets: number[] = [];
  for (const type of [...types].toSorted((a, b) => a - b)) {
    let bits = windows.get(type >> 8);
    if (bits === undefined) windows.set(type >> 8, (bits = new Uint8Array(32)));
    bits[(type & 0xff) >> 3]! |= 0x80 >> (type & 7);
  }
  for (const [window, bits] of windows) {
    const size = bits.findLastIndex((octet) => octet !== 0) + 1;
    octets.push(window, size, ...bits.subarray(0, size));
  }
  return new Uint8Array(octets);
}

/** Types of a well-formed bitmap, ascending. */
export function decodeTypeBitmap(octets: Uint8Array): RrType[] {
  const types: RrType[] = [];
  for (let at = 0; at < octets.length; at += 2 + octets[at + 1]!)
    for (let bit = 0; bit < octets[at + 1]! * 8; bit++)
      if ((octets[at + 2 + (bit >> 3)]! & (0x80 >> (bit & 7))) !== 0) types.push(octets[at]! * 256 + bit);
  return types;
}

/** Types to the end of the data. */
export function typeBitmap(label: string, mayBeEmpty: boolean): Field {
  return {
    label,
    parse(parse) {
      if (!mayBeEmpty && parse.next >= parse.tokens.length) takeWord(parse, label);
      const types: RrType[] = [];
      for (const token of takeRest(parse, label)) {
        const type = typeCode(token.text);
        if (type === undefined) refuse(parse, token, 'TYPE_UNKNOWN', `${label}: ${JSON.stringify(token.text)} is no record type`);
        else types.push(type);
      }
      putBytes(parse, encodeTypeBitmap(types));
    },
    end(octets, at, limit) {
      if (at === limit) return mayBeEmpty ? limit : -1;
      // RFC 4034 §4.1.2: windows ascend, have 1…32 octets, and no trailing zero octets.
      for (let start = at, previous = -1; start < limit;) {
        const window = octets[start]!;
        const size = start + 1 < limit ? octets[start + 1]! : 0;
        if (window <= previous || size === 0 || size > 32 || start + 2 + size > limit || octets[start + 1 + size] === 0) return -1;
        previous = window;
        start += 2 + size;
      }
      return limit;
    },
    format: (octets, at, end) => decodeTypeBitmap(octets.subarray(at, end)).map(typeName).join(' '),
  };
}
