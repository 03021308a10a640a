/**
 * Where a query came from, as octets: one object for a socket's whole life, filled anew for each query, so that nothing is allocated.
 * Not here: addresses to listen on, networks as text (address.ts).
 */
import { equalBytes } from './bytes.ts';

export interface ClientAddress {
  /** Network order; IPv4 uses the first four of sixteen. */
  readonly octets: Uint8Array;
  /** 4, 16, or 0 while it is not known. */
  length: number;
  /** What the handshake of TLS has shown; absent: there was none. */
  secured?: SecuredBy;
}

export interface SecuredBy {
  /** TLS 1.3 or later. */
  readonly isLatest: boolean;
  /** SHA-256 of the public key of the client's certificate, base64; undefined: it has shown none. */
  readonly pin: () => string | undefined;
}

export const IPV4_BYTES = 4;
export const IPV6_BYTES = 16;

export function newClientAddress(): ClientAddress {
  return { octets: new Uint8Array(IPV6_BYTES), length: 0 };
}

/**
 * Takes an address as node writes it: `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0`. An IPv4-mapped IPv6 address becomes IPv4, so that a client
 * is the same one whichever socket it uses. Anything else gives length 0.
 */
export function setClientAddress(client: ClientAddress, text: string): void {
  client.length = text.includes(':') ? readIpv6(client.octets, text) : readIpv4(client.octets, 0, text, 0) ? IPV4_BYTES : 0;
}

/** Takes an address of 4 or 16 octets as the kernel writes it; an IPv4-mapped one becomes IPv4, as above. */
export function setClientOctets(client: ClientAddress, octets: Uint8Array): void {
  client.octets.set(octets);
  client.length = octets.length === IPV6_BYTES && unmap(client.octets) ? IPV4_BYTES : octets.length;
}

const DOT = 0x2e;
const COLON = 0x3a;
const PERCENT = 0x25;

/** Writes the IPv4 address at `text[from…]` to `octets[at…]`; false when it is none. */
function readIpv4(octets: Uint8Array, at: number, text: string, from: number): boolean {
  let group = 0;
  let value = -1;
  for (let each = from; each <= text.length; each++) {
    const code = each < text.length ? text.charCodeAt(each) : DOT;
    if (code === DOT || (code === PERCENT && group === 3)) {
      if (value < 0 || value > 255 || group > 3) return false;
      octets[at + group++] = value;
      value = -1;
      if (code === PERCENT) break;
    } else if (code >= 0x30 && code <= 0x39) value = (value < 0 ? 0 : 10 * value) + code - 0x30;
    else return false;
    if (value > 255) return false;
  }
  return group === 4;
}

/** Length of the address written: 16, 4 for an IPv4-mapped one, 0 for none. */
function readIpv6(octets: Uint8Array, text: string): number {
  let at = 0;
  /** Where `::` stands. */
  let gap = -1;
  let value = -1;
  let groupFrom = 0;
  let each = 0;
  for (; ; each++) {
    const code = each < text.length ? text.charCodeAt(each) : PERCENT;
    if (code === DOT) {
      if (at > 12 || !readIpv4(octets, at, text, groupFrom)) return 0;
      at += 4;
      break;
    }
    if (code === COLON || code === PERCENT) {
      if (value >= 0) {
        if (at > 14) return 0;
        octets[at++] = value >> 8;
        octets[at++] = value & 0xff;
      }
      if (code === PERCENT) {
        // A single colon at the end.
        if (value < 0 && gap !== at) return 0;
        break;
      }
      if (value < 0) {
        // A single colon at the beginning, or `::` for the first and only time.
        if (each === 0 ? text.charCodeAt(1) !== COLON : gap >= 0) return 0;
        if (each > 0) gap = at;
      }
      value = -1;
      groupFrom = each + 1;
      continue;
    }
    const digit = hexDigit(code);
    if (digit < 0 || each - groupFrom > 3) return 0;
    value = (value < 0 ? 0 : value << 4) | digit;
  }
  if (gap < 0 ? at !== IPV6_BYTES : at > 14) return 0;
  if (gap >= 0) {
    octets.copyWithin(IPV6_BYTES - (at - gap), gap, at);
    octets.fill(0, gap, IPV6_BYTES - (at - gap));
  }
  return unmap(octets) ? IPV4_BYTES : IPV6_BYTES;
}

/** Moves the IPv4 address of `::ffff:a.b.c.d` to the front; false when it is another address. */
function unmap(octets: Uint8Array): boolean {
  for (let each = 0; each < 10; each++) if (octets[each] !== 0) return false;
  if (octets[10] !== 0xff || octets[11] !== 0xff) return false;
  octets.copyWithin(0, 12, IPV6_BYTES);
  return true;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

const other: ClientAddress = newClientAddress();

/** True when `client` has the address that `ip` is the text of. */
export function hasAddress(client: ClientAddress, ip: string): boolean {
  setClientAddress(other, ip);
  const { length } = other;
  if (length === 0 || length !== client.length) return false;
  return equalBytes(other.octets.subarray(0, length), client.octets.subarray(0, length));
}

/** For people: `192.0.2.1`, `2001:db8:0:0:0:0:0:1`. */
export function addressText(client: ClientAddress | undefined): string {
  if (client === undefined || client.length === 0) return 'an unknown address';
  const octets = client.octets.subarray(0, client.length);
  if (client.length === 4) return octets.join('.');
  return Array.from({ length: 8 }, (_, at) => ((octets[2 * at]! << 8) | octets[2 * at + 1]!).toString(16)).join(':');
}
