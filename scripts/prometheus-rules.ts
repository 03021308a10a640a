/** Writes docs/prometheus-rules.yaml from the table of alert rules (src/control/alerts/rules.ts). `npm run prometheus-rules` */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ALERT_RULES, type AlertRule } from '../src/control/alerts/rules.ts';

/** Where it is. */
export const PROMETHEUS_RULES = join(import.meta.dirname, '..', 'docs', 'prometheus-rules.yaml');

/** The file's text: rules for Prometheus with the thresholds and durations that the server has itself. */
export function prometheusRules(rules: readonly AlertRule[] = ALERT_RULES): string {
  const head = [
    '# Rules for Prometheus, made by `npm run prometheus-rules` from src/control/alerts/rules.ts: the server watches them',
    '# itself too (docs/alerts.md). WAXSEAL_DOWN is for when there is no server that could.',
    'groups:',
    '  - name: waxseal',
    '    rules:',
    '      - alert: WAXSEAL_DOWN',
    '        expr: up{job="waxseal"} == 0',
    '        for: 2m',
    '        labels:',
    '          severity: critical',
    '        annotations:',
    '          summary: "waxseal gives no metrics"',
    '          consequence: "the server is down, or its API listener is"',
    '          command: "systemctl status waxseal"',
  ];
  return `${[...head, ...rules.flatMap(ruleLines)].join('\n')}\n`;
}

function ruleLines({ id, severity, title, consequence, command, forMs, ...rule }: AlertRule): string[] {
  return [
    `      - alert: ${id}`,
    `        expr: ${expression(rule)}`,
    ...(forMs === 0 ? [] : [`        for: ${forMs / 60_000}m`]),
    '        labels:',
    `          severity: ${severity}`,
    '        annotations:',
    `          summary: ${JSON.stringify(title)}`,
    `          consequence: ${JSON.stringify(consequence)}`,
    `          command: ${JSON.stringify(command.replace('ZONE', '{{ $labels.zone }}'))}`,
  ];
}

function expression({ metric, labels = {}, is, threshold }: Pick<AlertRule, 'metric' | 'labels' | 'is' | 'threshold'>): string {
  const wanted = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const selected = wanted.length === 0 ? metric : `${metric}{${wanted.join(',')}}`;
  switch (is) {
    case 'above':
      return `${selected} > ${threshold}`;
    case 'below':
      return `${selected} < ${threshold}`;
    case 'ends-within':
      return `${selected} - time() < ${threshold}`;
    case 'older-than':
      return `time() - ${selected} > ${threshold}`;
  }
}

if (import.meta.main) writeFileSync(PROMETHEUS_RULES, prometheusRules());
