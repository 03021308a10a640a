/**
 * Response rate limiting: how many answers of one kind a client network gets by UDP, so that forged queries make us no
 * weapon against the address they carry. What is limited, how, and why these numbers:
 * docs/adr/0003-rate-limit-and-cookies.md.
 * Memory is one table of fixed size; nothing is allocated per query. Buckets of two IPv4 networks are never taken for
 * one another (the network is stored whole); those of two IPv6 networks or of two names in one network by a chance of
 * about 2⁻³¹. No client can improve that chance, because the hash has a secret key. If the table is full, a new bucket
 * replaces the one with the least in it: a flood's own bucket is the last to go.
 * Not here: who is exempt by cookie or transport, and what a limited answer looks like (answer/respond.ts).
 */
import { assert } from '#base/assert.ts';
import { type ClientAddress, IPV4_BYTES } from '#base/client-address.ts';
import { type RateLimitSettings } from '#base/ipc/messages.ts';
import {
  RRL_BUCKETS,
  RRL_BURST_SECONDS,
  RRL_DEBT_SECONDS,
  RRL_LIMITED_COST,
  RRL_LOG_EVERY_MS,
  RRL_LOG_NETWORKS,
  RRL_NETWORK_FACTOR,
  RRL_RATE_MAX,
  RRL_SLIP_MAX,
} from '#base/limits/answer.ts';
import { type Network, NetworkSet, formatNetwork, parseNetwork } from '#base/network.ts';
import { halfSipHash13, type SipKey, sipKey } from './siphash.ts';

/** What an answer is about; answers of one kind about one thing share a bucket. */
export const KIND = {
  /** Data, by the name that owns it: the wildcard's or DNAME's where one was used, so that made-up names do not help. */
  POSITIVE: 1,
  /** NXDOMAIN and NODATA, by zone: random names do not help. */
  NEGATIVE: 2,
  /** By delegation. */
  REFERRAL: 3,
  /** All other rcodes, together. */
  ERROR: 4,
} as const;

/** What becomes of an answer. */
export const ADMIT = { SEND: 0, TRUNCATE: 1, DROP: 2 } as const;

/** Buckets that one hash may choose from: 128 octets, two cache lines. */
const WAYS = 4;
const SETS = RRL_BUCKETS / WAYS;
/** Words of a bucket, and one that keeps its start at a power of two. */
const STRIDE = 8;
/** The network, exact for IPv4. */
const NETWORK = 0;
/** Hash of network, kind and name; even for all kinds together, odd for one. */
const SUBJECT = 1;
/** Milliseconds, modulo 2³². */
const SEEN_AT = 2;
/** Thousandths of an answer given and not yet worn off: a leaking bucket. */
const FILL = 3;
/** Limited answers since the last one that was sent, modulo the slip. */
const SKIPPED = 4;

const NETWORK_BITS_IPV4 = 24;
const NETWORK_BITS_IPV6 = 56;
const IPV6_MARK = 0x8000_0000 | 0;
const COST = 1000;
const NO_OCTETS = new Uint8Array(0);

export class RateLimiter {
  readonly #key: SipKey;
  readonly #rate: number;
  readonly #slip: number;
  readonly #dryRun: boolean;
  readonly #allow: NetworkSet;
  readonly #log: (network: string) => void;
  readonly #table = new Int32Array(RRL_BUCKETS * STRIDE);
  /** When a network of each class of numbers was logged last; 0 for never. */
  readonly #loggedAt = new Int32Array(RRL_LOG_NETWORKS);
  #network = 0;
  #subject = 0;
  #nowMs = 0;

  /** `secret`: 16 random octets of this process. `log` is called with a network that begins to be limited, RRL_LOG_NETWORKS times in RRL_LOG_EVERY_MS at most. */
  constructor(settings: RateLimitSettings, secret: Uint8Array, log: (network: string) => void = () => undefined) {
    assert(settings.rate >= 1 && settings.rate <= RRL_RATE_MAX, `rate limit ${settings.rate}`);
    assert(settings.slip >= 1 && settings.slip <= RRL_SLIP_MAX, `slip ${settings.slip}`);
    this.#key = sipKey(secret);
    this.#rate = settings.rate;
    this.#slip = settings.slip;
    this.#dryRun = settings.dryRun;
    this.#allow = new NetworkSet(settings.allow.map(knownNetwork));
    this.#log = log;
  }

  get dryRun(): boolean {
    return this.#dryRun;
  }

  /** True for clients of the allow list. */
  isAllowed(client: ClientAddress): boolean {
    return this.#allow.has(client);
  }

  /**
   * What the answer now being made is about: its KIND and the first `length` octets of a key, which are read now and not kept. The last
   * call before `admit` counts.
   */
  describe(client: ClientAddress, kind: number, key: Uint8Array = NO_OCTETS, length = 0): void {
    this.#network = this.#networkOf(client);
    this.#subject = halfSipHash13(this.#key, this.#network ^ (kind << 24), key, length) | 1;
  }

