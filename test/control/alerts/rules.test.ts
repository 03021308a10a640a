/** The table of rules: each about a metric that this server has, in docs/alerts.md, and in the file for Prometheus. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ALERT_RULES } from '#control/alerts/rules.ts';
import { PROMETHEUS_RULES, prometheusRules } from '../../../scripts/prometheus-rules.ts';
import { temporaryControl } from '../../support/temporary-control.ts';

test('every rule is about a metric that there is', () => {
  const names = new Set(
    temporaryControl()
      .control.metrics()
      .map(({ name }) => name),
  );
  // Of zones: they are there when zones are.
  const ofZones = ['waxseal_dnssec_ds_in_sync'];
  expect(ALERT_RULES.map(({ metric }) => metric).filter((each) => !names.has(each) && !ofZones.includes(each))).toEqual(
    [],
  );
});

test('docs/prometheus-rules.yaml is current; if not: npm run prometheus-rules', () => {
  expect(readFileSync(PROMETHEUS_RULES, 'utf8')).toBe(prometheusRules());
});

test('docs/alerts.md has a row for each rule, with its threshold', () => {
  const text = readFileSync(new URL('../../../docs/alerts.md', import.meta.url), 'utf8');
  const rows = ALERT_RULES.map(({ id, severity }) => `| \`${id}\` | ${severity} |`);
  expect(rows.filter((row) => !text.includes(row))).toEqual([]);
});
