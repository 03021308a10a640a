/** The limiter by itself, on a clock of its own: what gets through, what is truncated, what is dropped, and whom it must never touch. */
import { describe, expect, test } from 'vitest';
import { ADMIT, KIND, RateLimiter } from '#answer/defence/rate-limit.ts';
import { newClientAddress, setClientAddress } from '#base/client-address.ts';
import { type RateLimitSettings } from '#base/ipc/messages.ts';
import { RRL_BUCKETS, RRL_BURST_SECONDS, RRL_LOG_NETWORKS, RRL_NETWORK_FACTOR } from '#base/limits/answer.ts';

const SECRET = Uint8Array.from({ length: 16 }, (_, each) => 7 * each);
const RATE = 50;

function limiter(changed: Partial<RateLimitSettings> = {}) {
  const logged: string[] = [];
  const client = newClientAddress();
  const limits = new RateLimiter({ rate: RATE, slip: 1, dryRun: false, allow: [], ...changed }, SECRET, (network) => logged.push(network));
  const ask = (from: string, about: string, nowMs: number, kind: number = KIND.POSITIVE, slipMin = 1): number => {
    setClientAddress(client, from);
    limits.describe(client, kind, Buffer.from(about), about.length);
    return limits.admit(client, nowMs, slipMin);
  };
  /** Queries at an even pace for `seconds`, and what became of them. */
  const flood = (perSecond: number, seconds: number, from: (each: number) => string, about: (each: number) => string, startMs = 0) => {
    const counts = [0, 0, 0];
    const last = { sent: -Infinity };
    for (let each = 0; each < perSecond * seconds; each++) {
      const nowMs = startMs + (1000 * each) / perSecond;
      const admitted = ask(from(each), about(each), nowMs);
      counts[admitted]!++;
      if (admitted === ADMIT.SEND) last.sent = nowMs;
    }
    return { sent: counts[ADMIT.SEND]!, truncated: counts[ADMIT.TRUNCATE]!, dropped: counts[ADMIT.DROP]!, lastSentMs: last.sent };
  };
  return { ask, flood, logged, limits, client };
}

const one = () => '192.0.2.1';
const same = () => 'www.example';

describe('one name, one network', () => {
  test('at the rate, everything is answered, for ever', () => {
    expect(limiter().flood(RATE, 60, one, same)).toMatchObject({ sent: 60 * RATE, truncated: 0, dropped: 0 });
  });

  test('a burst after a rest', () => {
    const { sent, truncated } = limiter().flood(1000 * RATE, 0.1, one, same);
    expect(sent).toBeGreaterThanOrEqual(RATE * RRL_BURST_SECONDS);
    expect(sent).toBeLessThanOrEqual(RATE * RRL_BURST_SECONDS + RATE * 0.1 + 1);
    expect(truncated).toBe(5000 - sent);
  });

  test('half as much again as the rate: over half are answered in full, the rest with TC', () => {
    const { sent, truncated, dropped } = limiter().flood(1.5 * RATE, 100, one, same);
    expect(sent / 7500).toBeGreaterThan(0.5);
    expect(sent / 7500).toBeLessThan(0.67);
    expect([sent + truncated, dropped]).toEqual([7500, 0]);
  });

  test('from four times the rate on: nothing in full but the first burst', () => {
    const { sent, lastSentMs } = limiter().flood(4 * RATE, 60, one, same);
    expect(sent).toBeLessThan(4 * RATE * RRL_BURST_SECONDS);
    expect(lastSentMs).toBeLessThan(4000);
    expect(limiter().flood(40 * RATE, 10, one, same).lastSentMs).toBeLessThan(300);
  });

  test('two seconds after a flood, answers are whole again', () => {
    const { flood } = limiter();
    flood(10_000, 5, one, same);
    expect(flood(1, 3, one, same, 6100).sent).toBe(3);
  });

  test('times beyond 2³¹ and 2³² milliseconds', () => {
    for (const startMs of [2 ** 31 - 1000, 2 ** 32 - 1000, 2 ** 40]) {
      const { flood } = limiter();
      expect(flood(RATE, 4, one, same, startMs).sent).toBe(4 * RATE);
    }
  });
});

