/**
 * What the policy host counts: numbers by slot name, all from the start of the process, told to control every second.
 * Not here: how they are sent (base/ipc/messages.ts), the rest of /metrics (control/metrics.ts).
 */
import { unreachable } from '#base/assert.ts';

/** Why a handshake ended without a connection. */
const HANDSHAKE_FAILURES = ['no_certificate', 'protocol', 'timeout', 'closed', 'refused', 'other'] as const;
export type HandshakeFailure = (typeof HANDSHAKE_FAILURES)[number];

/** Limits that ended or refused a connection. */
const LIMITS = [
  'connections',
  'network_connections',
  'host_connections',
  'handshakes',
  'network_handshakes',
  'handshake_time',
  'request_time',
  'answer_time',
  'connection_time',
  'spare_octets',
  'frames',
  'headers',
  'body',
] as const;
export type LimitName = (typeof LIMITS)[number];

const STATUSES = [200, 400, 404, 408, 413, 417, 421, 431, 503] as const;
/** Upper bounds of the histogram, seconds: from a request's headers until its answer is in the kernel's hands. */
const SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1] as const;

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly labels: Readonly<Record<string, string>>;
}

type Labels = Metric['labels'];
const counter = (name: string, help: string, labels: Labels = {}): Metric => ({ name, help, type: 'counter', labels });
const gauge = (name: string, help: string): Metric => ({ name, help, type: 'gauge', labels: {} });
const handshakes = (result: string) =>
  counter('waxseal_https_handshakes_total', 'TLS handshakes of the policy host, by result.', { result });
const requests = (status: string) =>
  counter('waxseal_https_requests_total', 'Requests that the policy host answered, by status.', { status });
const ended = (limit: string) => counter('waxseal_https_limits_total', 'Cut off by the policy host.', { limit });
const SECONDS_NAME = 'waxseal_https_request_seconds';
const within = (le: string) => counter(`${SECONDS_NAME}_bucket`, 'Requests answered within `le` seconds.', { le });

/** How each slot is shown to Prometheus. */
export const POLICY_HOST_METRICS: Readonly<Record<string, Metric>> = {
  httpsConnections: gauge('waxseal_https_connections', 'Connections to the policy host that are open.'),
  httpsContexts: gauge('waxseal_https_contexts', 'Hosts whose certificate the policy host has in memory.'),
  httpsAccepted: counter('waxseal_https_accepted_total', 'Connections that the policy host accepted.'),
  httpsBodyBytes: counter('waxseal_https_body_bytes_total', 'Octets of bodies that the policy host sent.'),
  httpsHandshakeOk: handshakes('ok'),
  ...Object.fromEntries(HANDSHAKE_FAILURES.map((why) => [`httpsHandshake.${why}`, handshakes(why)])),
  ...Object.fromEntries(LIMITS.map((name) => [`httpsLimit.${name}`, ended(name)])),
  ...Object.fromEntries(STATUSES.map((status) => [`httpsStatus.${status}`, requests(String(status))])),
  'httpsStatus.other': requests('other'),
  ...Object.fromEntries(SECONDS.map((seconds) => [`httpsSeconds.${seconds}`, within(String(seconds))])),
  'httpsSeconds.inf': within('+Inf'),
  httpsSecondsCount: counter(`${SECONDS_NAME}_count`, 'Requests answered.'),
  httpsSecondsSum: counter(`${SECONDS_NAME}_sum`, 'Seconds from headers to last octet, of all requests.'),
};
/** Made once: a request is counted in nine of ten of them. */
const SECONDS_SLOTS = SECONDS.map((bound) => ({ bound, slot: `httpsSeconds.${bound}` }));
const STATUS_SLOTS = new Map<number, string>(STATUSES.map((status) => [status, `httpsStatus.${status}`]));
const ZEROS = Object.fromEntries(Object.keys(POLICY_HOST_METRICS).map((slot) => [slot, 0]));

export class PolicyHostCounters {
  readonly #values: Record<string, number> = { ...ZEROS };

  /** A copy. */
  values(): Record<string, number> {
    return { ...this.#values };
  }

  set(slot: 'httpsConnections' | 'httpsContexts', value: number): void {
    this.#values[slot] = value;
  }

  accepted(): void {
    this.#add('httpsAccepted', 1);
  }

  handshake(result: 'ok' | HandshakeFailure): void {
    switch (result) {
      case 'ok':
        return this.#add('httpsHandshakeOk', 1);
      case 'no_certificate':
      case 'protocol':
      case 'timeout':
      case 'closed':
      case 'refused':
      case 'other':
        return this.#add(`httpsHandshake.${result}`, 1);
      default:
        return unreachable(result);
    }
  }

  limit(name: LimitName): void {
    this.#add(`httpsLimit.${name}`, 1);
  }

  answered(status: number, bodyBytes: number, seconds: number): void {
    this.#add(STATUS_SLOTS.get(status) ?? 'httpsStatus.other', 1);
    this.#add('httpsBodyBytes', bodyBytes);
    // Buckets of Prometheus are cumulative.
    for (const { bound, slot } of SECONDS_SLOTS) if (seconds <= bound) this.#add(slot, 1);
    this.#add('httpsSeconds.inf', 1);
    this.#add('httpsSecondsCount', 1);
    this.#add('httpsSecondsSum', seconds);
  }

  #add(slot: string, by: number): void {
    this.#values[slot] = this.#values[slot]! + by;
  }
}
