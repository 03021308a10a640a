/** `dns.nsid`: how this server names itself to who asks (RFC 5001 §3.1: the form is up to the operator). */
import { NSID_BYTES_MAX } from '#base/limits/dns.ts';

export const NSID_FORM = `a text, or octets like 0x6e7331, ${NSID_BYTES_MAX} at most, without control characters`;

/** Octets of a text, or of `0x` and hexadecimal digits; none for no text. */
export function parseNsid(text: string): Uint8Array | undefined {
  const hex = /^0x((?:[0-9a-f]{2})*)$/i.exec(text)?.[1];
  if (hex === undefined && /\p{Cc}/u.test(text)) return undefined;
  const octets = hex === undefined ? Buffer.from(text) : Buffer.from(hex, 'hex');
  return octets.length > NSID_BYTES_MAX ? undefined : new Uint8Array(octets);
}