describe('what shares a bucket', () => {
  const exhausted = () => {
    const all = limiter();
    all.flood(10_000, 1, one, same);
    expect(all.ask('192.0.2.1', 'www.example', 1000)).not.toBe(ADMIT.SEND);
    return all;
  };
  test('all of a /24', () => expect(exhausted().ask('192.0.2.255', 'www.example', 1000)).not.toBe(ADMIT.SEND));
  test('not another /24', () => expect(exhausted().ask('192.0.3.1', 'www.example', 1000)).toBe(ADMIT.SEND));
  test('not another name', () => expect(exhausted().ask('192.0.2.1', 'mail.example', 1000)).toBe(ADMIT.SEND));
  test('not another kind', () => {
    for (const kind of [KIND.NEGATIVE, KIND.REFERRAL, KIND.ERROR])
      expect(exhausted().ask('192.0.2.1', 'www.example', 1000, kind)).toBe(ADMIT.SEND);
  });
  test('all of a /56, and not its neighbour', () => {
    const { flood, ask } = limiter();
    flood(10_000, 1, () => '2001:db8:1:200::1', same);
    expect(ask('2001:db8:1:2ff:ffff::1', 'www.example', 1000)).not.toBe(ADMIT.SEND);
    expect(ask('2001:db8:1:300::1', 'www.example', 1000)).toBe(ADMIT.SEND);
  });

  test('all names together have a limit too', () => {
    const { sent, truncated } = limiter().flood(20_000, 5, one, (each) => `h${each}.example`);
    expect(sent).toBeLessThan(RATE * RRL_NETWORK_FACTOR * (RRL_BURST_SECONDS + 1));
    expect(sent).toBeGreaterThanOrEqual(RATE * RRL_NETWORK_FACTOR * RRL_BURST_SECONDS);
    expect(sent + truncated).toBe(100_000);
  });
});

describe('slip', () => {
  test.for([1, 2, 3, 10])('%i: at least one limited answer in so many is sent truncated, the first among them', (slip) => {
    const { ask, flood } = limiter({ slip });
    const { sent, truncated, dropped } = flood(20_000, 1, one, same);
    expect(truncated).toBe(Math.ceil((20_000 - sent) / slip));
    expect(truncated + dropped).toBe(20_000 - sent);
    for (let each = 0; each < RATE * RRL_BURST_SECONDS; each++) ask('198.51.100.1', 'www.example', 0);
    expect(ask('198.51.100.1', 'www.example', 0)).toBe(ADMIT.TRUNCATE);
  });

  test('a higher one for answers longer than their query', () => {
    const { ask, flood } = limiter();
    flood(20_000, 1, one, same);
    const outcomes = Array.from({ length: 10 }, () => ask('192.0.2.1', 'www.example', 1000, KIND.POSITIVE, 2));
    expect(outcomes.filter((each) => each === ADMIT.TRUNCATE)).toHaveLength(5);
  });
});

describe('a table of fixed size', () => {
  test('a flood from so many networks that the table is turned over does not let go of a network that is limited', () => {
    const { flood, ask } = limiter();
    flood(10_000, 1, one, same);
    let others = 0;
    // 1.5 times the table in half a second, each network once, as forged addresses come.
    const networks = Math.ceil(0.75 * RRL_BUCKETS);
    for (let each = 0; each < networks; each++) {
      const nowMs = 1000 + (500 * each) / networks;
      if (ask(`10.${each >> 8}.${each & 255}.1`, 'www.example', nowMs) === ADMIT.SEND) others++;
      if (each % 10 === 0) expect(ask('192.0.2.1', 'www.example', nowMs)).not.toBe(ADMIT.SEND);
    }
    expect(others).toBe(networks);
  });

  test('65,536 networks at one query a second each: nobody is limited', () => {
    const { flood } = limiter();
    expect(flood(65_536, 2, (each) => `10.${(each >> 8) & 255}.${each & 255}.1`, same)).toMatchObject({ truncated: 0, dropped: 0 });
  });
});

test('the allow list', () => {
  const { limits, client } = limiter({ allow: ['192.0.2.0/25', '2001:db8::/32', '198.51.100.7', '0.0.0.0/32'] });
  const allowed = (from: string) => {
    setClientAddress(client, from);
    return limits.isAllowed(client);
  };
  for (const from of ['192.0.2.0', '192.0.2.127', '2001:db8:ffff::1', '198.51.100.7', '::ffff:192.0.2.1', '0.0.0.0'])
    expect(allowed(from), `from ${from}`).toBe(true);
  for (const from of ['192.0.2.128', '192.0.3.1', '2001:db9::1', '198.51.100.6', '::1']) expect(allowed(from), `from ${from}`).toBe(false);
});

describe('the log', () => {
  test('has a network once in 30 s', () => {
    const { flood, logged } = limiter();
    flood(1000, 65, one, same, 5);
    expect(logged).toEqual(['192.0.2.0/24', '192.0.2.0/24', '192.0.2.0/24']);
  });
  test('has few lines, however many networks are limited', () => {
    const { flood, logged } = limiter();
    for (let network = 0; network < 1000; network++) flood(100_000, 0.002, () => `10.1.${network & 255}.${network >> 8}`, same, network);
    expect(logged.length).toBeGreaterThan(RRL_LOG_NETWORKS / 4);
    expect(logged.length).toBeLessThanOrEqual(RRL_LOG_NETWORKS);
  });
  test('writes IPv6 networks as such', () => {
    const { flood, logged } = limiter();
    flood(1000, 1, () => '2001:db8:1:2ff::1', same);
    expect(logged).toEqual(['2001:db8:1:200:0:0:0:0/56']);
  });
});
