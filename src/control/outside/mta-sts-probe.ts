/**
 * Fetches an MTA-STS policy body as a server that sends mail would. An edge: every failure is an error whose text names the step and why.
 * The view is that of this machine: what a firewall, a split DNS or a CDN shows to others it cannot know.
 * Implements: RFC 8461 §3.3 (HTTPS, certificate, no redirects, no caching, media type, size, time).
 * Not here: one HTTPS request (mta-sts-request.ts), which body is waited for (mail/mta-sts/lifecycle.ts).
 */
import { newClientAddress, setClientAddress } from '#base/client-address.ts';
import { type Network, NetworkSet, parseNetwork } from '#base/network.ts';
import { STS_PROBE_ADDRESSES_MAX, STS_PROBE_MS_MAX } from '#base/limits/outside.ts';
import { type Name, formatName, parseName } from '#dns/name.ts';
import { formatRdata } from '#dns/registry.ts';
import { TYPE } from '#dns/types.ts';
import { type Resolver, isTransient } from '#dns/resolver.ts';
import { ProbeFailure, fetchFrom } from './mta-sts-request.ts';

/** What the probe is called in evidence: it is no view from elsewhere, and does not claim to be one. */
export const STS_PROBE = 'HTTPS from this server';

export interface StsProbeOptions {
  /** Finds the policy host's addresses, as senders out there would. */
  readonly resolver: Resolver;
  /** PEM of roots that are trusted beside the usual ones. */
  readonly extraRoots?: string | undefined;
  /** Networks that may be connected to though they cannot be reached from outside. */
  readonly networks?: readonly Network[];
  /** Senders know no other port than 443; tests do. */
  readonly port?: number;
  /** The time for all of it, where that is not the usual one. */
  readonly limitMs?: number;
  /** Ends what is under way, when the process ends. */
  readonly stopped?: AbortSignal;
}

/** IANA's special-purpose registries (RFC 6890): what is not globally reachable, and multicast. */
const UNREACHABLE = new NetworkSet(
  [
    ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24'],
    ...['192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/3'],
    ...['::/96', '64:ff9b:1::/48', '100::/64', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20', '5f00::/16', 'fc00::/7'],
    ...['fe80::/9', 'ff00::/8'],
  ].map((text) => parseNetwork(text)!),
);
/** RFC 6052 §2.1: in the last four octets stands the IPv4 address that such a connection ends at. */
const TRANSLATED = new NetworkSet([parseNetwork('64:ff9b::/96')!]);

/** A function that fetches the body at a URL from every address of its host; rejects with a ProbeFailure. */
export function stsProbe({
  resolver,
  extraRoots,
  networks = [],
  port = 443,
  limitMs = STS_PROBE_MS_MAX,
  stopped,
}: StsProbeOptions): (url: string) => Promise<string> {
  const allowed = new NetworkSet(networks);
  return async (url) => {
    const { hostname, pathname } = new URL(url);
    // One limit for all of it: a resolver or host that dawdles holds up other zones' looks.
    const timeout = AbortSignal.timeout(limitMs);
    const signal = stopped === undefined ? timeout : AbortSignal.any([timeout, stopped]);
    const addresses = await within(signal, addressesOf(hostname, resolver));
    // SSRF: who may change a zone chooses these addresses. Path and port are fixed, no redirect is followed, and nothing is sent before the
    // host has shown a certificate for mta-sts.<domain>. What is left is that texts of failures would tell about hosts inside: which answer,
    // and what their certificates say. Senders outside reach no such address anyway, so a body there proves nothing about what they see.
    const inside = addresses.filter((ip) => isIn(UNREACHABLE, ip) && !isIn(allowed, ip));
    if (inside.length > 0)
      throw new ProbeFailure(
        'DNS',
        `${hostname} has the address ${inside.join(', ')}, which nobody outside can reach (mail.probe_networks)`,
      );
    const tried = await Promise.all(
      addresses.map((ip) => fetchFrom({ ip, port, host: hostname, path: pathname, extraRoots, signal }).catch(asFailure)),
    );
    return agreed(tried, addresses);
  };
}

/**
 * The body that all addresses give. A sender takes any one of them, so an address with an old body or a wrong
 * certificate is a failure; an address that takes no connection is not, because senders continue with the next.
 */
function agreed(tried: readonly (string | ProbeFailure)[], addresses: readonly string[]): string {
  const told = (at: number, text: string) => (addresses.length === 1 ? text : `${text} (at ${addresses[at]})`);
  const failures = tried.flatMap((each, at) => (each instanceof ProbeFailure ? [{ at, failure: each }] : []));
  const bodies = tried.filter((each) => typeof each === 'string');
  const worst = failures.find(({ failure }) => failure.step !== 'connect');
  if (worst !== undefined) throw new ProbeFailure(worst.failure.step, told(worst.at, worst.failure.why));
  if (bodies.length === 0)
    throw new ProbeFailure('connect', failures.map(({ at, failure }) => `${addresses[at]} ${failure.why}`).join(', '));
  const [body = ''] = bodies;
  const other = tried.findIndex((each) => typeof each === 'string' && each !== body);
  if (other >= 0) throw new ProbeFailure('HTTP', told(other, 'not all addresses give the same body'));
  return body;
}

async function addressesOf(host: string, resolver: Resolver): Promise<string[]> {
  const name = parseName(`${host}.`);
  if (!name.ok) throw new ProbeFailure('DNS', `${host} is not a name`);
  const found = await Promise.all([TYPE.AAAA, TYPE.A].map((type) => lookUp(name.value, type, resolver)));
  const addresses = found.flatMap((each) => (Array.isArray(each) ? each : []));
  // Of hosts with many addresses some are asked; they come in another order each time.
  if (addresses.length > 0) return addresses.slice(0, STS_PROBE_ADDRESSES_MAX);
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

function asFailure(error: unknown): ProbeFailure {
  return error instanceof ProbeFailure ? error : new ProbeFailure('HTTP', error instanceof Error ? error.message : String(error));
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
