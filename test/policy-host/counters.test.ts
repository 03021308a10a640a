/** What is counted, and its form for Prometheus: a histogram whose buckets are cumulative. */
import { expect, test } from 'vitest';
import { POLICY_HOST_METRICS, PolicyHostCounters } from '#policy-host/counters.ts';

test('every slot has a metric, and every metric a name and help of the house', () => {
  const values = new PolicyHostCounters().values();
  expect(Object.keys(values).toSorted()).toEqual(Object.keys(POLICY_HOST_METRICS).toSorted());
  const seen = new Set<string>();
  for (const { name, help, type, labels } of Object.values(POLICY_HOST_METRICS)) {
    expect(name).toMatch(/^waxseal_https_[a-z_]+$/);
    if (type === 'counter') expect(name).toMatch(/_(?:total|bucket|count|sum)$/);
    expect(help).toMatch(/\.$/);
    const series = `${name}${JSON.stringify(labels)}`;
    expect(seen).not.toContain(series);
    seen.add(series);
  }
});

test('the latency of requests: each in all buckets from its own on', () => {
  const counters = new PolicyHostCounters();
  for (const seconds of [0.0001, 0.0002, 0.02, 5]) counters.answered(200, 10, seconds);
  const values = counters.values();
  const buckets = ['0.0001', '0.00025', '0.01', '0.025', '1', 'inf'].map((bound) => values[`httpsSeconds.${bound}`]);
  expect(buckets).toEqual([1, 2, 2, 3, 3, 4]);
  expect(values['httpsSecondsCount']).toBe(4);
  expect(values['httpsSecondsSum']).toBeCloseTo(5.0203, 6);
  expect(values['httpsBodyBytes']).toBe(40);
});

test('a status without a slot is "other"; a copy of the values is a copy', () => {
  const counters = new PolicyHostCounters();
  const before = counters.values();
  counters.answered(299, 0, 0);
  counters.handshake('ok');
  counters.handshake('timeout');
  counters.limit('frames');
  counters.accepted();
  counters.set('httpsConnections', 3);
  expect(before['httpsStatus.other']).toBe(0);
  expect(counters.values()).toMatchObject({
    'httpsStatus.other': 1,
    httpsHandshakeOk: 1,
    'httpsHandshake.timeout': 1,
    'httpsLimit.frames': 1,
    httpsAccepted: 1,
    httpsConnections: 3,
  });
});
