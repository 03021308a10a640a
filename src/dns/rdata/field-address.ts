/** IPv4 and IPv6 addresses. Implements: RFC 1035 §3.4.1, RFC 3596 §2.2, RFC 4291 §2.2 (reading), RFC 5952 §4–5 (writing). */
import { type Field, type Parse, putBytes, refuse, takeWord } from './field.ts';

/** Four octets of dotted decimal, or undefined. Leading zeros are rejected: some programs read them as octal. */
export function parseIpv4(text: string): number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const octets: number[] = [];
  for (const part of parts) {
    if (!/^(?:0|[1-9][0-9]{0,2})$/.test(part)) return undefined;
    const octet = Number(part);
    if (octet > 255) return undefined;
    octets.push(octet);
  }
  return octets;
}

export function formatIpv4(octets: Uint8Array, at: number): string {
  return `${octets[at]}.${octets[at + 1]}.${octets[at + 2]}.${octets[at + 3]}`;
}

/** Sixteen octets of RFC 4291 §2.2 text, or undefined. No zone index. */
export function parseIpv6(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = ipv6Groups(halves[0]!, halves.length === 1);
  const tail = halves.length === 1 ? [] : ipv6Groups(halves[1]!, true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  // "::" stands for one group of zeros or more.
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return [...head, ...Array<number>(missing).fill(0), ...tail];
}

function ipv6Groups(text: string, ipv4Last: boolean): number[] | undefined {
  if (text === '') return [];
  const octets: number[] = [];
  const groups = text.split(':');
  for (const [at, group] of groups.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const value = Number.parseInt(group, 16);
      octets.push(value >> 8, value & 0xff);
    } else {
      const ipv4 = ipv4Last && at === groups.length - 1 ? parseIpv4(group) : undefined;
      if (ipv4 === undefined) return undefined;
      octets.push(...ipv4);
    }
  }
  return octets;
}

/** RFC 5952 text: lower-case, longest run of zero groups (the first of equals, never one alone) as `::`, IPv4-mapped in dotted form. */
export function formatIpv6(octets: Uint8Array, at: number): string {
  const groups: number[] = [];
  for (let each = 0; each < 8; each++) groups.push(octets[at + 2 * each]! * 256 + octets[at + 2 * each + 1]!);
  if (groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)) return `::ffff:${formatIpv4(octets, at + 12)}`;
  let bestStart = 0;
  let bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > bestLength) [bestStart, bestLength] = [start, length];
  }
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  return bestLength === 1 ? hex(groups) : `${hex(groups.slice(0, bestStart))}::${hex(groups.slice(bestStart + bestLength))}`;
}

function address(label: string, size: 4 | 16): Field {
  return {
    label,
    parse: (parse) => (size === 4 ? takeIpv4(parse, label) : takeIpv6(parse, label)),
    end: (_octets, at, limit) => (at + size <= limit ? at + size : -1),
    format: (octets, at) => (size === 4 ? formatIpv4(octets, at) : formatIpv6(octets, at)),
  };
}

export const ipv4 = (label: string): Field => address(label, 4);
export const ipv6 = (label: string): Field => address(label, 16);

export function takeIpv4(parse: Parse, label: string): void {
  const token = takeWord(parse, label);
  if (token === undefined) return;
  const octets = parseIpv4(token.text);
  if (octets === undefined)
    return refuse(parse, token, 'RDATA_VALUE', `${label} ${JSON.stringify(token.text)} is not an IPv4 address`, { rfc: 'RFC 1035 §3.4.1' });
  putBytes(parse, octets);
}

export function takeIpv6(parse: Parse, label: string): void {
  const token = takeWord(parse, label);
  if (token === undefined) return;
  const octets = parseIpv6(token.text);
  if (octets === undefined)
    return refuse(parse, token, 'RDATA_VALUE', `${label} ${JSON.stringify(token.text)} is not an IPv6 address`, { rfc: 'RFC 4291 §2.2' });
  putBytes(parse, octets);
}
