/**
 * Fetches what a host is to serve as readers out there would: from every address of its name, over full validation. An
 * edge: every failure is an error whose text names the step and why. The view is that of this machine: what a firewall,
 * a split DNS or a CDN shows to others it cannot know.
 * Not here: addresses (probe-addresses.ts), one HTTPS request (https-request.ts), what is fetched (file-probes.ts).
 */
import { type Network, NetworkSet } from '#base/network.ts';
import { STS_PROBE_MS_MAX } from '#base/limits/outside.ts';
import { type Resolver } from '#dns/resolver.ts';
import { fetchFrom, type WantedBody } from './https-request.ts';
import { lookSignal, probeAddresses } from './probe-addresses.ts';
import { ProbeFailure } from './probe-failure.ts';

/** What the probe is called in evidence: it is no view from elsewhere, and does not claim to be one. */
export const HTTPS_PROBE = 'HTTPS from this server';

export interface HttpsProbeOptions {
  /** Finds the host's addresses, as readers out there would. */
  readonly resolver: Resolver;
  /** PEM of roots that are trusted beside the usual ones. */
  readonly extraRoots?: string | undefined;
  /** Networks that may be connected to though they cannot be reached from outside. */
  readonly networks?: readonly Network[];
  /** Readers know no other port than 443; tests do. */
  readonly port?: number;
  /** The time for all of it, where that is not the usual one. */
  readonly limitMs?: number;
  /** Ends what is under way, when the process ends. */
  readonly stopped?: AbortSignal;
}

/** A function that fetches the body at a URL from every address of its host; rejects with a ProbeFailure. */
export function httpsProbe({
  resolver,
  extraRoots,
  networks = [],
  port = 443,
  limitMs = STS_PROBE_MS_MAX,
  stopped,
}: HttpsProbeOptions): (url: string, wanted: WantedBody) => Promise<Buffer> {
  const allowed = new NetworkSet(networks);
  return async (url, wanted) => {
    const { hostname, pathname } = new URL(url);
    const signal = lookSignal(limitMs, stopped);
    // Nothing is sent before the host has shown a certificate for its name.
    const addresses = await probeAddresses(hostname, { resolver, allowed, signal });
    const tried = await Promise.all(
      addresses.map((ip) =>
        fetchFrom({ ip, port, host: hostname, path: pathname, extraRoots, signal, ...wanted }).catch(asFailure),
      ),
    );
    return agreed(tried, addresses);
  };
}

/**
 * The body that all addresses give. A reader takes any one of them, so an address with an old body or a wrong
 * certificate is a failure; an address that takes no connection is not, because readers continue with the next.
 */
function agreed(tried: readonly (Buffer | ProbeFailure)[], addresses: readonly string[]): Buffer {
  const told = (at: number, text: string) => (addresses.length === 1 ? text : `${text} (at ${addresses[at]})`);
  const failures = tried.flatMap((each, at) => (each instanceof ProbeFailure ? [{ at, failure: each }] : []));
  const worst = failures.find(({ failure }) => failure.step !== 'connect');
  if (worst !== undefined) throw new ProbeFailure(worst.failure.step, told(worst.at, worst.failure.why));
  const body = tried.find((each) => Buffer.isBuffer(each));
  if (body === undefined)
    throw new ProbeFailure('connect', failures.map(({ at, failure }) => `${addresses[at]} ${failure.why}`).join(', '));
  const other = tried.findIndex((each) => Buffer.isBuffer(each) && !each.equals(body));
  if (other >= 0) throw new ProbeFailure('HTTP', told(other, 'not all addresses give the same body'));
  return body;
}

function asFailure(error: unknown): ProbeFailure {
  return error instanceof ProbeFailure
    ? error
    : new ProbeFailure('HTTP', error instanceof Error ? error.message : String(error));
}
