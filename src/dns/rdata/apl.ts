/** Address prefix lists. Implements: RFC 3123 §4 (wire), §5 (presentation). */
import { type Field, type RdataForm, numberAt, putBytes, putNumber, refuse, takeRest } from './field.ts';
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from './field-address.ts';
import { decimal } from './field-number.ts';

/** RFC 3123 §4.1–4.2: address family numbers; octets of a whole address. */
const FAMILY_BYTES: ReadonlyMap<number, 4 | 16> = new Map([
  [1, 4],
  [2, 16],
]);

const items: Field = {
  label: 'address prefix',
  parse(parse) {
    for (const token of takeRest(parse, 'address prefix')) {
      const parts = /^(!?)([12]):([^/]+)\/([0-9]{1,3})$/.exec(token.text);
      const address = parts?.[2] === '1' ? parseIpv4(parts[3]!) : parseIpv6(parts?.[3] ?? '');
      const prefix = decimal(parts?.[4] ?? '', (address?.length ?? 0) * 8);
      if (parts === null || address === undefined || prefix === undefined) {
        refuse(parse, token, 'RDATA_SYNTAX', `${JSON.stringify(token.text)} is not an address prefix`, {
          rfc: 'RFC 3123 §5',
          fix: 'write it as 1:192.0.2.0/24, 2:2001:db8::/32, or with ! before it',
        });
        continue;
      }
      // RFC 3123 §4: trailing zero octets are left out.
      const significant = address.slice(0, address.findLastIndex((octet) => octet !== 0) + 1);
      putNumber(parse, Number(parts[2]), 2);
      putBytes(parse, [prefix, (parts[1] === '!' ? 0x80 : 0) | significant.length, ...significant]);
    }
  },
  end(octets, at, limit) {
    for (let start = at; start < limit;) {
      if (start + 4 > limit) return -1;
      const size = octets[start + 3]! & 0x7f;
      const next = start + 4 + size;
      const family = FAMILY_BYTES.get(numberAt(octets, start, 2));
      if (next > limit || (size > 0 && octets[next - 1] === 0)) return -1;
      if (family !== undefined && (size > family || octets[start + 2]! > family * 8)) return -1;
      start = next;
    }
    return limit;
  },
  format(octets, at, end) {
    const texts: string[] = [];
    for (let start = at; start < end;) {
      const family = numberAt(octets, start, 2);
      const size = FAMILY_BYTES.get(family);
      if (size === undefined) return undefined;
      const next = start + 4 + (octets[start + 3]! & 0x7f);
      const address = new Uint8Array(size);
      address.set(octets.subarray(start + 4, next));
      const text = size === 4 ? formatIpv4(address, 0) : formatIpv6(address, 0);
      texts.push(`${octets[start + 3]! >= 0x80 ? '!' : ''}${family}:${text}/${octets[start + 2]}`);
      start = next;
    }
    return texts.join(' ');
  },
};

export const APL: RdataForm = { fields: [items] };
