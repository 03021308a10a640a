/**
 * Looks at the certificates that a mail host presents by STARTTLS, at each of its addresses. An edge: every failure is
 * a text that names the step. The view is that of this machine: a provider that blocks or intercepts port 25 shows
 * something else than senders see.
 * Implements: RFC 7672 §2.2 (all addresses of the host count).
 * Not here: one conversation (starttls.ts), what the certificates match (mail/dane/live.ts).
 */
import { STARTTLS_LOOK_MS_MAX } from '#base/limits/outside.ts';
import { type Network, NetworkSet } from '#base/network.ts';
import { type Resolver } from '#dns/resolver.ts';
import { type AddressSeen, type HostSeen } from '#mail/dane/live.ts';
import { SMTP_PORT } from '#mail/dane/record.ts';
import { lookSignal, probeAddresses } from './probe-addresses.ts';
import { ProbeFailure } from './probe-failure.ts';
import { presentedAt } from './starttls.ts';

const HTTPS_PORT = 443;

/** What the look is called in evidence: it is no view from elsewhere, and does not claim to be one. */
export const STARTTLS_LOOK = 'STARTTLS from this server';

/** Looks at a host by its name without the last dot, until `gone`: the answer is no longer wanted. Never rejects. */
export type StarttlsLook = (host: string, gone?: AbortSignal) => Promise<HostSeen>;

export interface StarttlsLookOptions {
  /** Finds the host's addresses, as senders out there would. */
  readonly resolver: Resolver;
  /** Networks that may be connected to though they cannot be reached from outside. */
  readonly networks?: readonly Network[];
  /** Senders know no other port than 25; tests do. */
  readonly port?: number;
  /** TLS from the beginning, as on port 443. */
  readonly isTlsAtOnce?: boolean;
  /** The time for all of it, where that is not the usual one. */
  readonly limitMs?: number;
  /** Ends what is under way, when the process ends. */
  readonly stopped?: AbortSignal;
}

export function starttlsLook({
  resolver,
  networks = [],
  port = SMTP_PORT,
  isTlsAtOnce = false,
  limitMs = STARTTLS_LOOK_MS_MAX,
  stopped,
}: StarttlsLookOptions): StarttlsLook {
  const allowed = new NetworkSet(networks);
  return async (host, gone) => {
    const signal = lookSignal(limitMs, stopped, gone);
    const lookAt = (ip: string): Promise<AddressSeen> =>
      presentedAt({ ip, port, host, isTlsAtOnce, signal }).then(
        (presented) => ({ ip, ...presented }),
        (error: unknown) => ({ ip, failure: asFailure(error) }),
      );
    try {
      const ips = await probeAddresses(host, { resolver, allowed, signal });
      return { addresses: await Promise.all(ips.map(lookAt)) };
    } catch (error) {
      return { failure: asFailure(error) };
    }
  };
}

/** The same for hosts that speak TLS from the beginning, on port 443 unless given. */
export function tlsLook(options: StarttlsLookOptions): StarttlsLook {
  return starttlsLook({ port: HTTPS_PORT, ...options, isTlsAtOnce: true });
}

function asFailure(error: unknown): ProbeFailure {
  if (error instanceof ProbeFailure) return error;
  return new ProbeFailure('connect', error instanceof Error ? error.message : String(error));
}
