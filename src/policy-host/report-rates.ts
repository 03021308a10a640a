/**
 * How many reports are read: of all, of each client's network, and for each domain, as buckets that fill by the second.
 * Not here: reports themselves (tls-reports.ts).
 */
import { newClientAddress, setClientAddress } from '#base/client-address.ts';
import {
  POSTED_BURST,
  POSTED_PER_DOMAIN_BURST,
  POSTED_PER_DOMAIN_PER_SECOND,
  POSTED_PER_NETWORK_BURST,
  POSTED_PER_NETWORK_PER_SECOND,
  POSTED_PER_SECOND,
  POSTED_RATES_MAX,
} from '#base/limits/reports.ts';

interface Bucket {
  tokens: number;
  sinceMs: number;
}

/** IPv4 address, or the first 64 bits of an IPv6 address. */
function networkOf(client: string): string {
  const address = newClientAddress();
  setClientAddress(address, client);
  return Buffer.from(address.octets.subarray(0, 8)).subarray(0, Math.min(address.length, 8)).toString('hex');
}

class Buckets {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #nowMs: () => number;
  readonly #all = new Map<string, Bucket>();

  constructor(burst: number, perSecond: number, nowMs: () => number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
  }

  take(key: string): boolean {
    const nowMs = this.#nowMs();
    if (this.#all.size >= POSTED_RATES_MAX && !this.#all.has(key)) this.#all.clear();
    const bucket = this.#all.get(key) ?? { tokens: this.#burst, sinceMs: nowMs };
    this.#all.set(key, bucket);
    bucket.tokens = Math.min(this.#burst, bucket.tokens + ((nowMs - bucket.sinceMs) / 1000) * this.#perSecond);
    bucket.sinceMs = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}

export class ReportRates {
  readonly #networks: Buckets;
  readonly #all: Buckets;
  readonly #domains: Buckets;

  constructor(nowMs: () => number) {
    this.#networks = new Buckets(POSTED_PER_NETWORK_BURST, POSTED_PER_NETWORK_PER_SECOND, nowMs);
    this.#all = new Buckets(POSTED_BURST, POSTED_PER_SECOND, nowMs);
    this.#domains = new Buckets(POSTED_PER_DOMAIN_BURST, POSTED_PER_DOMAIN_PER_SECOND, nowMs);
  }

  /** Before a report is unpacked. One network's flood leaves the rest of what all have together to others. */
  allowClient(client: string): boolean {
    return this.#networks.take(networkOf(client)) && this.#all.take('');
  }

  /** When it is known which domain a report is about. */
  allowDomain(domain: string): boolean {
    return this.#domains.take(domain);
  }
}
