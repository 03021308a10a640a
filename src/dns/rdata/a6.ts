/** IPv6 address by prefix. Implements: RFC 2874 §3.1 (historic, RFC 6563; still read by name). */
import { type Field, type RdataForm, putBytes, refuse, takeWord, hasMore } from './field.ts';
import { formatIpv6, parseIpv6 } from './field-address.ts';
import { name, NAME_LOWERED } from './field-name.ts';
import { u8 } from './field-number.ts';

/** Octets that hold the 128 − `prefix` bits of an address suffix. */
const suffixBytes = (prefix: number) => 16 - (prefix >> 3);
/** Bits of the suffix's first octet that belong to the prefix, and are zero. */
const paddingMask = (prefix: number) => (0xff00 >> (prefix & 7)) & 0xff;

const suffix: Field = {
  label: 'address suffix',
  parse(parse) {
    const prefix = parse.octets[parse.length - 1] ?? 0;
    if (parse.problems.length > 0 || prefix >= 128) return;
    const token = takeWord(parse, 'address suffix');
    if (token === undefined) return;
    const address = parseIpv6(token.text);
    if (address === undefined)
      return refuse(parse, token, 'RDATA_VALUE', `address suffix ${JSON.stringify(token.text)} is not an IPv6 address`);
    const octets = address.slice(16 - suffixBytes(prefix));
    octets[0]! &= ~paddingMask(prefix);
    putBytes(parse, octets);
  },
  end(octets, at, limit) {
    const prefix = octets[at - 1]!;
    if (prefix > 128) return -1;
    const size = suffixBytes(prefix);
    if (at + size > limit) return -1;
    return size > 0 && (octets[at]! & paddingMask(prefix)) !== 0 ? -1 : at + size;
  },
  format(octets, at, end) {
    if (end === at) return '';
    const address = new Uint8Array(16);
    address.set(octets.subarray(at, end), 16 - (end - at));
    return formatIpv6(address, 0);
  },
};

const plainName = name('prefix name', NAME_LOWERED);

const prefixName: Field = {
  ...plainName,
  parse: (parse) => (hasMore(parse) ? plainName.parse(parse) : undefined),
  end: (octets, at, limit) => (at === limit ? at : plainName.end(octets, at, limit)),
  format: (octets, at, end) => (at === end ? '' : plainName.format(octets, at, end)),
};

export const A6: RdataForm = {
  fields: [u8('prefix length'), suffix, prefixName],
  check(rdata) {
    const prefix = rdata[0]!;
    if (prefix > 128) return `the prefix length is ${prefix}, at most 128`;
    const hasName = rdata.length > 1 + suffixBytes(prefix);
    // RFC 2874 §3.1.1: the name is there exactly when the prefix has a length.
    return hasName === prefix > 0 ? undefined : prefix > 0 ? 'the prefix name is missing' : 'a prefix of length 0 has no name';
  },
};
