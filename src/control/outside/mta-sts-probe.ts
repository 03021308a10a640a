/**
 * Fetches an MTA-STS policy body as a server that sends mail would. An edge: every failure is an error whose text names the step and why.
 * The view is that of this machine: what a firewall, a split DNS or a CDN shows to others it cannot know.
 * Implements: RFC 8461 §3.3 (HTTPS, certificate, no redirects, no caching, media type, size, time).
 * Not here: addresses (probe-addresses.ts), one HTTPS request (mta-sts-request.ts), which body is waited for
 * (mail/mta-sts/lifecycle.ts).
 */
import { type Network, NetworkSet } from '#base/network.ts';
import { STS_PROBE_MS_MAX } from '#base/limits/outside.ts';
import { type Resolver } from '#dns/resolver.ts';
import { fetchFrom } from './mta-sts-request.ts';
import { lookSignal, probeAddresses } from './probe-addresses.ts';
import { ProbeFailure } from './probe-failure.ts';

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
    const signal = lookSignal(limitMs, stopped);
    // Nothing is sent before the host has shown a certificate for mta-sts.<domain>.
    const addresses = await probeAddresses(hostname, { resolver, allowed, signal });
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

function asFailure(error: unknown): ProbeFailure {
  return error instanceof ProbeFailure ? error : new ProbeFailure('HTTP', error instanceof Error ? error.message : String(error));
}
