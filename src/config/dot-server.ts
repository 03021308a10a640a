/**
 * A recursive server that is asked over TLS, as text: `tls://192.0.2.1:853#dns.example.net`, port 853 unless given.
 * Implements: RFC 7858 §3.1 (port), RFC 8310 §8.1 (an authentication domain name beside the address).
 * Not here: asking it (control/outside/dot-connection.ts).
 */
import { DNS_TLS_PORT, type IpPort, formatIpPort, parseIpPort } from '#base/address.ts';
import { WHOLE } from '#base/place.ts';

export interface DotServer {
  readonly at: IpPort;
  /** The name that its certificate must have; lower case, without last dot. */
  readonly name: string;
}

const SCHEME = 'tls://';
const HOST = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/;

/** True for a text that means such a server, well formed or not. */
export function isDotText(text: string): boolean {
  return text.startsWith(SCHEME);
}

/** Undefined when it is malformed, or names no host. */
export function parseDotServer(text: string): DotServer | undefined {
  const [address = '', name = '', ...more] = text.slice(SCHEME.length).split('#');
  const at = parseIpPort(address, WHOLE, DNS_TLS_PORT);
  const host = name.toLowerCase().replace(/\.$/, '');
  return isDotText(text) && more.length === 0 && at.ok && HOST.test(host) ? { at: at.value, name: host } : undefined;
}

export function formatDotServer({ at, name }: DotServer): string {
  return `${SCHEME}${formatIpPort(at)}#${name}`;
}
