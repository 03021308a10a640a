/**
 * Which rules apply now: each sample of a rule's metric that crosses its threshold. Pure.
 * Not here: for how long they must (book.ts).
 */
import { type MetricFamily } from '#control/api/control.ts';
import { type AlertRule } from './rules.ts';

/** What is wrong now. */
export interface Condition {
  readonly rule: AlertRule;
  /** Absolute, lower-case. */
  readonly zone?: string;
  /** The other labels, as `host mta-sts.example.com`. */
  readonly object?: string;
  readonly text: string;
}

/** `nowMs`: wall time. Rules whose metric is not there, or has no value, say nothing. */
export function conditionsNow(
  rules: readonly AlertRule[],
  families: readonly MetricFamily[],
  nowMs: number,
): Condition[] {
  const byName = new Map(families.map((family) => [family.name, family]));
  return rules.flatMap((rule) => {
    const samples = byName.get(rule.metric)?.samples ?? [];
    return samples
      .filter(({ labels, value }) => hasLabels(labels, rule.labels) && isMet(rule, value, nowMs / 1000))
      .map(({ labels, value }) => conditionOf(rule, labels, value));
  });
}

function isMet({ is, threshold }: AlertRule, value: number, nowSeconds: number): boolean {
  if (!Number.isFinite(value)) return false;
  switch (is) {
    case 'above':
      return value > threshold;
    case 'below':
      return value < threshold;
    case 'ends-within':
      return value - nowSeconds < threshold;
    case 'older-than':
      return nowSeconds - value > threshold;
  }
}

function hasLabels(labels: Readonly<Record<string, string>>, wanted: AlertRule['labels'] = {}): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

function conditionOf(rule: AlertRule, labels: Readonly<Record<string, string>>, value: number): Condition {
  const { zone, ...others } = labels;
  const left = Object.entries(others).filter(([name]) => rule.labels?.[name] === undefined);
  const object = left.map(([name, each]) => `${name} ${each}`).join(', ');
  return {
    rule,
    ...(zone === undefined ? {} : { zone }),
    ...(object === '' ? {} : { object }),
    text: `${object === '' ? '' : `${object}: `}${rule.title} (${valueText(rule, value)})`,
  };
}

function valueText({ is, metric }: AlertRule, value: number): string {
  if (is === 'ends-within' || is === 'older-than') return new Date(value * 1000).toISOString();
  const shown = Number.isInteger(value) ? String(value) : value.toFixed(3);
  return metric.endsWith('_seconds') ? `${shown} s` : `now ${shown}`;
}
