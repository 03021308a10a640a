/**
 * Socket addresses as people write them (`127.0.0.1:5300`, `[::1]:5300`) and client networks for limits.
 * Only IP addresses: a host name here would make the server need DNS before it can serve DNS.
 * Implements: RFC 3986 §3.2.2 brackets, RFC 5952 canonical text.
 */
import { isIP, SocketAddress as NodeSocketAddress } from 'node:net';
import { type Place, WHOLE } from './place.ts';
import { type Result, fail, ok, problem } from './problem.ts';

/** RFC 1035 §4.2: the usual port of DNS. */
export const DNS_PORT = 53;
/** RFC 7858 §3.1, RFC 9103 §7: that of DNS over TLS. */
export const DNS_TLS_PORT = 853;

/** Where a socket listens, or a peer is. */
export interface IpPort {
  /** Canonical text, IPv6 without brackets. */
  readonly ip: string;
  readonly family: 4 | 6;
  /** 0…65535; 0 asks for any free port. */
  readonly port: number;
}

const FORM_FIX = 'write ADDRESS:PORT with an IP address, as 127.0.0.1:5300 or [::1]:5300; all addresses are 0.0.0.0 and [::]';

/** `ADDR:PORT`. With `defaultPort` the port may be left out, and IPv6 without brackets is then taken as an address alone. */
export function parseIpPort(text: string, at: Place = WHOLE, defaultPort?: number): Result<IpPort> {
  const bad = (why: string) => fail(problem('ADDRESS_SYNTAX', at, `"${text}" is not a socket address: ${why}`, { fix: FORM_FIX }));
  if (defaultPort !== undefined && isIP(text) !== 0) return ok(ipPort(text, defaultPort));
  if (isIP(text) === 6) return bad('an IPv6 address with a port needs brackets, and the port is missing or not clear');
  const match = /^(?:\[(?<six>[^\]]*)\]|(?<four>[^:[\]]*))(?::(?<port>.*))?$/.exec(text);
  if (match?.groups === undefined) return bad('it has not the form ADDRESS:PORT');
  const { six, four, port } = match.groups;
  const ip = six ?? four ?? '';
  if (isIP(ip) !== (six === undefined ? 4 : 6)) return bad(`"${ip}" is not an ${six === undefined ? 'IPv4' : 'IPv6'} address`);
  if (port === undefined) return defaultPort === undefined ? bad('the port is missing') : ok(ipPort(ip, defaultPort));
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) return bad(`"${port}" is not a port (0 to 65535)`);
  return ok(ipPort(ip, Number(port)));
}

/** True for the canonical text of an address and a port that is not 0, as `formatIpPort` writes it. */
export function isIpPort(text: string): boolean {
  const read = parseIpPort(text);
  return read.ok && read.value.port !== 0 && formatIpPort(read.value) === text;
}

/** `ip` must be a valid IP address. */
export function ipPort(ip: string, port: number): IpPort {
  if (isIP(ip) === 4) return { ip, family: 4, port };
  const [address = ip, scope] = ip.split('%');
  const canonical = new NodeSocketAddress({ address, family: 'ipv6' }).address;
  return { ip: scope === undefined ? canonical : `${canonical}%${scope}`, family: 6, port };
}

/** `127.0.0.1:5300`, `[::1]:5300`. */
export function formatIpPort({ ip, family, port }: IpPort): string {
  return family === 6 ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** What counts as one client: an IPv4 address, or the /64 of an IPv6 address, since every host there has 2⁶⁴ of them (RFC 4291 §2.5.1). */
export function clientNetwork(ip: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!ip.includes(':')) return ip;
  const [head = '', tail = ''] = (ip.split('%')[0] ?? '').split('::');
  const groups = head === '' ? [] : head.split(':');
  const tailGroups = tail === '' ? [] : tail.split(':');
  // An embedded IPv4 address stands for two groups; it is never among the first four.
  const tailLength = tailGroups.length + (tail.includes('.') ? 1 : 0);
  while (groups.length + tailLength < 8) groups.push('0');
  const first = [...groups, ...tailGroups].slice(0, 4);
  return `${first.map((each) => Number.parseInt(each, 16).toString(16)).join(':')}::/64`;
}
