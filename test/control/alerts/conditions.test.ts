/** Rules against metrics, each comparison at its bound; the table of rules itself. */
import { expect, test } from 'vitest';
import { conditionsNow } from '#control/alerts/conditions.ts';
import { ALERT_RULES, type AlertRule, type Comparison } from '#control/alerts/rules.ts';
import { type MetricFamily } from '#control/api/control.ts';

const NOW_MS = Date.UTC(2026, 10, 30);
const NOW = NOW_MS / 1000;

function rule(is: Comparison, threshold: number, labels?: Record<string, string>): AlertRule {
  const texts = { title: 'it is so', consequence: 'c', command: 'x' };
  return {
    id: 'R',
    severity: 'warning',
    metric: 'm',
    is,
    threshold,
    forMs: 0,
    clearMs: 0,
    ...texts,
    ...(labels && { labels }),
  };
}

function family(...samples: readonly (readonly [Record<string, string>, number])[]): MetricFamily {
  return { name: 'm', help: '', type: 'gauge', samples: samples.map(([labels, value]) => ({ labels, value })) };
}

const met = (each: AlertRule, value: number) => conditionsNow([each], [family([{}, value])], NOW_MS).length === 1;

test('each comparison, at its bound and on both sides', () => {
  expect([9, 10, 11].map((value) => met(rule('above', 10), value))).toEqual([false, false, true]);
  expect([9, 10, 11].map((value) => met(rule('below', 10), value))).toEqual([true, false, false]);
  expect([59, 60, 61].map((left) => met(rule('ends-within', 60), NOW + left))).toEqual([true, false, false]);
  expect([59, 60, 61].map((ago) => met(rule('older-than', 60), NOW - ago))).toEqual([false, false, true]);
  expect(met(rule('above', 0), NaN)).toBe(false);
});

test('the label zone is the zone of the alert, others its object; a rule can want one', () => {
  const samples = family([{ zone: 'a.test.', host: 'h' }, 2], [{ state: 'expired' }, 2], [{ state: 'current' }, 2]);
  const found = conditionsNow([rule('above', 1, { state: 'expired' })], [samples], NOW_MS);
  expect(found).toMatchObject([{ text: 'it is so (now 2)' }]);
  expect(found[0]).not.toHaveProperty('object');
  expect(conditionsNow([rule('above', 1)], [samples], NOW_MS)[0]).toMatchObject({
    zone: 'a.test.',
    object: 'host h',
    text: 'host h: it is so (now 2)',
  });
});

test('a metric that is not there says nothing', () => {
  expect(conditionsNow(ALERT_RULES, [], NOW_MS)).toEqual([]);
});

test('NIS2 Art. 5: the thresholds stand in the table', () => {
  const by = new Map(ALERT_RULES.map((each) => [each.id, each]));
  expect(by.get('DNS_DOWN')).toMatchObject({ threshold: 30 * 60, severity: 'critical' });
  expect(by.get('DNS_SLOW')).toMatchObject({ threshold: 10, severity: 'critical' });
  expect(new Set(ALERT_RULES.map(({ id }) => id)).size).toBe(ALERT_RULES.length);
});
