/**
 * Where a look goes to: the addresses of a host whose name strangers choose, as senders out there find them, and the
 * guard that keeps looks away from hosts inside (SSRF). Rejects with a ProbeFailure.
 * Implements: RFC 6890 (special-purpose addresses), RFC 6052 §2.1 (addresses of translators).
 * Not here: connecting (https-request.ts, starttls.ts).
 */
import { newClientAddress, setClientAddress } from '#base/client-address.ts';
import { NetworkSet, parseNetwork } from '#base/network.ts';
import { PROBE_ADDRESSES_MAX } from '#base/limits/outside.ts';
import { type Name, formatName, parseName } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { type Resolver, isTransient } from '#dns/resolver.ts';
import { ProbeFailure } from './probe-failure.ts';

export interface AddressSearch {
  readonly resolver: Resolver;
  /** Networks that may be connected to though they cannot be reached from outside. */
  readonly allowed: NetworkSet;
  /** The end of the time for the whole look. */
  readonly signal: AbortSignal;
}

/** IANA's special-purpose registries (RFC 6890): what is not globally reachable, and multicast. */
const UNREACHABLE = new NetworkSet(
  [
    ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
    ...['192.0.2.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/3'],
    ...['::/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20', '5f00::/16'],
    ...['fc00::/7', 'fe80::/9', 'ff00::/8'],
  ].map((text) => parseNetwork(text)!),
);
/** RFC 6052 §2.1: in the last four octets stands the IPv4 address that such a connection ends at. */
const TRANSLATED = new NetworkSet([parseNetwork('64:ff9b::/96')!]);

/** Addresses of `host`, PROBE_ADDRESSES_MAX at most; each can be reached from outside, or the operator allows it. */
export async function probeAddresses(host: string, search: AddressSearch): Promise<readonly string[]> {
  const { resolver, allowed, signal } = search;
  const addresses = await within(signal, addressesOf(host, resolver));
  // SSRF: who may change a zone chooses these addresses. Path and port are fixed, and no redirect is followed. What is
  // left is that texts of failures would tell about hosts inside: which answer, and what their certificates say.
  // Senders outside reach no such address anyway, so what is seen there proves nothing about what they see.
  const inside = addresses.filter((ip) => isIn(UNREACHABLE, ip) && !isIn(allowed, ip));
  if (inside.length > 0) throw insideFailure(host, inside);
  return addresses;
}

/** True for an address that hosts outside can reach. */
export function isReachable(ip: string): boolean {
  return !isIn(UNREACHABLE, ip);
}

/** True for those, and for what the operator allows beside them. */
export function reachableOrIn(allowed: NetworkSet): (ip: string) => boolean {
  return (ip) => isReachable(ip) || isIn(allowed, ip);
}

function insideFailure(host: string, ips: readonly string[]): ProbeFailure {
  const why = `${host} has the address ${ips.join(', ')}, which no host outside can reach (mail.probe_networks)`;
  return new ProbeFailure('DNS', why);
}

/** The time that a whole look has: a resolver or host that dawdles holds up other zones' looks. */
export function lookSignal(limitMs: number, ...ends: readonly (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any([AbortSignal.timeout(limitMs), ...ends.filter((each) => each !== undefined)]);
}

async function addressesOf(host: string, resolver: Resolver): Promise<string[]> {
  const name = parseName(`${host}.`);
  if (!name.ok) throw new ProbeFailure('DNS', `${host} is not a name`);
  const found = await Promise.all([TYPE.AAAA, TYPE.A].map((type) => lookUp(name.value, type, resolver)));
  const addresses = found.flatMap((each) => (Array.isArray(each) ? each : []));
  // Of hosts with many addresses some are asked; they come in another order each time.
  if (addresses.length > 0) return addresses.slice(0, PROBE_ADDRESSES_MAX);
  const why = found.find((each) => typeof each === 'string');
  throw new ProbeFailure('DNS', why ?? `${formatName(name.value).slice(0, -1)} has no address`);
}

/** Addresses, or why there are none to be had. */
async function lookUp(name: Name, type: number, resolver: Resolver): Promise<string[] | string> {
  const answer = await resolver.lookup(name, type);
  const host = formatName(name).slice(0, -1);
  if (answer.kind === 'answer') return answer.rdatas.map((rdata) => formatRdata(type, rdata));
  if (answer.kind === 'nxdomain') return `${host} does not exist`;
  return isTransient(answer) ? `${host}: ${answer.reason ?? answer.kind.toUpperCase()}` : [];
}

function isIn(networks: NetworkSet, ip: string): boolean {
  const address = newClientAddress();
  setClientAddress(address, ip);
  return networks.has(address) || (TRANSLATED.has(address) && isIn(networks, address.octets.subarray(12).join('.')));
}

function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return Promise.race([
    work,
    new Promise<never>((_, reject) => {
      const end = () => reject(new ProbeFailure('DNS', 'no answer in time'));
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    }),
  ]);
}