  /**
   * Takes the answer described last out of its buckets. Returns one of ADMIT: TRUNCATE and DROP mean that it has gone over a limit, in dry-run mode
   * too. `slipMin` raises the slip for this answer, where even a limited one would be longer than the query.
   */
  admit(client: ClientAddress, nowMs: number, slipMin = 1): number {
    this.#nowMs = nowMs | 0;
    const table = this.#table;
    const rate = this.#rate;
    const one = this.#find(this.#subject, rate);
    if (table[one + FILL]! + COST > capacity(rate)) return this.#limit(one, rate, slipMin, client);
    const allRate = rate * RRL_NETWORK_FACTOR;
    const all = this.#find(halfSipHash13(this.#key, this.#network, NO_OCTETS, 0) & ~1, allRate);
    if (table[all + FILL]! + COST > capacity(allRate)) return this.#limit(all, allRate, slipMin, client);
    // Finding the second may have taken the first one's place, at worst losing one answer's worth.
    if (table[one + SUBJECT] === this.#subject) table[one + FILL]! += COST;
    table[all + FILL]! += COST;
    return ADMIT.SEND;
  }

  #limit(bucket: number, rate: number, slipMin: number, client: ClientAddress): number {
    const table = this.#table;
    table[bucket + FILL] = Math.min(table[bucket + FILL]! + COST * RRL_LIMITED_COST, capacity(rate) + rate * RRL_DEBT_SECONDS * COST);
    this.#logOnce(client);
    const skipped = table[bucket + SKIPPED]!;
    table[bucket + SKIPPED] = skipped + 1 >= Math.max(this.#slip, slipMin) ? 0 : skipped + 1;
    return skipped === 0 ? ADMIT.TRUNCATE : ADMIT.DROP;
  }

  /** The bucket of this network and `subject`, what has leaked since it was last used taken out; an empty one where there was none. */
  #find(subject: number, rate: number): number {
    const table = this.#table;
    const first = ((subject >>> 1) % SETS) * WAYS * STRIDE;
    for (let bucket = first; bucket < first + WAYS * STRIDE; bucket += STRIDE) {
      if (table[bucket + SUBJECT] !== subject || table[bucket + NETWORK] !== this.#network) continue;
      table[bucket + FILL] = this.#fillNow(bucket, rate);
      table[bucket + SEEN_AT] = this.#nowMs;
      return bucket;
    }
    return this.#replace(first, subject);
  }

  /** Makes a new bucket in place of the emptiest of a set. */
  #replace(first: number, subject: number): number {
    const table = this.#table;
    let emptiest = first;
    let least = Infinity;
    for (let bucket = first; bucket < first + WAYS * STRIDE; bucket += STRIDE) {
      const isForAll = (table[bucket + SUBJECT]! & 1) === 0;
      const fill = this.#fillNow(bucket, isForAll ? this.#rate * RRL_NETWORK_FACTOR : this.#rate);
      if (fill >= least) continue;
      least = fill;
      emptiest = bucket;
    }
    table[emptiest + NETWORK] = this.#network;
    table[emptiest + SUBJECT] = subject;
    table[emptiest + SEEN_AT] = this.#nowMs;
    table[emptiest + FILL] = 0;
    table[emptiest + SKIPPED] = 0;
    return emptiest;
  }

  #fillNow(bucket: number, rate: number): number {
    const elapsedMs = (this.#nowMs - this.#table[bucket + SEEN_AT]!) >>> 0;
    // Thousandths leak at `rate` a millisecond.
    return Math.max(0, this.#table[bucket + FILL]! - elapsedMs * rate);
  }

  /** /24 as it is, /56 (a customer's usual share) by its hash. */
  #networkOf({ octets, length }: ClientAddress): number {
    if (length === IPV4_BYTES) return (octets[0]! << 16) | (octets[1]! << 8) | octets[2]!;
    return halfSipHash13(this.#key, IPV6_MARK, octets, NETWORK_BITS_IPV6 >> 3) | IPV6_MARK;
  }

  #logOnce(client: ClientAddress): void {
    const loggedAt = this.#loggedAt;
    const at = (this.#network ^ (this.#network >>> 8) ^ (this.#network >>> 16)) & (RRL_LOG_NETWORKS - 1);
    if (loggedAt[at] !== 0 && (this.#nowMs - loggedAt[at]!) >>> 0 < RRL_LOG_EVERY_MS) return;
    loggedAt[at] = this.#nowMs === 0 ? 1 : this.#nowMs;
    this.#log(
      formatNetwork(client.octets.subarray(0, client.length), client.length === IPV4_BYTES ? NETWORK_BITS_IPV4 : NETWORK_BITS_IPV6),
    );
  }
}

/** What a bucket holds before it limits, in thousandths. */
function capacity(rate: number): number {
  return rate * RRL_BURST_SECONDS * COST;
}

/** The configuration has read it before. */
function knownNetwork(text: string): Network {
  const network = parseNetwork(text);
  assert(network !== undefined, `no network: ${text}`);
  return network;
}
